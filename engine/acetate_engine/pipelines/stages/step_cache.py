"""Step caching: of most steps the prediction is not computed, but continued from the two computed last.

Along a run of a deterministic solver predictions change slowly and evenly, so that a line through the last two comes
much closer than the last one repeated. TaylorSeer (arXiv 2503.06923) continues the features of blocks that way; here it
is the guided prediction itself, which spares the whole network and fits all of them.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from acetate.protocol.requests import Scheduler

if TYPE_CHECKING:
    from acetate_engine.pipelines.stages.denoise import Predict

DETERMINISTIC = (Scheduler.UNIPC, Scheduler.EULER)  # the others add noise at each step, which predictions follow
_BEFORE, _LAST = 2, 2  # steps that are always computed: after each change of what predicts, and at the end of a run


def computed_steps(count: int, interval: int, changes: Collection[int] = ()) -> list[bool]:
    """Which steps of a run are computed.

    Args:
        count: all steps.
        interval: one of so many is computed; 1: all are.
        changes: steps from which on something else predicts, such as a hint that begins to act.
    """
    computed, since = [], 0
    for step in range(count):
        since = step if step in changes else since
        after = step - since
        computed.append(after < _BEFORE or step >= count - _LAST or (after - _BEFORE + 1) % interval == 0)
    return computed


def step_cached(predict: Predict, computed: list[bool]) -> Predict:
    """`predict`, asked for the computed steps alone; made for one run."""
    seen: list[tuple[int, Tensor]] = []

    def predicted(sample: Tensor, timestep: Tensor, step: int) -> Tensor:
        if not computed[step]:
            (first, earlier), (second, later) = seen
            return torch.lerp(earlier, later, (step - first) / (second - first))
        seen[:-1] = []
        seen.append((step, predict(sample, timestep, step)))
        return seen[-1][1]

    return predicted
