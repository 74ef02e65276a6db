"""What a family's way of conditioning layers must be able to do."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from acetate_engine.compositing.pixels import Floats
from acetate_engine.pipelines.stages.denoise import execute
from acetate_engine.pipelines.stages.geometry import Geometry
from acetate_engine.pipelines.stages.job import ModelJob
from acetate_engine.pipelines.stages.layers import generators
from acetate_engine.pipelines.stages.runs import Run

BLEND_STRENGTH = 0.6  # enough to mend edges, light and shadow; more would make up another picture

LayerLatents = Sequence[Tensor]
"""One an image of the job: (1, c, h, w) of the layer that is wanted, clean, scaled as the denoiser sees them.

A transparent layer may have a second row: what the base paints of it over mid-grey, for its colour.
"""


@dataclass(frozen=True)
class Start:
    """Pictures to start from instead of noise alone: latents (1, c, h, w), scaled."""

    wanted: Tensor
    blended: Tensor
    plain: Tensor | None = None  # of the wanted layer over mid-grey, where its colour is made apart
    keep: Tensor | None = None  # (1, 1, h, w), 1 where the wanted picture is known; then the blended one is, all of it


class LayerMethod(Protocol):
    """A family returns one with its components; recipes ask it for latents, or for pictures where it has some already.

    Pictures that it is given are (1, 4, H, W) float32, 0..1, straight sRGB, of the working extent. Each function tells
    `job.meter` how many steps to expect, decoding included. All raise JobCancelled, CheckpointError, GenerationFailed.
    """

    @property
    def runs_per_layer(self) -> int:
        """Denoising runs of a foreground that looks at a background."""

    @property
    def takes_several(self) -> bool:
        """Whether images of a foreground may have prompts, and what lies behind them, of their own: `ModelJob.each`."""

    def looks_at_background(self, layers: Collection[str]) -> bool:
        """Whether these layer adapters are enough for a foreground that fits a given background."""

    def foreground(self, job: ModelJob, geometry: Geometry) -> LayerLatents:
        """From the prompt alone."""

    def rework(self, job: ModelJob, geometry: Geometry, start: Tensor, keep: Tensor | None) -> LayerLatents:
        """A foreground from an earlier one: its adjusted latent, and 1 where it must stay, (1, 1, h, w).

        Where colour is made apart, a second row of `start` is its latent over mid-grey.
        """

    def foreground_on(self, job: ModelJob, geometry: Geometry, behind: Tensor, start: Start | None) -> LayerLatents:
        """A foreground that fits the opaque picture `behind`; from an earlier one where there is a start.

        Where the method `takes_several`, `behind` may have a row an image.
        """

    def background_behind(self, job: ModelJob, geometry: Geometry, front: Tensor, start: Start | None) -> LayerLatents:
        """An opaque picture behind a cut-out; where there is a start, its known part stays."""

    def blend(self, job: ModelJob, geometry: Geometry, front: Tensor, back: Tensor, both: Tensor) -> LayerLatents:
        """`both`, which is `front` over `back`, made one picture."""

    def joint(self, job: ModelJob, geometry: Geometry) -> tuple[Sequence[Floats], Sequence[Floats]]:
        """Backgrounds and foregrounds that belong together: decoded, (H, W, 4) of the working extent, one an image."""


class TransparentRuns:
    """Foregrounds alone, in one run with the layer adapter `transparent`: the same for every method so far."""

    def foreground(self, job: ModelJob, geometry: Geometry) -> LayerLatents:
        each = [(own.prompt,) for own in job.each]
        return _alone(job, geometry, Run("transparent", (job.request.prompt,), each, layer_frame=0))

    def rework(self, job: ModelJob, geometry: Geometry, start: Tensor, keep: Tensor | None) -> LayerLatents:
        plain = start[1:] if len(start) > 1 else None
        run = Run("transparent", (job.request.prompt,), keep=keep, layer_frame=0, plain=plain)
        return _alone(job, geometry, run.starting(start[:1], job.request.strength))


def _alone(job: ModelJob, geometry: Geometry, run: Run) -> LayerLatents:
    job.meter.expect(job.request.images * (run.steps(job) + 1))
    return execute(job, run, geometry, generators(job))
