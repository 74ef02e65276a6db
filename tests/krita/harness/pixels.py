"""Pixels of the rich document and what surrounds it, as arrays; sRGB values are straight, 0..1."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from acetate.protocol.geometry import Bounds
from acetate.protocol.pixels import PixelBuffer, PixelFormat
from tests.krita.harness.painter import Layer, Painter
from tests.krita.harness.rich import HEIGHT, WIDTH

CANVAS = Bounds(0, 0, WIDTH, HEIGHT)
MARGIN = 8  # canvas pixels around it that are looked at
AROUND = CANVAS.padded(MARGIN)
DTYPES = {"U8": np.uint8, "U16": np.uint16, "F32": np.float32}
Floats = NDArray[np.float64]
Coverage = NDArray[np.uint8]
Array = TypeVar("Array", Floats, Coverage)
_LUMINANCE = np.array([0.22249, 0.71690, 0.06061])  # of linear sRGB, seen at D50: what a grey profile keeps


def own_pixels(painter: Painter, layer: Layer) -> NDArray[np.generic]:
    """(h, w, channels) of the canvas, as Krita holds them."""
    data = np.frombuffer(painter.node_pixels(layer, CANVAS), DTYPES[layer["space"][1]])
    return data.reshape(HEIGHT, WIDTH, -1)


def part(pixels: Array, box: Bounds) -> Array:
    """A view."""
    return pixels[box.y : box.bottom, box.x : box.right]


def around(pixels: Array) -> Array:
    """From the canvas to AROUND: nothing beside it."""
    return np.pad(pixels, [(MARGIN, MARGIN)] * 2 + [(0, 0)] * (pixels.ndim - 2))


def on_canvas(picture: PixelBuffer, bounds: Bounds) -> Floats:
    """(h, w, 4) of AROUND; nothing beside `bounds`."""
    kind = np.uint16 if picture.format is PixelFormat.RGBA16 else np.uint8
    pixels = np.frombuffer(picture.data, kind).reshape(bounds.height, bounds.width, 4)
    canvas = np.zeros((HEIGHT, WIDTH, 4))
    part(canvas, bounds)[:] = pixels / np.iinfo(kind).max
    return around(canvas)


def in_bytes(values: Floats) -> Coverage:
    return np.rint(values * 255).astype(np.uint8)


def in_grey(colours: Floats) -> Floats:
    """(n, 3) → (n, 1): what a grey document can keep of them."""
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4) @ _LUMINANCE
    encoded = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return encoded[:, None]
