"""`variety`: whether seeds of one prompt differ, in the probe's features, as pictures of one concept in the data do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from torch import Tensor

from acetate_engine.evaluation.probe import Reference
from acetate_engine.evaluation.sampling import Sampler
from acetate_engine.training.probe import over_grey, without_style

SEEDS = 8  # of each prompt
WANTED = 0.4  # of what the data has


def evaluate_variety(sampler: Sampler, prompts: Sequence[str], reference: Reference) -> dict[str, float | None]:
    """Mean distances (1 - cosine) between two layers of one prompt, and between two real pictures of one concept."""
    layers = sampler.native([prompt for prompt in prompts for _ in range(SEEDS)])
    seen = reference.see(over_grey(layers))
    made = float(np.mean([spread(part) for part in seen.split(SEEDS)]))  # type: ignore[no-untyped-call]
    real = real_spread(reference)
    return {"seeds": made, "real": real, "share": made / real if real else None, "wanted": WANTED}


def spread(features: Tensor) -> float:
    """Mean distance over all pairs of two different rows, each of length 1."""
    count = len(features)
    similar = (features @ features.T).sum() - (features * features).sum()
    return float(1 - similar / (count * (count - 1)))


def real_spread(reference: Reference) -> float | None:
    """Of the training pictures, over concepts that have several; a concept is what captions say before the style."""
    rows: defaultdict[str, list[int]] = defaultdict(list)
    for row, caption in enumerate(reference.captions):
        rows[without_style(caption)].append(row)
    several = [spread(reference.features[same]) for same in rows.values() if len(same) > 1]
    return float(np.mean(several)) if several else None
