"""A model of a family paints what lies behind or beyond, going on from what PatchMatch found there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from acetate.protocol.errors import AcetateError
from acetate.protocol.events import Stage
from acetate.protocol.geometry import Bounds, Extent
from acetate.protocol.pixels import PixelFormat, digest
from acetate.protocol.requests import DEFAULT_MODEL, GenerateRequest, Task
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

_STRENGTH = 0.75  # of repainting: coarse shapes and light stay as PatchMatch has them
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

    def __call__(self, rgb: Floats, hole: NDArray[np.bool_], note: Note) -> Floats:
        try:
            return self._painted(find_model(self.request.model, Task.INPAINT), rgb, hole)
        except AcetateError as error:
            note(f"painted without the model: {error.detail}. {error.remedy}".removesuffix("."))
            return rgb

    def _painted(self, model: Model, rgb: Floats, hole: NDArray[np.bool_]) -> Floats:
        height, width = hole.shape
        around = bounds_of(hole).padded(
            round(_AROUND * max(bounds_of(hole).extent.width, bounds_of(hole).extent.height))
        )
        seen = around.intersection(Bounds.of(Extent(width, height)))
        picture = np.dstack([crop(rgb, seen), np.ones((seen.height, seen.width), np.float32)])
        opaque, mask = to_pixels(picture, PixelFormat.RGBA8), crop(hole, seen).astype(np.uint8) * np.uint8(255)
        images: dict[str, Pixels] = {digest(encode_image(each)): np.ascontiguousarray(each) for each in (opaque, mask)}
        request = self._inpaint(seen.extent, *images)
        made = self.on_model(model, request, images, Checking(self.reporter)).layers[0]
        result = rgb.copy()
        crop(result, seen)[...] = over(to_float(made.pixels), picture)[..., :3]
        return np.where(hole[..., None], result, rgb)

    def _inpaint(self, extent: Extent, picture: str, mask: str) -> GenerateRequest:
        asked = self.request
        return GenerateRequest(
            Task.INPAINT,
            Bounds.of(extent),
            asked.seed,
            prompt=asked.prompt or _WORDS,
            negative_prompt=asked.negative_prompt,
            foreground=picture,
            mask=mask,
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


def is_better_than_search(model: str) -> bool:
    """The embedded model knows few backgrounds: what PatchMatch finds in the picture itself fits better."""
    return model != DEFAULT_MODEL
