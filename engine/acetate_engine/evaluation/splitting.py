"""`split`: real pictures taken apart, and whether they come together again."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from PIL import Image

from acetate.protocol.geometry import Extent
from acetate.protocol.pixels import PixelFormat
from acetate_engine.compositing.alpha import over, to_float, to_pixels
from acetate_engine.compositing.pixels import Floats
from acetate_engine.compositing.resize import resize
from acetate_engine.evaluation.saying import Say
from acetate_engine.pictures.split import split
from acetate_engine.pictures.subject import Hints
from acetate_engine.training.datasets import Bytes

ShowSplit = Callable[[list[Bytes]], None]

_SIDE = 768  # pixels of the longer side, at most
_CELL = 200  # pixels of a picture on the sheet


def evaluate_split(
    pictures: Iterable[tuple[str, Bytes]], most: int, say: Say, show: ShowSplit = lambda cells: None
) -> dict[str, dict[str, float]]:
    """Of each named picture (H, W, 4): how many subjects there are, and how far the composite of the layers, eight bits
    each, is from it, in levels of 255.

    `show` gets the picture, what lies behind, the subjects front to back, and nothing up to `most` of them.
    """
    found = {}
    for name, picture in pictures:
        say(f"splitting {name}")
        scene = to_float(_fitting(picture, _SIDE))
        parts = split(scene, Hints(), most, 0, lambda note: None, lambda: None)
        layers = [to_float(to_pixels(layer, PixelFormat.RGBA8)) for layer in parts.layers]
        found[name] = {"subjects": float(len(parts.subjects)), "levels_off": levels_off(layers, scene)}
        cells = [scene, parts.background, *parts.subjects][: most + 2]
        empty = [np.zeros((_CELL, _CELL, 4), np.uint8)] * (most + 2 - len(cells))
        show([*map(_cell, cells), *empty])
    return found


def levels_off(layers: list[Floats], picture: Floats) -> float:
    """The largest difference of (H, W, 4) straight layers, one over the other from the lowest, from the picture."""
    seen = layers[0]
    for layer in layers[1:]:
        seen = over(layer, seen)
    return float(np.abs(np.rint(seen * 255) - np.rint(picture * 255)).max())


def _fitting(picture: Bytes, side: int) -> Bytes:
    height, width = picture.shape[:2]
    scale = min(1.0, side / max(height, width))
    return resize(picture, Extent(max(1, round(width * scale)), max(1, round(height * scale)))).astype(np.uint8)


def _cell(layer: Floats) -> Bytes:
    """In the middle of a square of the sheet."""
    small = _fitting(to_pixels(layer, PixelFormat.RGBA8).astype(np.uint8), _CELL)
    cell = Image.new("RGBA", (_CELL, _CELL))
    cell.paste(Image.fromarray(small), ((_CELL - small.shape[1]) // 2, (_CELL - small.shape[0]) // 2))
    return np.asarray(cell)
