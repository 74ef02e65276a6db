"""Artboards of Photoshop: groups that are cut to a rectangle, on a colour of their own."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from psd_tools.composite import paint
from psd_tools.constants import Tag
from psd_tools.psd.descriptor import Descriptor
from psd_tools.psd.layer_and_mask import LayerRecord

from acetate.protocol.geometry import Bounds
from acetate_engine.documents.colour import SRGB, ColourSpace, Samples
from acetate_engine.documents.psd_drawing import Drawing, first_descriptor
from acetate_engine.documents.tree import Layer, LayerMask, PixelLayer

_TAGS = (Tag.ARTBOARD_DATA1, Tag.ARTBOARD_DATA2, Tag.ARTBOARD_DATA3)
_WHITE, _BLACK, _CLEAR = 1, 2, 3  # of artboardBackgroundType


@dataclass(frozen=True, eq=False)
class Rectangle:
    """Coverage of a rectangle, or one colour with alpha in it."""

    bounds: Bounds
    values: tuple[float, ...] = ()
    space: ColourSpace = field(default=SRGB)

    def read(self, region: Bounds) -> Samples:
        shape = (region.height, region.width)
        return (
            np.full((*shape, len(self.values)), self.values, np.float32) if self.values else np.ones(shape, np.float32)
        )


def artboard(record: LayerRecord, drawing: Drawing, space: ColourSpace) -> tuple[LayerMask, tuple[Layer, ...]] | None:
    """What cuts it, and what lies at its bottom; None where the group is no artboard. Raises ValueError, KeyError."""
    data = first_descriptor(record, _TAGS)
    if data is None:
        return None
    rect = data[b"artboardRect"]
    left, top, right, bottom = (int(float(rect[side])) for side in (b"Left", b"Top ", b"Rght", b"Btom"))
    bounds = Bounds(left, top, right - left, bottom - top)
    kind = int(data.get(b"artboardBackgroundType", _WHITE))
    mask = LayerMask(Rectangle(bounds))
    if kind == _CLEAR:
        return mask, ()
    colour = _colour(kind, data, drawing, space)
    return mask, (PixelLayer("Artboard", source=Rectangle(bounds, (*colour, 1.0), space)),)


def _colour(kind: int, data: Descriptor, drawing: Drawing, space: ColourSpace) -> tuple[float, ...]:
    if kind == _WHITE:
        return tuple(map(float, space.white))
    if kind == _BLACK:
        return (0.0,) * space.planes
    drawn = paint.draw_solid_color_fill((0, 0, 1, 1), drawing.file.header.color_mode, data)[0]
    return tuple(map(float, np.broadcast_to(drawn[0, 0], (space.planes,))))
