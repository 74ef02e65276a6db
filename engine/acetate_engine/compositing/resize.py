"""Resampling that respects alpha, in strips, so that memory does not grow with the canvas."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from acetate.protocol.geometry import Extent
from acetate.protocol.pixels import PixelFormat
from acetate_engine.compositing.alpha import to_float, to_pixels
from acetate_engine.compositing.pixels import Floats, Pixels

_STRIP_PIXELS = 1 << 21  # of source or result, whichever is larger: about 60 MB of float32
_INVISIBLE = 1 / 4096  # of alpha: dividing by less would turn rounding into colour


def resize(pixels: Pixels, extent: Extent) -> Pixels:
    """Straight RGBA or a mask → exactly `extent`, same dtype.

    Works on premultiplied, sRGB-encoded values. Reduces with a non-negative window (no ringing, no aliasing) and
    enlarges bicubically: Lanczos' second lobe would draw a faint ghost contour into the transparency around an object.
    Where the result is invisible, its colour is that of the plain resized colour, so a repaired fringe stays repaired.
    """
    height, width = pixels.shape[:2]
    if (width, height) == (extent.width, extent.height):
        return pixels.copy()
    result = np.empty((extent.height, extent.width, *pixels.shape[2:]), pixels.dtype)
    rows = max(1, _STRIP_PIXELS // max(extent.width, math.ceil(width * height / extent.height)))
    for top in range(0, extent.height, rows):
        bottom = min(top + rows, extent.height)
        result[top:bottom] = _strip(pixels, extent, top, bottom)
    return result


def _strip(pixels: Pixels, extent: Extent, top: int, bottom: int) -> Pixels:
    """Rows top..bottom of the result, from the source rows that the filter reaches."""
    height, width = pixels.shape[:2]
    scale = height / extent.height
    reduces = height > extent.height or width > extent.width
    how = Image.Resampling.HAMMING if reduces else Image.Resampling.BICUBIC
    reach = math.ceil(2 * max(scale, 1)) + 1  # the window of either filter is at most 2 wide on each side
    first, last = max(0, math.floor(top * scale) - reach), min(height, math.ceil(bottom * scale) + reach)
    source = to_float(pixels[first:last])
    box = (0.0, max(0.0, top * scale - first), float(width), min(bottom * scale - first, float(last - first)))
    size = (extent.width, bottom - top)
    if pixels.ndim == 2:
        return _to_dtype(_channel(source, size, how, box), pixels)
    return _to_dtype(_resized_rgba(source, size, how, box), pixels)


Box = tuple[float, float, float, float]  # left, top, right, bottom in source pixels


def _resized_rgba(source: Floats, size: tuple[int, int], how: Image.Resampling, box: Box) -> Floats:
    alpha = _channel(source[..., 3], size, how, box)  # unclipped: colour overshoots by the same factor
    visible = alpha > _INVISIBLE
    result = np.empty((size[1], size[0], 4), np.float32)
    for c in range(3):
        premultiplied = _channel(source[..., c] * source[..., 3], size, how, box)
        plain = _channel(source[..., c], size, how, box)
        result[..., c] = np.divide(premultiplied, alpha, out=plain, where=visible)
    result[..., 3] = alpha
    return result


def _channel(values: Floats, size: tuple[int, int], how: Image.Resampling, box: Box) -> Floats:
    return np.array(Image.fromarray(values).resize(size, how, box))


def _to_dtype(values: Floats, like: Pixels) -> Pixels:
    return to_pixels(values, PixelFormat.RGBA16 if like.dtype == np.uint16 else PixelFormat.RGBA8)
