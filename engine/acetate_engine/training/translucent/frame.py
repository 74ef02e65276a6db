"""What the painters of translucent subjects share: a posed frame to paint in, edges, noise, light, and strokes.

Pictures are (side, side, 4) float32, straight alpha, sRGB, 0..1. A subject lies within -1..1 of its own units, y down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from acetate_engine.compositing.alpha import over
from acetate_engine.compositing.pixels import Floats
from acetate_engine.training.translucent.effects import flat

Random = np.random.Generator
Colour = NDArray[np.float32]  # (3)
Values = NDArray[np.floating[Any]]  # (side, side)
_FINER = 4  # strokes are drawn so many times as large, without smoothing, and reduced

COLOURS: dict[str, tuple[float, float, float]] = {
    "red": (0.90, 0.14, 0.13),
    "orange": (0.98, 0.50, 0.08),
    "yellow": (0.98, 0.85, 0.20),
    "green": (0.16, 0.68, 0.28),
    "blue": (0.15, 0.42, 0.92),
    "purple": (0.55, 0.22, 0.85),
    "pink": (0.97, 0.45, 0.72),
    "white": (0.97, 0.97, 0.98),
    "grey": (0.55, 0.56, 0.58),
    "black": (0.09, 0.09, 0.10),
    "brown": (0.45, 0.26, 0.12),
    "golden": (1.00, 0.76, 0.28),
    "turquoise": (0.12, 0.78, 0.78),
    "clear": (0.86, 0.93, 0.95),
}


def colour(name: str) -> Colour:
    return np.array(COLOURS[name], np.float32)


def varied(shade: Colour, rng: Random, spread: float = 0.05) -> Colour:
    """A colour near by; greys hardly take on a tint."""
    tinted = spread * (0.15 + 0.6 * float(np.ptp(shade)))
    return np.clip(shade * rng.uniform(0.92, 1.06) + rng.normal(0, tinted, 3), 0, 1).astype(np.float32)


def mixed(a: Colour, b: Colour | float, share: float) -> Colour:
    return (a * (1 - share) + b * share).astype(np.float32)


@dataclass(frozen=True)
class Frame:
    """A square of pixels, and how the subject lies in it."""

    x: Floats  # (side, side): where each pixel is, in the subject's units
    y: Floats
    matrix: NDArray[np.float64]  # (2, 3): from the subject's units to pixels
    rng: Random

    @staticmethod
    def posed(
        side: int, rng: Random, turn: float = 6.0, scale: tuple[float, float] = (0.78, 0.98), shift: float = 0.04
    ) -> Frame:
        """`turn` in degrees and `shift` in shares of the side are at most; mirrored by chance."""
        angle, size = np.deg2rad(rng.uniform(-turn, turn)), rng.uniform(*scale) * side / 2
        turned = size * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        turned = turned @ np.diag([rng.choice([-1.0, 1.0]), 1.0])
        moved = (side - 1) / 2 + rng.uniform(-shift, shift, 2) * side
        rows, columns = np.mgrid[:side, :side]
        own = np.linalg.inv(turned) @ (np.stack([columns.ravel(), rows.ravel()]) - moved[:, None])
        x, y = own.astype(np.float32).reshape(2, side, side)
        return Frame(x, y, np.concatenate([turned, moved[:, None]], 1), rng)

    @property
    def side(self) -> int:
        return len(self.x)

    @property
    def pixel(self) -> float:
        """Units of the subject."""
        return float(1 / np.sqrt(abs(np.linalg.det(self.matrix[:, :2]))))

    def cover(self, distance: Values, soft: float = 0.0) -> Floats:
        """0..1: inside of a shape, whose edge is where the distance (negative inside) is 0; `soft` in units."""
        return np.clip(0.5 - distance / (self.pixel + soft), 0, 1).astype(np.float32)

    def line(self, distance: Values, width: float, soft: float = 0.0) -> Floats:
        """0..1 along the places of distance 0."""
        return self.cover(np.abs(distance) - width / 2, soft)

    def away(self, x: float, y: float, stretch: float = 1.0) -> Floats:
        """Distance from a place; `stretch` makes circles wide."""
        return np.hypot((self.x - x) / stretch, self.y - y)

    def noise(self, cells: int = 4, octaves: int = 4) -> Floats:
        """Smooth noise of the frame, 0..1 with a mean of about a half."""
        total, weight = np.zeros_like(self.x), 0.0
        for octave in range(octaves):
            grid = self.rng.random((cells * 2**octave + 1,) * 2).astype(np.float32)
            total += cv2.resize(grid, (self.side,) * 2, interpolation=cv2.INTER_CUBIC) / 2**octave
            weight += 1 / 2**octave
        return np.clip((total / weight - 0.5) * 1.6 + 0.5, 0, 1).astype(np.float32)

    def empty(self) -> Floats:
        return np.zeros((self.side, self.side, 4), np.float32)


def smooth(values: Values, low: float, high: float) -> Floats:
    """0 below `low`, 1 above `high`, smoothly between."""
    share = np.clip((values - low) / (high - low), 0, 1)
    return (share * share * (3 - 2 * share)).astype(np.float32)


def blurred(values: Values, sigma: float) -> Floats:
    """Gaussian, `sigma` in pixels."""
    found: Floats = cv2.GaussianBlur(values, (0, 0), sigma).astype(np.float32, copy=False)
    return found


def painted(layer: Floats, alpha: Values, shade: Colour | Floats) -> Floats:
    """A colour, or one a pixel, over a layer."""
    top = flat(alpha.astype(np.float32), shade) if shade.ndim == 1 else np.dstack([shade, alpha])
    return over(top.astype(np.float32), layer)


def ramp(values: Values, stops: Sequence[tuple[float, Colour]]) -> Floats:
    """(H, W) -> (H, W, 3): colours between the stops."""
    at = [stop for stop, _ in stops]
    return np.dstack([np.interp(values, at, [shade[c] for _, shade in stops]) for c in range(3)]).astype(np.float32)


def glowing(intensity: Values, shade: Colour) -> Floats:
    """A layer of light, 0..1 strong: its own colour where it is weak, nearly white where it is strong."""
    stops = [(0.0, shade), (0.5, shade), (0.8, mixed(shade, 1.0, 0.5)), (1.0, mixed(shade, 1.0, 0.92))]
    return np.dstack([ramp(intensity, stops), np.clip(intensity * 1.15, 0, 1)]).astype(np.float32)


class Strokes:
    """Lines with round ends on a large canvas, each over those before it."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._canvas = np.zeros((frame.side * _FINER, frame.side * _FINER, 4), np.uint8)

    def line(self, points: NDArray[np.float64], width: float, shade: Colour) -> None:
        """(N, 2) places and a width, in the subject's units."""
        self._draw(points, [width] * (len(points) - 1), shade)

    def tapering(self, points: NDArray[np.float64], width: float, shade: Colour) -> None:
        """As `line`, of this width at first and of none at the end."""
        self._draw(points, list(np.linspace(width, 0.1 * width, len(points) - 1)), shade)

    def _draw(self, points: NDArray[np.float64], widths: list[float], shade: Colour) -> None:
        matrix = self._frame.matrix
        pixels = np.rint((points @ matrix[:, :2].T + matrix[:, 2] + 0.5) * _FINER).astype(int)
        paint = (*(round(255 * float(value)) for value in shade), 255)
        for (start, end), width in zip(pairwise(pixels), widths, strict=True):
            thickness = max(1, round(width / self._frame.pixel * _FINER))
            cv2.line(self._canvas, tuple(map(int, start)), tuple(map(int, end)), paint, thickness)

    def layer(self, alpha: float = 1.0) -> Floats:
        """What was drawn, straight."""
        side = self._frame.side
        small = cv2.resize(self._canvas.astype(np.float32) / 255, (side, side), interpolation=cv2.INTER_AREA)
        cover = small[..., 3:]  # the canvas is black where nothing is, hence premultiplied
        return np.concatenate([small[..., :3] / np.maximum(cover, 1e-4), cover * alpha], -1).astype(np.float32)
