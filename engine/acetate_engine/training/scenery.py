"""Painted backdrops and their exact captions: land and sea at four times of day, tables before walls, studio grounds.

A small model makes blotches of a few hundred photographs with loose captions; simple shapes in clear light it learns,
and what stands before them can take on that light. Pictures are (H, W, 3) float32, 0..1, sRGB.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice

import numpy as np
from PIL import Image

from acetate_engine.compositing.alpha import to_eight
from acetate_engine.compositing.pixels import Floats
from acetate_engine.training.datasets import Bytes, PictureSet

Colour = tuple[float, float, float]
Random = np.random.Generator


@dataclass(frozen=True)
class Daylight:
    """A time of day: the sky from its top to the horizon, and what the land's colours are multiplied by."""

    top: Colour
    horizon: Colour
    land: Colour


LIGHTS = {
    "under a blue sky": Daylight((0.22, 0.50, 0.90), (0.76, 0.90, 1.0), (1.0, 1.0, 1.0)),
    "at sunset": Daylight((0.42, 0.25, 0.52), (1.0, 0.66, 0.32), (0.95, 0.58, 0.46)),
    "at night": Daylight((0.02, 0.04, 0.14), (0.13, 0.18, 0.40), (0.20, 0.26, 0.46)),
    "under a grey sky": Daylight((0.52, 0.56, 0.60), (0.82, 0.84, 0.86), (0.68, 0.70, 0.72)),
}
WALLS: dict[str, Colour] = {
    "red": (0.72, 0.20, 0.18),
    "blue": (0.28, 0.45, 0.75),
    "green": (0.35, 0.58, 0.36),
    "yellow": (0.95, 0.82, 0.42),
    "white": (0.93, 0.92, 0.90),
    "dark": (0.13, 0.13, 0.16),
}


def paint_scenery(count: int, side: int, rng: Random) -> PictureSet:
    """`count` backdrops (N, side, side, 3) uint8, every kind about as often; `caption` in the rows."""
    chosen = list(islice(cycle(KINDS.items()), count))
    pictures = np.stack([_smaller(paint(2 * side, rng)) for _, paint in chosen])
    return PictureSet(pictures, [{"caption": caption} for caption, _ in chosen])


def _smaller(picture: Floats) -> Bytes:
    """Half the size, which smooths the edges."""
    whole = Image.fromarray(to_eight(picture))
    return np.asarray(whole.reduce(2))


def _gradient(side: int, top: Colour | np.ndarray, bottom: Colour | np.ndarray, end: float = 1.0) -> Floats:
    """From the top of the picture to `end`, a share of its height."""
    share = np.clip(np.linspace(0, 1 / end, side), 0, 1)[:, None, None]
    rows = np.asarray(top) * (1 - share) + np.asarray(bottom) * share
    return np.repeat(rows, side, 1).astype(np.float32)


def _disc(picture: Floats, x: float, y: float, radius: float, colour: Colour, softness: float = 0.01) -> Floats:
    """Over the picture; lengths are shares of its side."""
    rows, columns = np.mgrid[0 : 1 : len(picture) * 1j, 0 : 1 : len(picture) * 1j]
    cover = np.clip((radius - np.hypot(columns - x, rows - y)) / softness + 0.5, 0, 1)[..., None]
    return (picture * (1 - cover) + np.array(colour) * cover).astype(np.float32)


def _sky(look: str, side: int) -> Floats:
    """What stands in it has one place each: a small model blurs, or paints twice, what may be anywhere."""
    light = LIGHTS[look]
    sky = _gradient(side, light.top, light.horizon, end=0.6)
    x = 0.78
    if look == "at sunset":
        return _disc(sky, x, 0.45, 0.07, (1.0, 0.93, 0.62), 0.02)
    if look == "at night":
        for column, row in np.random.default_rng(4).random((16, 2)):
            sky = _disc(sky, column, 0.5 * row, 0.008, (0.9, 0.9, 1.0))
        return _disc(sky, x, 0.17, 0.07, (0.96, 0.95, 0.86), 0.015)
    if look == "under a blue sky":
        for step in range(4):  # one cloud of four puffs
            sky = _disc(sky, x + 0.055 * (step - 1.5), 0.16 + 0.012 * (step % 2), 0.045, (1.0, 1.0, 1.0), 0.03)
    return sky


def _land(picture: Floats, line: Floats, colour: np.ndarray, far: float = 1.12, near: float = 0.82) -> Floats:
    """`colour` below a line of heights (W,), shares from the top; lighter far away, darker near."""
    side = len(picture)
    below = np.clip(np.arange(side)[:, None] - line[None] * side + 0.5, 0, 1)[..., None]
    ground = _gradient(side, np.clip(colour * far, 0, 1), colour * near)
    return (picture * (1 - below) + ground * below).astype(np.float32)


def _hills(side: int, height: float, swing: float, bumps: int, rng: Random) -> Floats:
    """A smooth line about `height` from the top."""
    x = np.linspace(0, 2 * np.pi, side)
    waves = sum(np.sin(x * rng.uniform(0.5, 1) * (n + 1) + rng.uniform(0, 6.3)) / (n + 1) for n in range(bumps))
    return (height + swing * np.asarray(waves)).astype(np.float32)


def _peaks(side: int, height: float, swing: float, count: int, rng: Random) -> Floats:
    """A line of peaks rising to about `height - swing`."""
    at = (np.arange(2 * count + 3) - 1) / (2 * count) + rng.uniform(-0.25, 0.25) / count
    up = height - swing * rng.uniform(0.6, 1.0, len(at)) * (np.arange(len(at)) % 2)
    return np.interp(np.linspace(0, 1, side), at, up).astype(np.float32)


def _meadow(sky: Floats, light: np.ndarray, rng: Random) -> Floats:
    far = _land(sky, _hills(len(sky), 0.58, 0.03, 2, rng), np.array([0.42, 0.66, 0.34]) * light)
    return _land(far, _hills(len(sky), 0.68, 0.03, 2, rng), np.array([0.33, 0.60, 0.20]) * light)


def _desert(sky: Floats, light: np.ndarray, rng: Random) -> Floats:
    far = _land(sky, _hills(len(sky), 0.58, 0.04, 2, rng), np.array([0.93, 0.78, 0.52]) * light)
    return _land(far, _hills(len(sky), 0.70, 0.05, 2, rng), np.array([0.86, 0.66, 0.38]) * light)


def _snow(sky: Floats, light: np.ndarray, rng: Random) -> Floats:
    far = _land(sky, _hills(len(sky), 0.57, 0.04, 2, rng), np.array([0.80, 0.87, 0.95]) * light)
    return _land(far, _hills(len(sky), 0.68, 0.04, 2, rng), np.array([0.92, 0.95, 0.98]) * light, 1.0, 0.9)


def _sea(sky: Floats, light: np.ndarray, rng: Random) -> Floats:
    level = np.full(len(sky), rng.uniform(0.55, 0.6), np.float32)
    return _land(sky, level, np.array([0.16, 0.45, 0.68]) * light, 1.5, 0.7)


def _beach(sky: Floats, light: np.ndarray, rng: Random) -> Floats:
    water = _land(sky, np.full(len(sky), 0.55, np.float32), np.array([0.16, 0.55, 0.70]) * light, 1.4, 0.9)
    return _land(water, _hills(len(sky), 0.72, 0.02, 2, rng), np.array([0.93, 0.83, 0.60]) * light, 1.05, 0.9)


def _mountains(sky: Floats, light: np.ndarray, rng: Random) -> Floats:
    rock = _land(sky, _peaks(len(sky), 0.62, 0.32, 3, rng), np.array([0.48, 0.52, 0.62]) * light, 1.25, 0.6)
    return _land(rock, _hills(len(sky), 0.68, 0.02, 2, rng), np.array([0.36, 0.54, 0.26]) * light)


def _forest(sky: Floats, light: np.ndarray, rng: Random) -> Floats:
    far = _land(sky, _peaks(len(sky), 0.62, 0.22, 7, rng), np.array([0.20, 0.42, 0.30]) * light, 1.1, 0.7)
    return _land(far, _hills(len(sky), 0.70, 0.015, 2, rng), np.array([0.30, 0.50, 0.22]) * light)


def _city(sky: Floats, light: np.ndarray, rng: Random) -> Floats:
    roofs = rng.uniform(0.28, 0.55, 8).astype(np.float32)[np.arange(len(sky)) * 8 // len(sky)]
    houses = _land(sky, roofs, np.array([0.50, 0.50, 0.58]) * light, 1.2, 0.8)
    return _land(houses, np.full(len(sky), 0.70, np.float32), np.array([0.42, 0.42, 0.44]) * light, 1.1, 0.9)


def _table(wall: np.ndarray, side: int, rng: Random) -> Floats:
    edge = np.full(side, rng.uniform(0.66, 0.72), np.float32)
    lit = _gradient(side, np.clip(wall * 1.06, 0, 1), wall * 0.88)
    return _land(lit, edge, np.array([0.62, 0.42, 0.26]) * (0.35 + 0.65 * wall.mean()), 1.2, 0.85)


def _studio(wall: np.ndarray, side: int, rng: Random) -> Floats:
    x, y = rng.uniform(0.35, 0.65), rng.uniform(0.25, 0.45)
    rows, columns = np.mgrid[0 : 1 : side * 1j, 0 : 1 : side * 1j]
    fall = np.clip(1.12 - 0.55 * np.hypot(columns - x, rows - y), 0, 2)[..., None]
    return np.clip(wall * fall, 0, 1).astype(np.float32)


def _outdoors(land: str, look: str, side: int, rng: Random) -> Floats:
    return LANDS[land](_sky(look, side), np.array(LIGHTS[look].land), rng)


LANDS: dict[str, Callable[[Floats, np.ndarray, Random], Floats]] = {
    "a green meadow": _meadow,
    "a desert": _desert,
    "snowy hills": _snow,
    "the sea": _sea,
    "a beach": _beach,
    "mountains": _mountains,
    "a forest": _forest,
    "a city": _city,
}
# caption -> what paints it, twice as large
KINDS: Mapping[str, Callable[[int, Random], Floats]] = (
    {f"{land} {look}": partial(_outdoors, land, look) for land in LANDS for look in LIGHTS}
    | {f"a wooden table before a {name} wall": partial(_table, np.array(wall)) for name, wall in WALLS.items()}
    | {f"a {name} studio backdrop": partial(_studio, np.array(wall)) for name, wall in WALLS.items()}
)
