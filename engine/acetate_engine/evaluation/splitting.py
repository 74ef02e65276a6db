"""`split`: real pictures taken apart, and whether they come together again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

import numpy as np

from acetate.protocol.pixels import PixelFormat
from acetate_engine.compositing.alpha import over, to_eight, to_float, to_pixels
from acetate_engine.compositing.pixels import Floats
from acetate_engine.evaluation.kept import Finding, Notebook, cell, fitting
from acetate_engine.evaluation.saying import Say
from acetate_engine.pictures.split import split
from acetate_engine.pictures.subject import Hints
from acetate_engine.training.datasets import Bytes

ShowSplit = Callable[[list[Bytes]], None]

_SIDE = 768  # pixels of the longer side, at most


def evaluate_split(
    pictures: Iterable[tuple[str, Bytes]],
    most: int,
    say: Say,
    show: ShowSplit = lambda cells: None,
    kept: Notebook | None = None,
) -> dict[str, dict[str, float]]:
    """Of each named picture (H, W, 4): how many subjects there are, and how far the composite of the layers, eight bits
    each, is from it, in levels of 255; what is kept is not split again.

    `show` gets the picture, what lies behind, the subjects front to back, and nothing up to `most` of them.
    """
    kept, found = kept or Notebook(), {}
    for name, picture in pictures:
        say(f"splitting {name}")
        one = kept.measured(name, ["split", str(most), picture], partial(_measured, picture, most))
        found[name] = one.figures
        show(list(one.cells))
    return found


def _measured(picture: Bytes, most: int) -> Finding:
    scene = to_float(fitting(picture, _SIDE))
    parts = split(scene, Hints(), most, 0, lambda note: None, lambda stage: None)
    layers = [to_float(to_pixels(layer, PixelFormat.RGBA8)) for layer in parts.layers]
    shown = [cell(to_eight(layer)) for layer in (scene, parts.background, *parts.subjects)]
    empty = [np.zeros_like(shown[0])] * (most + 2 - len(shown))
    figures = {"subjects": float(len(parts.subjects)), "levels_off": levels_off(layers, scene)}
    return Finding(figures, np.stack([*shown, *empty]))


def levels_off(layers: list[Floats], picture: Floats) -> float:
    """The largest difference of (H, W, 4) straight layers, one over the other from the lowest, from the picture."""
    seen = layers[0]
    for layer in layers[1:]:
        seen = over(layer, seen)
    return float(np.abs(np.rint(seen * 255) - np.rint(picture * 255)).max())
