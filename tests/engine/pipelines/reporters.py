"""What the tests give a pipeline to report to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from acetate.protocol.events import Stage
from acetate_engine.pipelines.contract import JobCancelled


class Recorder:
    """Keeps everything; cancels the job at the check after `cancel_after` denoising steps."""

    def __init__(self, cancel_after: int | None = None) -> None:
        self.stages, self.previews, self.steps = [], [], 0
        self.cancel_after = cancel_after

    def progress(self, step: int, steps: int, stage: Stage) -> None:
        self.stages.append((step, steps, stage))
        self.steps += stage == "denoise"

    def preview(self, step: int, rgba: NDArray[np.uint8]) -> None:
        self.previews.append(rgba)

    def check(self) -> None:
        if self.cancel_after is not None and self.steps >= self.cancel_after:
            raise JobCancelled
