"""Adjustment layers of a PSD: how each changes a colour, through psd-tools where it is exact."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from psd_tools.api.adjustments import TYPES
from psd_tools.composite.adjustments import ADJUSTMENT_FUNC
from psd_tools.constants import Tag
from psd_tools.psd.layer_and_mask import LayerRecord

from acetate_engine.documents.colour import Plane
from acetate_engine.documents.psd_adjust_colour import channel_mixer
from acetate_engine.documents.psd_drawing import Drawing

Adjust = Callable[[Plane], Plane]

# As Photoshop's layer panel calls them; fills are no adjustments.
NAMES = {
    Tag.BRIGHTNESS_AND_CONTRAST: "Brightness/Contrast",
    Tag.CONTENT_GENERATOR_EXTRA_DATA: "Brightness/Contrast",
    Tag.LEVELS: "Levels",
    Tag.CURVES: "Curves",
    Tag.EXPOSURE: "Exposure",
    Tag.VIBRANCE: "Vibrance",
    Tag.HUE_SATURATION: "Hue/Saturation",
    Tag.HUE_SATURATION_V4: "Hue/Saturation",
    Tag.COLOR_BALANCE: "Color Balance",
    Tag.BLACK_AND_WHITE: "Black & White",
    Tag.PHOTO_FILTER: "Photo Filter",
    Tag.CHANNEL_MIXER: "Channel Mixer",
    Tag.COLOR_LOOKUP: "Color Lookup",
    Tag.INVERT: "Invert",
    Tag.POSTERIZE: "Posterize",
    Tag.THRESHOLD: "Threshold",
    Tag.GRADIENT_MAP: "Gradient Map",
    Tag.SELECTIVE_COLOR: "Selective Color",
}
_OWN: dict[Tag, Callable[..., Adjust | None]] = {Tag.CHANNEL_MIXER: channel_mixer}


def kind_of(record: LayerRecord) -> Tag | None:
    """The adjustment that this layer is, or None."""
    blocks = record.tagged_blocks
    return next((tag for tag in NAMES if tag in blocks), None)


def adjustment(record: LayerRecord, kind: Tag, drawing: Drawing) -> Adjust | None:
    """How it changes colours of the document's own space; None where that is not known exactly."""
    if drawing.file.header.depth not in (8, 16) or (record.tagged_blocks.get_data(kind) is None and kind != Tag.INVERT):
        return None
    if kind in _OWN:
        return _OWN[kind](record.tagged_blocks.get_data(kind), drawing)
    type_ = TYPES.get(kind)
    name = type_.__name__.lower() if type_ is not None else ""
    if name not in ADJUSTMENT_FUNC or name == "exposure":
        return None
    layer = drawing.layer(record)
    if getattr(layer, "use_legacy", False) or not isinstance(layer, type_):
        return None
    mode = drawing.file.header.color_mode
    return partial(_through_tools, ADJUSTMENT_FUNC[name], mode, layer)


def _through_tools(function: Callable[..., Plane], mode: object, layer: object, colour: Plane) -> Plane:
    return np.asarray(function(colour, mode, layer), np.float32)
