"""Masks of a PSD layer: painted ones and vector ones, with density and feather."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from psd_tools.composite.vector import draw_vector_mask
from psd_tools.constants import Tag
from psd_tools.psd.layer_and_mask import LayerRecord, MaskData, MaskFlags
from psd_tools.psd.vector import VectorMaskSetting

from acetate.protocol.geometry import Bounds
from acetate_engine.documents.colour import SRGB, ColourSpace, Samples
from acetate_engine.documents.psd_drawing import Drawing
from acetate_engine.documents.psd_file import Record
from acetate_engine.documents.psd_pixels import MaskPixels, feathered, reach_of
from acetate_engine.documents.tree import LayerMask

USER_MASK, REAL_USER_MASK = -2, -3
FILLS = {
    Tag.SOLID_COLOR_SHEET_SETTING: "Color Fill",
    Tag.GRADIENT_FILL_SETTING: "Gradient Fill",
    Tag.PATTERN_FILL_SETTING: "Pattern Fill",
    Tag.VECTOR_STROKE_CONTENT_DATA: "Shape",
}


def masks(entry: Record, drawing: Drawing) -> tuple[LayerMask, ...]:
    """With a vector mask Photoshop stores what both make together as the user mask, and what was painted as the real
    one; with a density or feather each is taken from what it is made of.
    """
    data: MaskData | None = entry.record.mask_data
    ids = [info.id for info in entry.record.channel_info]
    rendered = data is not None and data.flags.user_mask_from_render and USER_MASK in ids
    shape = has_vector_mask(entry.record) and not is_stored_shape(entry)
    if data is not None and rendered and shape and (REAL_USER_MASK not in ids or _is_plain(data)):
        return (_stored(entry, data, USER_MASK, "vector"),)
    found = []
    if data is not None and not rendered and USER_MASK in ids and not data.flags.mask_disabled:
        found.append(_stored(entry, data, USER_MASK, "user"))
    if data is not None and rendered and REAL_USER_MASK in ids and not _is_disabled(data.real_flags):
        found.append(_stored(entry, data, REAL_USER_MASK, "user"))
    if shape:
        found.append(_vector(entry.record, drawing))
    return tuple(found)


def _is_plain(data: MaskData) -> bool:
    """Whether neither mask has a density or feather, nor is switched off."""
    return data.parameters is None and not data.flags.mask_disabled and not _is_disabled(data.real_flags)


def has_vector_mask(record: LayerRecord) -> bool:
    setting = _vector_setting(record)
    return setting is not None and not setting.disable


def is_guessed(mask: LayerMask) -> bool:
    """Whether it is a path of other lines than straight ones: each version of Photoshop smooths its edge otherwise."""
    return isinstance(mask.source, VectorPixels) and not is_straight(mask.source.record)


def is_straight(record: LayerRecord) -> bool:
    """Whether it has a path, and only straight lines in it."""
    setting = _vector_setting(record)
    knots = [knot for path in setting.path if hasattr(path, "__iter__") for knot in path] if setting else []
    curved = any(knot.anchor not in (knot.preceding, knot.leaving) for knot in knots if hasattr(knot, "anchor"))
    return setting is not None and not curved


def is_stored_shape(entry: Record) -> bool:
    """A fill cut to its path already: the pixels that Photoshop keeps of a shape layer. They lie inside the path, and
    say nothing of what a softened path shows beside it.
    """
    if 0 not in entry.channels or all(entry.record.tagged_blocks.get_data(tag) is None for tag in FILLS):
        return False
    parameters = entry.record.mask_data.parameters if entry.record.mask_data is not None else None
    density, feather = (getattr(parameters, f"vector_mask_{name}", None) for name in ("density", "feather"))
    return density in (None, 255) and not feather


def _vector_setting(record: LayerRecord) -> VectorMaskSetting | None:
    blocks = record.tagged_blocks
    return blocks.get_data(Tag.VECTOR_MASK_SETTING1) or blocks.get_data(Tag.VECTOR_MASK_SETTING2)


def _is_disabled(flags: MaskFlags | None) -> bool:
    return flags is not None and bool(flags.mask_disabled)


def _stored(entry: Record, data: MaskData, channel: int, kind: str) -> LayerMask:
    density, feather = (getattr(data.parameters, f"{kind}_mask_{name}", None) for name in ("density", "feather"))
    if channel == USER_MASK:
        sides, outside = (data.left, data.top, data.right, data.bottom), data.background_color
    else:
        sides = (data.real_left, data.real_top, data.real_right, data.real_bottom)
        outside = data.real_background_color
    left, top, right, bottom = sides
    stored = Bounds(left, top, max(0, right - left), max(0, bottom - top))
    part, radius = 1.0 if density is None else density / 255.0, feather or 0.0
    margin = reach_of(radius)
    bounds = Bounds(stored.x - margin, stored.y - margin, stored.width + 2 * margin, stored.height + 2 * margin)
    pixels = MaskPixels(bounds, entry.channels.get(channel), stored, outside, part, radius)
    return LayerMask(pixels, round(255 - (255 - outside) * part))


def _vector(record: LayerRecord, drawing: Drawing) -> LayerMask:
    parameters = record.mask_data.parameters if record.mask_data is not None else None
    density, feather = (getattr(parameters, f"vector_mask_{name}", None) for name in ("density", "feather"))
    canvas = Bounds(0, 0, drawing.file.header.width, drawing.file.header.height)
    pixels = VectorPixels(canvas, record, drawing, 1.0 if density is None else density / 255.0, feather or 0.0)
    return LayerMask(pixels, 255)


@dataclass(frozen=True, eq=False)
class VectorPixels:
    bounds: Bounds
    record: LayerRecord
    drawing: Drawing
    density: float
    feather: float
    space: ColourSpace = field(default=SRGB)

    def read(self, region: Bounds) -> Samples:
        margin = reach_of(self.feather)
        box = (region.x - margin, region.y - margin, region.right + margin, region.bottom + margin)
        drawn = draw_vector_mask(self.drawing.layer(self.record), box)[..., 0]
        values = feathered(np.ascontiguousarray(drawn, np.float32), self.feather)
        values = values[margin : margin + region.height, margin : margin + region.width]
        return np.float32(1.0) - (np.float32(1.0) - values) * np.float32(self.density)
