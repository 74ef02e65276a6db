"""`generation`: layers from text, judged by the probe."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from acetate_engine.evaluation import alpha as measure
from acetate_engine.evaluation.kid import kid
from acetate_engine.evaluation.probe import Reference
from acetate_engine.evaluation.sampling import Sampler
from acetate_engine.evaluation.weave import evaluate_weave
from acetate_engine.training.datasets import Bytes, PictureSet
from acetate_engine.training.probe import over_grey
from acetate_engine.training.translucent.subjects import STYLE as TRANSLUCENT

CLASSES = 50  # captions that a picture is sought among


@dataclass(frozen=True)
class Samplings:
    """Layers of CLASSES prompts, as many of each, prompt after prompt."""

    prompts: list[str]
    layers: Bytes  # (len(prompts) * each, H, W, 4)
    each: int

    @property
    def answers(self) -> Tensor:
        return torch.arange(len(self.prompts)).repeat_interleave(self.each)


def chosen_prompts(captions: list[str], count: int = CLASSES) -> list[str]:
    """`count` of them, evenly spread; all where there are fewer."""
    indices = np.linspace(0, len(captions) - 1, min(count, len(captions))).round().astype(int)
    return [captions[index] for index in indices]


def is_soft(caption: str) -> bool:
    """Whether what it names need not have an opaque core: glass, light, smoke, hair."""
    return caption.endswith(f", {TRANSLUCENT}")


def sample_layers(sampler: Sampler, captions: list[str], count: int) -> Samplings:
    """At least `count` layers."""
    prompts = chosen_prompts(captions)
    each = -(-count // len(prompts))
    return Samplings(prompts, sampler.native([prompt for prompt in prompts for _ in range(each)]), each)


def evaluate_generation(samples: Samplings, reference: Reference, real: PictureSet) -> dict[str, object]:
    """`real`: layers of the split, against which KID is measured; the weave against those of the prompts' styles."""
    seen, texts = reference.see(over_grey(samples.layers)), reference.read(samples.prompts)
    distance = kid(seen, reference.see(over_grey(real.pixels)))
    solid = [row for row, answer in enumerate(samples.answers) if not is_soft(samples.prompts[answer])]
    shuffled = samples.answers[torch.randperm(len(seen), generator=torch.Generator().manual_seed(0))]
    return {
        "top1_of_50": _top1(seen, texts, samples.answers),
        "top1_real_ceiling": _real_top1(reference, samples.prompts, texts),
        "top1_shuffled_floor": _top1(seen, texts, shuffled),
        "nearest_train_distance": float((1 - (seen @ reference.features.T).amax(1)).mean()),
        "kid": {"value": distance.value, "interval": [distance.low, distance.high]},
        "opaque_core_share": measure.opaque_core_share(samples.layers[solid]) if solid else None,
        "clean_border_share": measure.clean_border_share(samples.layers),
        "weave": evaluate_weave(samples.layers, of_styles(real, samples.prompts)),
        "samples": len(samples.layers),
    }


def of_styles(real: PictureSet, prompts: list[str]) -> Bytes:
    """The pictures whose captions end as one of the prompts does; all where none does."""
    styles = {prompt.rpartition(", ")[2] for prompt in prompts}
    alike = [row for row, caption in enumerate(real.captions) if caption.rpartition(", ")[2] in styles]
    return real.pixels[alike] if alike else real.pixels


def _top1(pictures: Tensor, texts: Tensor, answers: Tensor) -> float:
    return float(((pictures @ texts.T).argmax(1) == answers).float().mean())


def _real_top1(reference: Reference, prompts: list[str], texts: Tensor) -> float:
    """The training pictures of these captions, which the probe has seen."""
    place = {prompt: index for index, prompt in enumerate(prompts)}
    rows = [row for row, caption in enumerate(reference.captions) if caption in place]
    answers = torch.tensor([place[reference.captions[row]] for row in rows])
    return _top1(reference.features[rows], texts, answers)
