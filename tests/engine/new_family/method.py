"""A method file: all layers of a picture in one run of a denoiser that sees them together."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from torch import Tensor

from acetate.protocol.tasks import LayerRole
from acetate_engine.compositing.pixels import Floats
from acetate_engine.pipelines.methods.base import LayerLatents, LayerMethod, Start
from acetate_engine.pipelines.stages.denoise import execute
from acetate_engine.pipelines.stages.geometry import Geometry
from acetate_engine.pipelines.stages.job import ModelJob
from acetate_engine.pipelines.stages.layers import decode, generators
from acetate_engine.pipelines.stages.runs import Run

FRAMES = 2  # foreground, background


class AllInOneRun(LayerMethod):
    runs_per_layer = 1
    takes_several = False

    def looks_at_background(self, layers: Collection[str]) -> bool:
        return False

    def joint(self, job: ModelJob, geometry: Geometry) -> tuple[Sequence[Floats], Sequence[Floats]]:
        request = job.request
        run = Run(None, (request.prompt, request.background_prompt or request.prompt))
        job.meter.expect(request.images * (run.steps(job) + FRAMES))
        latents = execute(job, run, geometry, generators(job))
        fronts = [decode(job, latent[:1], LayerRole.FOREGROUND) for latent in latents]
        return [decode(job, latent[1:], LayerRole.BACKGROUND) for latent in latents], fronts

    def foreground(self, job: ModelJob, geometry: Geometry) -> LayerLatents:
        """Of the same run, without what lies behind."""
        job.meter.expect(job.request.images * (job.settings.steps + 1))
        run = Run(None, (job.request.prompt, ""))
        return [latent[:1] for latent in execute(job, run, geometry, generators(job))]

    def rework(self, job: ModelJob, geometry: Geometry, start: Tensor, keep: Tensor | None) -> LayerLatents:
        raise NotImplementedError  # none of the family's tasks

    def foreground_on(self, job: ModelJob, geometry: Geometry, behind: Tensor, start: Start | None) -> LayerLatents:
        raise NotImplementedError

    def background_behind(self, job: ModelJob, geometry: Geometry, front: Tensor, start: Start | None) -> LayerLatents:
        raise NotImplementedError

    def blend(self, job: ModelJob, geometry: Geometry, front: Tensor, back: Tensor, both: Tensor) -> LayerLatents:
        raise NotImplementedError
