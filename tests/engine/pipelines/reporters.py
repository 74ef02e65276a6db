"""What the tests give a pipeline to report to."""

from acetate_engine.pipelines.contract import JobCancelled


class Recorder:
    """Keeps everything; cancels the job at the check after `cancel_after` denoising steps."""

    def __init__(self, cancel_after=None):
        self.stages, self.previews, self.steps = [], [], 0
        self.cancel_after = cancel_after

    def progress(self, step, steps, stage):
        self.stages.append((step, steps, stage))
        self.steps += stage == "denoise"

    def preview(self, step, rgba):
        self.previews.append(rgba)

    def check(self):
        if self.cancel_after is not None and self.steps >= self.cancel_after:
            raise JobCancelled
