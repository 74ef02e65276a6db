"""One job on one model: what all its runs share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from acetate.protocol.events import Stage
from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import GenerateRequest
from acetate_engine.compositing.pixels import Pixels
from acetate_engine.compositing.regions import crop
from acetate_engine.models.families.base import Model, WorkingSize
from acetate_engine.models.families.components import Components
from acetate_engine.models.runtime.placement import Policy
from acetate_engine.pipelines.contract import Images, Reporter
from acetate_engine.pipelines.stages.geometry import Geometry
from acetate_engine.pipelines.stages.previews import Budget, LatentPreview
from acetate_engine.pipelines.stages.settings import RunSettings

if TYPE_CHECKING:
    from acetate_engine.pipelines.methods.base import LayerMethod

_PREVIEWS = 4  # a run, about
_PREVIEW_SHARE = 0.03  # of the job's time, at most
_PREVIEW_SIDE = 256  # pixels at most


@dataclass
class Meter:
    """Counts the work of a whole job in steps, so that progress never goes back."""

    reporter: Reporter
    total: int = 0
    done: int = 0

    def expect(self, total: int) -> None:
        """How many there will be; said once, by the outermost task."""
        self.total = self.total or total

    def skip(self, steps: int) -> None:
        """Expected steps that turned out not to be needed."""
        if steps:
            self.done += steps
            self.reporter.progress(self.done, self.total, Stage.DECODE)

    def advance(self, stage: Stage, steps: int = 1) -> None:
        """So many steps done. Raises JobCancelled."""
        self.done += steps
        self.reporter.progress(self.done, self.total, stage)
        self.reporter.check()


Finished = Callable[[str | None, Sequence[Tensor]], None]
"""Told of each run's end: the layer adapter in it, and its latents, (frames, c, h, w) an image, clean, scaled."""


def nothing(layer: str | None, latents: Sequence[Tensor]) -> None:
    """A Finished that does not listen."""


@dataclass(frozen=True)
class ModelJob:
    """A request on its way through a loaded model."""

    request: GenerateRequest
    images: Images
    meter: Meter
    model: Model
    components: Components
    preview: Callable[[], LatentPreview | None]  # fitted at its first use, kept with the model; None until it is
    settings: RunSettings
    notes: list[str] = field(default_factory=list)
    finished: Finished = nothing
    budget: Budget = field(default_factory=lambda: Budget(_PREVIEW_SHARE))  # of previews
    each: Sequence[GenerateRequest] = ()  # one an image, where these have prompts and seeds of their own

    @staticmethod
    def of(
        request: GenerateRequest,
        images: Images,
        reporter: Reporter,
        model: Model,
        components: Components,
        preview: Callable[[Components], LatentPreview | None],
        finished: Finished = nothing,
    ) -> ModelJob:
        """With the model made ready for it. Raises CheckpointError, InvalidRequest."""
        components.make_room(request.control, request.image_prompts)
        components.use_add_ons(request.styles, request.image_prompts)
        few_steps = model.few_steps(style.lora for style in request.styles)
        settings = RunSettings.of(request, model.info.family, few_steps)
        meter = Meter(reporter)
        job = ModelJob(
            request, images, meter, model, components, lambda: preview(components), settings, finished=finished
        )
        for note in (_placement_note(components), *components.said, settings.misfit(model.info.title, few_steps)):
            job.note(note)
        return job

    @property
    def device(self) -> torch.device:
        return self.components.device

    @property
    def method(self) -> LayerMethod:
        return self.components.method

    def note(self, text: str | None) -> None:
        """For the painter, once."""
        if text is not None and text not in self.notes:
            self.notes.append(text)

    def part(self, **fields: object) -> ModelJob:
        """A part of this job with another request; notes and progress are shared."""
        return replace(self, request=replace(self.request, **fields))  # type: ignore[arg-type]  # checked by the dataclass

    @staticmethod
    def together(parts: Sequence[ModelJob]) -> ModelJob:
        """Parts of one job as the images of one: alike but for their prompts, seeds and bounds."""
        request = replace(parts[0].request, images=len(parts))
        return replace(parts[0], request=request, each=[part.request for part in parts])

    def own(self, image: int) -> GenerateRequest:
        """What is asked of this image."""
        return self.each[image] if self.each else self.request

    def within(self, name: str | None, bounds: Bounds) -> Pixels:
        """The part of a condition image that lies in `bounds` of the canvas."""
        assert name is not None  # GenerateRequest.validate has seen to it
        return crop(self.images[name], bounds.relative_to(self.request.covered))

    def containing(self) -> Geometry:
        return self._noted(Geometry.containing(self.request.bounds, self._size(self.request.bounds)))

    def covering(self, region: Bounds) -> Geometry:
        return self._noted(Geometry.covering(region, self._size(region)))

    def show(self, step: int, steps: int, latent: Callable[[], Tensor], geometry: Geometry) -> None:
        """Every few steps a preview that covers the region, as long as previews cost next to nothing."""
        if step % max(1, steps // _PREVIEWS) or not self.budget.allows_more():
            return
        with self.budget.spending():
            preview = self.preview()
            if preview is None:
                return
            working = preview(latent()[:1] / self.components.scaling_factor, geometry.working)
            shown = geometry.coarse(_PREVIEW_SIDE).to_canvas(working)
            self.meter.reporter.preview(self.meter.done, shown.astype("uint8", copy=False))

    def _size(self, region: Bounds) -> WorkingSize:
        return self.settings.working_size(self.model.size, region.extent)

    def _noted(self, geometry: Geometry) -> Geometry:
        self.note(geometry.note())
        return geometry


def _placement_note(components: Components) -> str | None:
    """What memory had to do with the result."""
    if components.placement is None or components.placement.policy is Policy.ALL_ON_DEVICE:
        return None
    return f"memory is short: {components.placement.policy.value}"
