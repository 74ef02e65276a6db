"""Which captions a model really knows: each is sampled on a few seeds, and is good only if all its layers are.

The probe is content with less than a person is: a rim in pieces is still the nearest to a magnifying glass. So whoever
has looked at the layers may say what is wrong with them (see prompts/taught.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from torch import Tensor

from acetate_engine.evaluation import alpha as measure
from acetate_engine.evaluation.generation import is_soft
from acetate_engine.evaluation.probe import Reference
from acetate_engine.evaluation.sampling import Sampler
from acetate_engine.evaluation.weave import weave
from acetate_engine.prompts.taught import Taught
from acetate_engine.training.datasets import Bytes
from acetate_engine.training.probe import over_grey

SEEDS = 4
_RANK = 5  # at most: among all captions the probe finds the layer's own that soon
_GRAIN = 2.0  # times that of real pictures, at most
_AT_ONCE = 16  # captions


@dataclass(frozen=True)
class Judged:
    """One caption: the worst of its layers in each respect."""

    caption: str
    rank: int  # of the caption itself, 1 is best
    core: bool  # what is covered is opaque, or the caption is of something translucent
    border: bool  # the outermost pixels are empty
    grain: float | None  # times that of real pictures; None where nothing is flat
    unlike: str = ""  # what somebody who looked at its layers found wrong

    @property
    def passes(self) -> bool:
        measured = self.rank <= _RANK and self.core and self.border and (self.grain is None or self.grain <= _GRAIN)
        return measured and not self.unlike


def judge_captions(
    sampler: Sampler,
    captions: Sequence[str],
    reference: Reference,
    real_grain: float | None,
    taught: Taught,
) -> list[Judged]:
    """All captions, in order.

    Args:
        real_grain: that of real pictures, from `weave`; None: no fill is judged.
        taught: of the model, whose layers somebody may have looked at.
    """
    texts = reference.read(list(captions))
    judged = []
    for start in range(0, len(captions), _AT_ONCE):
        part = captions[start : start + _AT_ONCE]
        layers = sampler.native([caption for caption in part for _ in range(SEEDS)])
        for offset, caption in enumerate(part):
            own = layers[offset * SEEDS : (offset + 1) * SEEDS]
            rank = worst_rank(reference.see(over_grey(own)), texts, start + offset)
            judged.append(judge(caption, own, rank, real_grain, "; ".join(taught.found_wrong(caption).values())))
    return judged


def judge(caption: str, layers: Bytes, rank: int, real_grain: float | None, unlike: str = "") -> Judged:
    """`layers`: (N, H, W, 4) of this caption."""
    grains = [found for layer in layers if (found := weave(layer[None])["grain"]) is not None]
    return Judged(
        caption,
        rank,
        is_soft(caption) or measure.opaque_core_share(layers) == 1,
        measure.clean_border_share(layers) == 1,
        max(grains) / real_grain if grains and real_grain else None,
        unlike,
    )


def worst_rank(seen: Tensor, texts: Tensor, own: int) -> int:
    """At which place the own text comes, for the picture (N, features) that it fits least; the first is 1."""
    alike = seen @ texts.T
    return int((alike > alike[:, own : own + 1]).sum(1).max()) + 1


def summary(judged: Sequence[Judged]) -> dict[str, Any]:
    """For a file: shares of all captions, and what was found of each."""
    return {
        "captions": len(judged),
        "passed": sum(one.passes for one in judged),
        "dropped_share": float(np.mean([not one.passes for one in judged])),
        "rank_share": float(np.mean([one.rank <= _RANK for one in judged])),
        "core_share": float(np.mean([one.core for one in judged])),
        "border_share": float(np.mean([one.border for one in judged])),
        "grain_share": float(np.mean([one.grain is None or one.grain <= _GRAIN for one in judged])),
        "likeness_share": float(np.mean([not one.unlike for one in judged])),
        "each": [asdict(one) | {"passes": one.passes} for one in judged],
    }
