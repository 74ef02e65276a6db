"""Fill and shape layers whose pixels Photoshop did not store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from psd_tools.composite import paint
from psd_tools.composite.utils import is_fill_disabled
from psd_tools.constants import Tag
from psd_tools.psd.layer_and_mask import LayerRecord

from acetate.protocol.geometry import Bounds
from acetate_engine.documents.colour import ColourSpace, Samples
from acetate_engine.documents.psd_drawing import Drawing
from acetate_engine.documents.psd_gradients import Gradient, gradient
from acetate_engine.documents.psd_masks import FILLS
from acetate_engine.documents.tree import Memory, PixelSource

_EXACT = (Tag.SOLID_COLOR_SHEET_SETTING, Tag.VECTOR_STROKE_CONTENT_DATA)

STROKE = "Stroke of the shape"


def has_stroke(record: LayerRecord) -> bool:
    stroke = record.tagged_blocks.get_data(Tag.VECTOR_STROKE_DATA)
    return stroke is not None and bool(stroke.get("strokeEnabled"))


def fill(record: LayerRecord, space: ColourSpace, drawing: Drawing) -> tuple[PixelSource, tuple[str, ...]]:
    """Its pixels, over the whole canvas; the name of what is missing where it cannot be drawn."""
    blocks = record.tagged_blocks
    nothing = Memory(Bounds(record.left, record.top, 0, 0), np.zeros((0, 0, space.planes + 1), np.uint8), space)
    kind = next((tag for tag in FILLS if blocks.get_data(tag) is not None), None)
    if kind is None:
        return nothing, ()
    canvas = Bounds(0, 0, drawing.file.header.width, drawing.file.header.height)
    try:
        drawn = _gradient(record, space, drawing) if kind == Tag.GRADIENT_FILL_SETTING else None
        source = FillPixels(canvas, drawing.layer(record), space, drawn)
        source.read(Bounds(0, 0, 1, 1))
    except (AttributeError, KeyError, TypeError, ValueError, AssertionError, OverflowError, ZeroDivisionError):
        return nothing, (FILLS[kind],)  # noted as not drawn
    exact = kind in _EXACT or (drawn is not None and drawn.is_exact)
    missing = (STROKE,) if has_stroke(record) else ()
    if is_fill_disabled(source.layer):
        return nothing, missing
    return source, missing if exact else (*missing, FILLS[kind])


@dataclass(frozen=True, eq=False)
class FillPixels:
    bounds: Bounds
    layer: Any  # psd-tools'
    space: ColourSpace
    gradient: Gradient | None = None

    def read(self, region: Bounds) -> Samples:
        box = (region.x, region.y, region.right, region.bottom)
        colour, shape = self.gradient.draw(region, self._box()) if self.gradient else self._drawn(box)
        if colour is None:
            raise ValueError("nothing to fill with")
        colour = np.broadcast_to(colour, (region.height, region.width, self.space.planes))
        alpha = np.ones((region.height, region.width, 1), np.float32) if shape is None else shape
        return np.concatenate([colour, alpha], -1).astype(np.float32)

    def _drawn(self, box: tuple[int, int, int, int]) -> tuple[Any, Any]:
        blocks, canvas = self.layer.tagged_blocks, self.layer._psd.viewbox
        if (desc := blocks.get_data(Tag.PATTERN_FILL_SETTING)) is not None:
            return paint.draw_pattern_fill(box, self.layer._psd, desc, canvas)
        return paint.create_fill(self.layer, box)

    def _box(self) -> Bounds:
        """What a gradient is laid out on: its layer's path, or the canvas."""
        aligned = self.layer.tagged_blocks.get_data(Tag.GRADIENT_FILL_SETTING).get(b"Algn", True)
        left, top, right, bottom = self.layer.bbox
        return Bounds(left, top, right - left, bottom - top) if aligned and right > left else self.bounds


def _gradient(record: LayerRecord, space: ColourSpace, drawing: Drawing) -> Gradient | None:
    """None where psd-tools' is the better guess."""
    try:
        data = record.tagged_blocks.get_data(Tag.GRADIENT_FILL_SETTING)
        return gradient(data, drawing.file.header.color_mode, space)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None  # not drawn: the caller notes it
