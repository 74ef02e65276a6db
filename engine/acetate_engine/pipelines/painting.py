"""A model of a family paints what lies behind or beyond, going on from what was found in the picture itself."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from acetate.protocol.errors import AcetateError, UnsupportedTask
from acetate.protocol.events import Stage
from acetate.protocol.geometry import Bounds, Extent
from acetate.protocol.pixels import PixelFormat, digest
from acetate.protocol.requests import GenerateRequest, Role, Slot, Task
from acetate_engine.compositing.alpha import over, to_float, to_pixels
from acetate_engine.compositing.images import encode_image
from acetate_engine.compositing.pixels import Floats, Pixels
from acetate_engine.compositing.regions import bounds_of, crop
from acetate_engine.models.families import find_model
from acetate_engine.pictures.fill import Note
from acetate_engine.pipelines.contract import Generated, Images, Reporter

if TYPE_CHECKING:
    from acetate_engine.models.families.base import Model

    OnModel = Callable[[Model, GenerateRequest, Images, Reporter], Generated]

_STRENGTH = 0.75  # of painting: coarse shapes and light stay as they were found
_AROUND = 0.5  # of the hole's longer side that is looked at beside it
_WORDS = "background"  # where the painter gives none


@dataclass
class Checking:
    """A Reporter that only asks whether to go on: the task that paints has a progress of its own."""

    reporter: Reporter

    def progress(self, step: int, steps: int, stage: Stage) -> None:
        pass

    def preview(self, step: int, rgba: NDArray[np.uint8]) -> None:
        pass

    def check(self) -> None:
        self.reporter.check()


@dataclass(frozen=True)
class ModelPaint:
    """See `Paint` in pictures/fill.py."""

    on_model: OnModel
    request: GenerateRequest
    reporter: Reporter

    def __call__(self, before: Floats | None, found: Floats, hole: NDArray[np.bool_], note: Note) -> Floats | None:
        try:
            model, task = painter(self.request.model, is_behind=before is not None)
            made = self._painted(model, task, found if before is None else before, found, hole)
        except AcetateError as error:
            note(f"painted without the model: {error.detail}. {error.remedy}".removesuffix("."))
            return None
        if task is Task.INPAINT:
            note(f"filled by {model.info.title}, which repainted what was found in the picture itself (inpaint)")
        else:
            note(f"filled by {model.info.title}, which painted the background behind what was there (fg→bg)")
        return made

    def _painted(self, model: Model, task: Task, before: Floats, found: Floats, hole: NDArray[np.bool_]) -> Floats:
        seen = _looked_at(hole)
        opaque, mask = np.ones((seen.height, seen.width), np.float32), crop(hole, seen)
        picture = np.dstack([crop(found, seen), opaque])
        sent: dict[Role, Pixels] = {Role.MASK: mask.astype(np.uint8) * np.uint8(255)}
        if task is Task.INPAINT:
            sent[Role.FOREGROUND] = to_pixels(picture, PixelFormat.RGBA8)
        else:
            sent[Role.BACKGROUND] = to_pixels(picture, PixelFormat.RGBA8)
            sent[Role.FOREGROUND] = to_pixels(np.dstack([crop(before, seen), opaque * mask]), PixelFormat.RGBA8)
        names = {Slot(role): digest(encode_image(pixels)) for role, pixels in sent.items()}
        images = dict(zip(names.values(), sent.values(), strict=True))
        request = self._request(task, seen.extent).with_pictures(names)
        made = self.on_model(model, request, images, Checking(self.reporter)).layers[0]
        result = found.copy()
        crop(result, seen)[...] = over(to_float(made.pixels), picture)[..., :3]
        return np.where(hole[..., None], result, found)

    def _request(self, task: Task, extent: Extent) -> GenerateRequest:
        asked = self.request
        return GenerateRequest(
            task,
            Bounds.of(extent),
            asked.seed,
            prompt=asked.prompt or _WORDS,
            negative_prompt=asked.negative_prompt,
            styles=asked.styles,
            model=asked.model,
            preset=asked.preset,
            steps=asked.steps,
            scheduler=asked.scheduler,
            cache_interval=asked.cache_interval,
            clip_skip=asked.clip_skip,
            guidance_scale=asked.guidance_scale,
            strength=min(asked.strength, _STRENGTH),
            finish=asked.finish,
        )


def painter(name: str, *, is_behind: bool) -> tuple[Model, Task]:
    """The model of this name, and what it does to fill a hole: a background behind what was there where it can, else
    repainting. Raises as find_model, where it can neither."""
    if is_behind:
        with suppress(UnsupportedTask):
            return find_model(name, Task.BACKGROUND_BEHIND_FOREGROUND), Task.BACKGROUND_BEHIND_FOREGROUND
    return find_model(name, Task.INPAINT), Task.INPAINT


def _looked_at(hole: NDArray[np.bool_]) -> Bounds:
    """The hole and what lies around it."""
    height, width = hole.shape
    tight = bounds_of(hole)
    return tight.padded(round(_AROUND * max(tight.width, tight.height))).intersection(Bounds(0, 0, width, height))
