"""What a denoising run is: the frames of one picture together, with or without a layer adapter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from acetate_engine.models.families.components import LayerAdapter
from acetate_engine.pipelines.stages.before_denoise import Until, always, steps_of
from acetate_engine.pipelines.stages.control import Control
from acetate_engine.pipelines.stages.job import ModelJob


@dataclass(frozen=True)
class Run:
    """What is denoised: the frames of one picture together, each with its prompt.

    Latents are (frames, c, h, w), clean, scaled as the UNet sees them.
    """

    layer_adapter: str | None  # the layer adapter in the UNet
    prompts: tuple[str, ...]  # one a frame
    each: Sequence[tuple[str, ...]] = ()  # the same, one an image, where images have prompts of their own
    # the layer adapter, once a run: gives it its condition, one for all images or one each
    prepare: Callable[[LayerAdapter], None] | None = None
    condition_latents: Sequence[Tensor] | None = None  # one an image, (1, c, h, w): concatenated conditions
    layer_until: Until = always  # steps with the layer adapter; the plain UNet after them
    start: Tensor | None = None  # image-to-image
    strength: float = 1.0
    keep: Tensor | None = None  # 1 where the latent must stay that of `start`
    layer_frame: int | None = None  # the frame that is a transparent layer
    plain: Tensor | None = None  # (1, c, h, w): that frame of `start` over mid-grey, for its colour
    controls: Sequence[Control] = ()  # filled in from the request

    def prompts_of(self, images: Sequence[int]) -> list[str]:
        """Of all frames of these images, image after image."""
        return [prompt for image in images for prompt in (self.each[image] if self.each else self.prompts)]

    def starting(self, start: Tensor | None, strength: float) -> Run:
        """The same from pictures and noise by `strength`; from noise alone where there are none."""
        return self if start is None else replace(self, start=start, strength=strength)

    def steps(self, job: ModelJob) -> int:
        """How many it takes an image, those for a layer's colour included."""
        own = job.settings.steps if self.start is None else steps_of(job.settings.steps, self.strength)
        return own + (0 if self.layer_frame is None else colour_steps(job, own))


def base_steps(job: ModelJob, run: Run) -> int:
    """How many of the first steps, of a run from noise, go without layer adapter: they decide shapes."""
    return job.components.steps_without(run.layer_adapter, job.settings.steps) if run.start is None else 0


def colour_steps(job: ModelJob, steps: int) -> int:
    """How many of a run's last steps are gone again without layer adapter, for the colour of a layer."""
    whole = job.settings.steps
    return min(steps, whole - round(whole * job.components.colour_from))
