"""Painterly rendering: thousands of bristled strokes laid over each other, coarse to fine, following a scene.

The order of work is that of Hertzmann, "Painterly rendering with curved brush strokes of multiple sizes" (1998):
a big brush first, then smaller ones where the canvas is still far from what is to be painted.
Pictures here are float32, sRGB-encoded, 0 to 1, (height, width, 3); fields are (height, width).
Angles are radians, y down.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

ANGLES = 36  # directions in which each brush is kept ready; a stroke without arrow repeats after half a turn
VARIANTS = 5  # bristle patterns and bends of each direction


@dataclass(frozen=True)
class Brush:
    """Half-length and half-width in pixels; how far colours stray; how much error (0 to 1) calls for a stroke."""

    length: float
    width: float
    jitter: float = 0.03
    threshold: float = 0.0
    opacity: float = 0.95


@dataclass(frozen=True)
class Stamp:
    """One stroke, ready to be laid down: coverage and thickness of the paint, 0 to 1, around `middle` (row, column)."""

    cover: np.ndarray
    relief: np.ndarray
    middle: tuple[int, int]


def blur(field: np.ndarray, radius: float) -> np.ndarray:
    """Gaussian to the eye: three box blurs along each of the first two axes."""
    size = max(1, round(radius))
    for axis in (0, 1):
        for _ in range(3):
            field = _box(field, size, axis)
    return field


def _box(field: np.ndarray, size: int, axis: int) -> np.ndarray:
    pad = [(0, 0)] * field.ndim
    pad[axis] = (size + 1, size)
    total = np.cumsum(np.pad(field, pad, mode="edge"), axis=axis, dtype=np.float64)
    count = field.shape[axis]
    upper = np.take(total, np.arange(2 * size + 1, 2 * size + 1 + count), axis=axis)
    lower = np.take(total, np.arange(count), axis=axis)
    return ((upper - lower) / (2 * size + 1)).astype(np.float32)


def noise(rng: np.random.Generator, shape: tuple[int, int], cell: tuple[float, float], octaves: int = 4) -> np.ndarray:
    """Cloudy noise, 0 to 1, mean near a half; `cell` is the size (height, width) of its largest blotches."""
    total = np.zeros(shape, np.float32)
    weight = 0.0
    for octave in range(octaves):
        rows = max(2, round(shape[0] / cell[0] * 2**octave) + 1)
        columns = max(2, round(shape[1] / cell[1] * 2**octave) + 1)
        grid = Image.fromarray(rng.random((rows, columns), dtype=np.float32))
        total += 0.5**octave * np.asarray(grid.resize(shape[::-1], Image.Resampling.BICUBIC))
        weight += 0.5**octave
    return np.clip(total / weight, 0, 1)


def smoothstep(low: float, high: float, value: np.ndarray) -> np.ndarray:
    ramp = np.clip((value - low) / (high - low), 0, 1)
    return (ramp * ramp * (3 - 2 * ramp)).astype(np.float32)


def mix(first: np.ndarray, second: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Pictures or single colours, mixed by a field."""
    return (first + (second - first) * weight[..., None]).astype(np.float32)


def _stamp(rng: np.random.Generator, brush: Brush, angle: float) -> Stamp:
    reach = int(np.ceil(np.hypot(brush.length, brush.width))) + 2
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32)
    along = (x * np.cos(angle) + y * np.sin(angle)) / brush.length
    across = (-x * np.sin(angle) + y * np.cos(angle)) / brush.width
    across = across + rng.uniform(-0.22, 0.22) * brush.length / brush.width * (along**2 - 0.3)
    hairs = np.interp(across, np.linspace(-1.1, 1.1, 15), np.convolve(rng.random(17), [0.25, 0.5, 0.25], "valid"))
    ends = rng.uniform(0.78, 1.0, 2)[..., None, None] + 0.25 * (hairs - 0.5)
    soft = 1.2 / min(brush.length, 8 * brush.width)
    tips = smoothstep(0, soft + 0.08, ends[0] - along) * smoothstep(0, soft + 0.08, ends[1] + along)
    sides = smoothstep(0, 0.35 + 0.5 / brush.width, 1 - np.abs(across))
    dry = 1 - 0.55 * smoothstep(0.1, 1.0, along) * smoothstep(0.55, 0.25, hairs)
    ridge = 0.35 + 0.65 * hairs + 0.35 * smoothstep(0.55, 0.9, np.abs(across))
    cover = np.clip(tips * sides * dry, 0, 1).astype(np.float32)
    rows, columns = np.flatnonzero(cover.any(1)), np.flatnonzero(cover.any(0))
    part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    middle = (reach - int(rows[0]), reach - int(columns[0]))
    return Stamp(cover[part], np.clip(ridge, 0, 1).astype(np.float32)[part], middle)


class Canvas:
    """A picture in the making: colour (premultiplied with the coverage), coverage, thickness of the paint."""

    def __init__(self, ground: np.ndarray, seed: int, covered: bool = True) -> None:
        self.cover = np.full(ground.shape[:2], float(covered), np.float32)
        self.picture = ground.astype(np.float32) * self.cover[..., None]
        self.relief = np.full(ground.shape[:2], 0.3, np.float32)
        self._rng = np.random.default_rng(seed)
        self._stamps: dict[Brush, list[list[Stamp]]] = {}

    def paint(
        self, scene: np.ndarray, flow: np.ndarray, brushes: list[Brush], within: np.ndarray | None = None
    ) -> None:
        """Brings the canvas towards the scene: strokes run along its edges, elsewhere along `flow`.

        With `within` (0 to 1), strokes start only where it is above a half.
        """
        for brush in brushes:
            wanted = blur(scene, 0.35 * brush.width) if brush.width > 2 else scene
            angles = _directions(wanted, flow, brush.width)
            error = blur(np.abs(self.picture - wanted).mean(axis=2), max(1, 0.5 * brush.width))
            y, x = self._scattered(0.9 * brush.width)
            chosen = error[y, x] >= brush.threshold
            if within is not None:
                chosen &= within[y, x] > 0.5
            self.strokes(x, y, angles[y, x], wanted[y, x], brush, chosen)

    def _scattered(self, spacing: float) -> tuple[np.ndarray, np.ndarray]:
        """Points about `spacing` apart, in random order."""
        height, width = self.relief.shape
        count = round(height * width / spacing**2)
        return self._rng.integers(0, height, count), self._rng.integers(0, width, count)

    def strokes(
        self,
        x: np.ndarray,
        y: np.ndarray,
        angles: np.ndarray,
        colours: np.ndarray,
        brush: Brush,
        chosen: np.ndarray | None = None,
    ) -> None:
        """One stroke for each (chosen) point, in the order given.

        Chance is drawn for the others too: a choice that falls differently in the last bit changes one stroke, not all.
        """
        count = len(x)
        tint = self._rng.normal(0, brush.jitter, (count, 1)) + self._rng.normal(0, 0.5 * brush.jitter, (count, 3))
        colours = np.clip(colours + tint, 0, 1).astype(np.float32)
        turned = angles + self._rng.normal(0, 0.12, count)
        kind = np.round(turned / np.pi * ANGLES).astype(int) % ANGLES
        variant = self._rng.integers(0, VARIANTS, count)
        stamps = self._ready(brush)
        for i in range(count) if chosen is None else np.flatnonzero(chosen):
            self._lay(stamps[kind[i]][variant[i]], int(x[i]), int(y[i]), colours[i], brush.opacity)

    def _ready(self, brush: Brush) -> list[list[Stamp]]:
        if brush not in self._stamps:
            turns = [np.pi * k / ANGLES for k in range(ANGLES)]
            self._stamps[brush] = [[_stamp(self._rng, brush, turn) for _ in range(VARIANTS)] for turn in turns]
        return self._stamps[brush]

    def _lay(self, stamp: Stamp, x: int, y: int, colour: np.ndarray, opacity: float) -> None:
        top, left = y - stamp.middle[0], x - stamp.middle[1]
        (rows, columns), (height, width) = stamp.cover.shape, self.relief.shape
        part = np.s_[max(0, -top) : min(rows, height - top), max(0, -left) : min(columns, width - left)]
        cover, relief = stamp.cover[part] * opacity, stamp.relief[part]
        here = np.s_[max(0, top) : min(height, top + rows), max(0, left) : min(width, left + columns)]
        shade = colour * (0.95 + 0.1 * relief[..., None])
        self.picture[here] += cover[..., None] * (shade - self.picture[here])
        self.relief[here] += cover * (relief - self.relief[here])
        self.cover[here] += cover * (1 - self.cover[here])

    def glaze(self, colour: np.ndarray, weight: np.ndarray) -> None:
        """A transparent colour over what is dry: the strokes underneath stay visible."""
        self.picture = mix(self.picture, np.asarray(colour), weight * (0.8 + 0.4 * self.relief))

    def finished(self, impasto: float = 0.22, weave: float = 0.012) -> np.ndarray:
        """The picture under raking light from the upper left, on woven canvas.

        (height, width, 4) uint8, straight alpha. Colours have 7 bits: unseen under the brushwork, and the
        files are a third smaller.
        """
        rise = np.gradient(blur(self.relief, 1))
        light = np.clip(-impasto * (rise[0] + rise[1]) * 2, -0.12, 0.12)
        y, x = np.mgrid[: self.relief.shape[0], : self.relief.shape[1]]
        cloth = weave * (np.sin(x * 2.1) * np.sin(y * 2.1) + 0.5 * np.sin(x * 2.1 + 1.3) * (1 - self.relief))
        straight = self.picture / np.maximum(self.cover, 1e-3)[..., None]
        lit = straight * (1 + light + cloth)[..., None] + 0.25 * np.maximum(light, 0)[..., None]
        colour = np.round(np.clip(lit, 0, 1) * 127) * 2
        return np.dstack([colour * (self.cover > 0)[..., None], np.round(self.cover * 255)]).astype(np.uint8)


def _directions(scene: np.ndarray, flow: np.ndarray, width: float) -> np.ndarray:
    """Along the edges where there are any (structure tensor), else along the flow."""
    slope_y, slope_x = np.gradient(scene.mean(axis=2))
    radius = max(1, 0.8 * width)
    xx, yy, xy = (blur(product, radius) for product in (slope_x**2, slope_y**2, slope_x * slope_y))
    strength = smoothstep(0.002, 0.02, np.sqrt(np.maximum(xx + yy, 0)))
    edge = 0.5 * np.arctan2(2 * xy, xx - yy) + np.pi / 2
    sine = strength * np.sin(2 * edge) + (1 - strength) * np.sin(2 * flow)
    cosine = strength * np.cos(2 * edge) + (1 - strength) * np.cos(2 * flow)
    return 0.5 * np.arctan2(sine, cosine)
