"""Other shapes than squares, and other poses than the data's: 4:3 and 3:4 by crops; scale, turn, hue and light.

Pictures are (H, W, C) as in the data: uint8, sRGB, straight alpha.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from pydantic import Field

from acetate_engine.compositing.alpha import to_eight, to_float
from acetate_engine.compositing.pixels import Floats
from acetate_engine.training.compose import flip
from acetate_engine.training.config import Frozen
from acetate_engine.training.datasets import Bytes
from acetate_engine.training.layered import Layered

Shape = tuple[int, int]  # height, width in pixels
Random = np.random.Generator


class FramingConfig(Frozen):
    """Beside the squares of the data."""

    shapes: tuple[Shape, ...] = ()
    share: float = Field(default=0.3, ge=0, le=1)  # of the batches, of all these shapes together

    def choose(self, rng: Random) -> int:
        """0 is the square, then `shapes` in order."""
        if not self.shapes or rng.random() >= self.share:
            return 0
        return 1 + int(rng.integers(len(self.shapes)))


class PoseConfig(Frozen):
    """How far copies of a cut-out differ from it."""

    copies: int = 0
    scale: tuple[float, float] = (0.72, 1.0)
    turn: float = 14.0  # degrees, at most
    hue: float = 0.03  # of the circle, at most: captions name colours
    light: float = 0.15  # share, at most


def posed(cutout: Bytes, rng: Random, how: PoseConfig, mirror: bool) -> Bytes:
    """Scaled and turned about its middle, in another light and hue, moved within its square."""
    picture = flip(cutout, rng) if mirror else cutout
    side, size = len(picture), rng.uniform(*how.scale)
    matrix = cv2.getRotationMatrix2D((side / 2 - 0.5, side / 2 - 0.5), rng.uniform(-how.turn, how.turn), size)
    matrix[:, 2] += rng.uniform(-1, 1, 2) * side * (1 - size) / 3
    colour = _recoloured(picture[..., :3], rng, how)
    straight = np.dstack([to_float(colour), to_float(picture[..., 3:])])
    premultiplied = np.dstack([straight[..., :3] * straight[..., 3:], straight[..., 3:]])
    moved = cv2.warpAffine(premultiplied, matrix, (side, side), flags=cv2.INTER_CUBIC).clip(0, 1)
    found = np.dstack([moved[..., :3] / np.maximum(moved[..., 3:], 1e-4), moved[..., 3:]]).clip(0, 1)
    return to_eight(found)


def _recoloured(rgb: Bytes, rng: Random, how: PoseConfig) -> Bytes:
    hsv = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2HSV_FULL).astype(np.float32)
    hsv[..., 0] = np.mod(hsv[..., 0] + 256 * rng.uniform(-how.hue, how.hue), 256)
    hsv[..., 2] = np.clip(hsv[..., 2] * (1 + rng.uniform(-how.light, how.light)), 0, 255)
    found: Bytes = cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB_FULL)
    return found


def framed_cutout(cutout: Bytes, shape: Shape, rng: Random) -> Bytes:
    """The whole of it, smaller, anywhere along the longer side of another shape."""
    short = min(shape)
    alpha = to_float(cutout[..., 3:])
    premultiplied = np.dstack([to_float(cutout[..., :3]) * alpha, alpha])
    small = cv2.resize(premultiplied, (short, short), interpolation=cv2.INTER_AREA)
    canvas = np.zeros((*shape, 4), np.float32)
    y, x = (int(rng.integers(long - short + 1)) for long in shape)
    canvas[y : y + short, x : x + short] = small
    straight = np.dstack([canvas[..., :3] / np.maximum(canvas[..., 3:], 1e-4), canvas[..., 3:]])
    return to_eight(straight)


def framed_ground(picture: Bytes, shape: Shape, rng: Random) -> Bytes:
    """A crop anywhere."""
    y, x = (int(rng.integers(whole - part + 1)) for whole, part in zip(picture.shape, shape, strict=False))
    return picture[y : y + shape[0], x : x + shape[1]]


def framed_scene(layers: Layered, shape: Shape, rng: Random) -> Layered:
    """A crop that shows as much of the foreground as it can."""
    alpha = layers.foreground[..., 3] > 0.1
    corner = [_start(np.asarray(alpha.any(1 - axis)), shape[axis], rng) for axis in (0, 1)]
    window = tuple(slice(start, start + length) for start, length in zip(corner, shape, strict=True))

    def cut(picture: Floats) -> Floats:
        return np.ascontiguousarray(picture[window])

    whole = None if layers.whole is None else cut(layers.whole)
    return replace(layers, foreground=cut(layers.foreground), background=cut(layers.background), whole=whole)


def _start(occupied: np.ndarray, length: int, rng: Random) -> int:
    """Of a window among what is occupied or free; by chance where several hold all of it."""
    most, places = len(occupied) - length, np.flatnonzero(occupied)
    if not len(places):
        return int(rng.integers(most + 1))
    low, high = sorted((int(places[-1]) + 1 - length, int(places[0])))
    low, high = (min(max(edge, 0), most) for edge in (low, high))
    return int(rng.integers(low, high + 1))
