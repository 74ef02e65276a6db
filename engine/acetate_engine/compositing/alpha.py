"""Straight ↔ premultiplied alpha, over, and the colour under transparent pixels.

Float arrays here are (height, width, 4) float32 RGBA, 0..1, sRGB-encoded. Alpha is composed on encoded values, as
painting programs do, so that a layer looks the same here and in the document.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from acetate.protocol.pixels import PixelFormat
from acetate_engine.compositing.pixels import Floats, Pixels, eight, sixteen


def to_float(pixels: Pixels) -> Floats:
    """uint8 or uint16 of any shape → float32, 0..1."""
    return pixels.astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)


def to_pixels(values: Floats, pixel_format: PixelFormat) -> Pixels:
    """float32 → the unsigned integers of `pixel_format`, rounded; what lies outside of 0..1 is clipped."""
    if pixel_format is PixelFormat.RGBA16:
        return np.rint(values.clip(0, 1) * 65535).astype(np.uint16)
    return to_eight(values)


def to_eight(values: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
    """0..1 → uint8, rounded; what lies outside is clipped."""
    return np.rint(values.clip(0, 1) * 255).astype(np.uint8)


def convert(pixels: Pixels, pixel_format: PixelFormat) -> Pixels:
    """Between uint8 and uint16; 8 → 16 → 8 bits gives the same bytes."""
    return sixteen(pixels) if pixel_format is PixelFormat.RGBA16 else eight(pixels)


def premultiply(straight: Floats) -> Floats:
    result = straight.copy()
    result[..., :3] *= straight[..., 3:]
    return result


def unpremultiply(premultiplied: Floats) -> Floats:
    """Straight colour; black where alpha is 0."""
    alpha = premultiplied[..., 3:]
    result = premultiplied.copy()
    np.divide(premultiplied[..., :3], alpha, out=result[..., :3], where=alpha > 0)
    return result


def over(top: Floats, bottom: Floats) -> Floats:
    """Porter and Duff's over: straight in, straight out. A bottom of three channels is opaque, and gives three."""
    if bottom.shape[-1] == 3:
        return top[..., :3] * top[..., 3:] + bottom * (1 - top[..., 3:])
    upper, lower = premultiply(top), premultiply(bottom)
    return unpremultiply(upper + lower * (1 - upper[..., 3:]))


def bleed(straight: Floats) -> Floats:
    """Give the pixels of alpha 0 the colour of what is visible near them.

    Their colour is undefined, and yet it shows wherever someone later scales, blurs or raises alpha: as a grey or
    black contour. Visible pixels stay as they are.
    """
    filled = spread(straight)
    hidden = straight[..., 3] == 0
    result = straight.copy()
    result[hidden, :3] = filled[hidden]
    return result


def spread(straight: Floats) -> Floats:
    """(h, w, 3): the colour of what is visible near, wherever there is hardly any alpha to have a colour of its own."""
    return _filled(premultiply(straight))


def _filled(premultiplied: Floats) -> Floats:
    """(h, w, 3): own colour where there is enough of it, towards that of ever coarser surroundings where not."""
    height, width = premultiplied.shape[:2]
    own = unpremultiply(premultiplied)[..., :3].clip(0, 1)
    if max(height, width) == 1:
        return own
    half = _scaled(premultiplied, (height + 1) // 2, (width + 1) // 2, Image.Resampling.HAMMING)
    around = _scaled(_filled(half), height, width, Image.Resampling.BILINEAR)
    trusted = (16 * premultiplied[..., 3:]).clip(0, 1)  # less alpha than 1/16 has hardly a colour of its own
    filled: Floats = own * trusted + around * (1 - trusted)
    return filled


def _scaled(values: Floats, height: int, width: int, how: Image.Resampling) -> Floats:
    channels = [Image.fromarray(values[..., c]).resize((width, height), how) for c in range(values.shape[2])]
    return np.stack([np.asarray(channel) for channel in channels], axis=-1)
