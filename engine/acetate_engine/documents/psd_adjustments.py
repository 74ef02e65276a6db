"""Adjustment layers of a PSD: how each changes a colour, through psd-tools where it is exact."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from psd_tools.api.adjustments import TYPES
from psd_tools.composite.adjustments import ADJUSTMENT_FUNC
from psd_tools.constants import ColorMode, Tag
from psd_tools.psd.layer_and_mask import LayerRecord

from acetate_engine.documents import psd_adjust_colour as own
from acetate_engine.documents.colour import Plane
from acetate_engine.documents.psd_drawing import Drawing
from acetate_engine.documents.psd_luts import curves, levels
from acetate_engine.documents.psd_photo_filter import photo_filter

Adjust = Callable[[Plane], Plane]
_STEP = np.float32(1e-6)

# As Photoshop's layer panel calls them; fills are no adjustments.
NAMES = {
    Tag.CONTENT_GENERATOR_EXTRA_DATA: "Brightness/Contrast",  # beside the older block, which says less
    Tag.BRIGHTNESS_AND_CONTRAST: "Brightness/Contrast",
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


def kind_of(record: LayerRecord) -> Tag | None:
    """The adjustment that this layer is, or None. CS6 writes the newer block of Brightness/Contrast beside any."""
    blocks = record.tagged_blocks
    found = [tag for tag in NAMES if tag in blocks]
    if Tag.CONTENT_GENERATOR_EXTRA_DATA in found and Tag.BRIGHTNESS_AND_CONTRAST not in found and len(found) > 1:
        found.remove(Tag.CONTENT_GENERATOR_EXTRA_DATA)
    return found[0] if found else None


def adjustment(record: LayerRecord, kind: Tag, drawing: Drawing) -> tuple[Adjust | None, bool]:
    """How it changes colours of the document's own space, and whether that is exactly what Photoshop does; None where
    Acetate does not draw it.
    """
    header, data = drawing.file.header, record.tagged_blocks.get_data(kind)
    planes = {ColorMode.RGB: 3, ColorMode.GRAYSCALE: 1, ColorMode.CMYK: 4}.get(header.color_mode)
    if header.depth not in (8, 16) or planes is None or (data is None and kind != Tag.INVERT):
        return None, False
    try:
        match kind:
            case Tag.LEVELS:
                return levels(data, planes, header.depth)
            case Tag.CURVES:
                return curves(data, planes, header.depth)
            case Tag.CHANNEL_MIXER:
                mixer = own.channel_mixer(data, planes)
                return mixer, mixer is not None
            case Tag.BRIGHTNESS_AND_CONTRAST:
                return own.brightness_contrast_legacy(_signed(data.brightness), _signed(data.contrast), data.mean), True
            case Tag.CONTENT_GENERATOR_EXTRA_DATA if data.get(b"useLegacy"):
                values = [float(data[key]) for key in (b"Brgh", b"Cntr", b"means")]
                return own.brightness_contrast_legacy(values[0], values[1], values[2]), True
            case _ if planes == 3 and kind in _OF_RGB:
                return _OF_RGB[kind](data, drawing)
        return _of_tools(record, kind, drawing)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, ZeroDivisionError):
        return None, False  # not drawn: the caller notes it beside the picture


def _signed(value: int) -> int:
    return value - 65536 if value > 32767 else value


_OF_RGB: dict[Tag, Callable[[Any, Drawing], tuple[Adjust | None, bool]]] = {
    Tag.BLACK_AND_WHITE: lambda data, drawing: (own.black_and_white(data), True),
    Tag.SELECTIVE_COLOR: lambda data, drawing: (own.selective_colour(data), data.method == 0),
    Tag.COLOR_BALANCE: lambda data, drawing: own.colour_balance(data),
    Tag.PHOTO_FILTER: lambda data, drawing: photo_filter(data, drawing.space, drawing.file.header.depth),
    Tag.GRADIENT_MAP: lambda data, drawing: own.gradient_map(data, drawing.space),
}


def _of_tools(record: LayerRecord, kind: Tag, drawing: Drawing) -> tuple[Adjust | None, bool]:
    type_, mode = TYPES.get(kind), drawing.file.header.color_mode
    name = type_.__name__.lower() if type_ is not None else ""
    if name not in ADJUSTMENT_FUNC or (mode == ColorMode.CMYK and kind not in (Tag.INVERT, Tag.POSTERIZE)):
        return None, False
    layer = drawing.layer(record)
    if getattr(layer, "use_legacy", False) or not isinstance(layer, type_):
        return None, False
    is_exact = kind in (Tag.INVERT, Tag.POSTERIZE, Tag.THRESHOLD, Tag.EXPOSURE) or _is_turned(kind, layer)
    return partial(_through_tools, ADJUSTMENT_FUNC[name], mode, layer), is_exact


def _is_turned(kind: Tag, layer: Any) -> bool:
    """Hue/Saturation that moves all hues, and nothing else but their lightness."""
    if kind not in (Tag.HUE_SATURATION, Tag.HUE_SATURATION_V4) or layer.enable_colorization:
        return False
    return layer.master[1] == 0 and not any(any(change) for _, change in layer.data)


def _through_tools(function: Callable[..., Plane], mode: object, layer: object, colour: Plane) -> Plane:
    """psd-tools rounds down: a value on its step must not lie below it."""
    return np.asarray(function(np.clip(colour + _STEP, 0.0, 1.0), mode, layer), np.float32)
