"""Misty ranges over a lake at dawn; the water in the middle is left free for what comes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from brushwork import Brush, Canvas, blur, mix, noise, smoothstep

SHORE = 0.60  # of the height: where the far bank meets the water
SUN = (0.66, 0.335)  # x of the width, y of the height
RANGES = [  # crest, roughness (both of the height), colour in the light, colour in the mist at its foot
    (0.40, 0.06, (0.71, 0.66, 0.73), (0.93, 0.82, 0.75)),
    (0.35, 0.13, (0.53, 0.54, 0.67), (0.85, 0.77, 0.76)),
    (0.45, 0.09, (0.38, 0.45, 0.58), (0.74, 0.72, 0.74)),
    (0.51, 0.05, (0.24, 0.35, 0.45), (0.56, 0.61, 0.65)),
]
BRUSHES = [
    Brush(85, 24, 0.022),
    Brush(48, 12, 0.024, 0.02),
    Brush(26, 6, 0.022, 0.022),
    Brush(14, 3.2, 0.02, 0.03),
    Brush(8, 1.8, 0.015, 0.045),
]


def _sky(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    stops = np.array([0, 0.16, 0.30, 0.42, 0.6])
    colours = np.array(
        [(0.36, 0.47, 0.65), (0.52, 0.62, 0.75), (0.80, 0.76, 0.78), (0.98, 0.83, 0.66), (1.0, 0.86, 0.62)]
    )
    sky = np.stack([np.interp(y, stops, colours[:, c]) for c in range(3)], axis=-1).astype(np.float32)
    distance = np.hypot((x - SUN[0]) * 1.25, y - SUN[1])
    sky = mix(sky, np.array((1.0, 0.90, 0.70)), 0.75 * smoothstep(0.42, 0.0, distance))
    banks = noise(rng, x.shape, (90, 420), 5)
    clouds = smoothstep(0.50, 0.68, banks) * smoothstep(0.42, 0.2, y) * smoothstep(-0.05, 0.08, y)
    below = np.roll(banks, -9, axis=0)  # the sun stands low: cloud edges glow from underneath
    glow = smoothstep(0.0, 0.06, banks - below) * smoothstep(0.75, 0.1, distance)
    sky = mix(sky, np.array((0.57, 0.55, 0.66)), 0.62 * clouds)
    sky = mix(sky, np.array((1.0, 0.74, 0.60)), 0.9 * clouds * glow)
    return mix(sky, np.array((1.0, 0.97, 0.86)), smoothstep(0.040, 0.030, distance))


def _crest(rng: np.random.Generator, width: int, crest: float, rough: float) -> np.ndarray:
    line = noise(rng, (4, width), (4, 380), 7)[1] * 0.8 + 0.2 * noise(rng, (4, width), (4, 60), 4)[1]
    x = np.linspace(0, 1, width)
    pass_of_the_sun = 0.9 * rough * np.exp(-(((x - SUN[0]) / 0.09) ** 2))
    return crest - rough * 2.2 * (line - 0.5) + pass_of_the_sun


def _range(rng: np.random.Generator, picture: np.ndarray, x: np.ndarray, y: np.ndarray, step: int) -> np.ndarray:
    crest, rough, colour, mist = RANGES[step]
    line = _crest(rng, x.shape[1], crest, rough)[None, :]
    body = smoothstep(-0.0015, 0.0015, y - line)
    slopes = noise(rng, x.shape, (130, 90), 5)
    lit = smoothstep(-0.02, 0.03, np.roll(slopes, 14, axis=1) - slopes) * smoothstep(0.12, 0.0, y - line)
    rock = mix(
        np.broadcast_to(np.array(colour), picture.shape), np.array((0.95, 0.72, 0.62)), lit * (0.34 - 0.05 * step)
    )
    rock = rock * (0.94 + 0.12 * noise(rng, x.shape, (60, 60), 4))[..., None]
    drift = 0.03 * (noise(rng, x.shape, (50, 300), 3) - 0.5)
    rock = mix(rock, np.array(mist), 0.92 * smoothstep(0.0, 1.0, (y + drift - line) / (SHORE - line + 0.02)))
    return mix(picture, rock, body)


def _firs(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The far bank's trees: high at the left, running out before the sun."""
    width = x.shape[1]
    top = np.full(width, 9.0)
    columns = np.arange(width)
    for _ in range(230):
        root = rng.uniform(-20, width)
        grown = 0.135 * max(0.12, 1 - root / width * 1.35) + (0.05 if root > 0.86 * width else 0)
        tall = grown * rng.uniform(0.45, 1.0)
        half = tall * x.shape[0] * rng.uniform(0.16, 0.22)
        away = np.abs(columns - root) / half
        jag = 0.16 * np.abs(np.sin(away * 19 + root)) * (away > 0.06)
        top = np.minimum(top, np.where(away < 1, SHORE + 0.004 - tall * (1 - np.clip(away + jag * away, 0, 1)), 9))
    bank = SHORE - 0.012 + 0.008 * noise(rng, (4, width), (4, 120), 3)[1]
    return smoothstep(-0.0012, 0.0012, y - np.minimum(top, bank)[None, :]) * (y < SHORE + 0.003)


def _water(rng: np.random.Generator, land: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    height, width = x.shape
    rows = np.arange(height)
    shore = round(SHORE * height)
    depth = np.clip((y - SHORE) / (1 - SHORE), 0, 1)
    ripple = (noise(rng, x.shape, (10, 170), 3) - 0.5) * (6 + 40 * depth)
    source = np.clip(2 * shore - rows[:, None] * 1.0 + ripple, 0, shore - 2).astype(int)
    mirrored = land[source, np.arange(width)[None, :]]
    mirrored = 0.7 * blur(mirrored, 2) + 0.3 * mirrored
    tone = mix(mirrored, np.array((0.24, 0.34, 0.45)), 0.16 + 0.38 * depth)
    waves = noise(rng, x.shape, (7, 130), 3)
    tone = mix(tone, np.array((0.80, 0.80, 0.84)), 0.3 * smoothstep(0.60, 0.74, waves) * (1 - 0.4 * depth))
    column = np.exp(-(((x - SUN[0]) / (0.018 + 0.05 * depth)) ** 2))
    sparkle = smoothstep(0.42, 0.62, noise(rng, x.shape, (6, 46), 2)) * column * smoothstep(1.0, 0.1, depth)
    tone = mix(tone, np.array((1.0, 0.90, 0.68)), 0.9 * sparkle)
    fog = np.exp(-(((y - SHORE - 0.012) / 0.022) ** 2)) * smoothstep(0.3, 0.65, noise(rng, x.shape, (40, 260), 3))
    return mix(tone, np.array((0.93, 0.87, 0.82)), 0.6 * fog)


def _near_bank(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    line = 1.02 - 0.17 * np.exp(-((x[0] / 0.27) ** 2)) - 0.10 * np.exp(-(((x[0] - 1.02) / 0.16) ** 2))
    line = line - 0.03 * (noise(rng, (4, x.shape[1]), (4, 90), 4)[1] - 0.5)
    return smoothstep(-0.003, 0.003, y - line[None, :])


def _reeds(rng: np.random.Generator, canvas: Canvas, x: np.ndarray, height: int) -> None:
    """Blades along the near bank, the far ones first, the lit ones last."""
    width = x.shape[1]
    for share, colour, size in (
        (420, (0.10, 0.14, 0.15), Brush(27, 1.5, 0.02)),
        (320, (0.20, 0.23, 0.19), Brush(21, 1.2, 0.03)),
        (130, (0.62, 0.48, 0.33), Brush(15, 1.0, 0.05)),
    ):
        left = rng.random(share) < 0.7
        root = np.where(
            left, np.minimum(np.abs(rng.normal(0, 0.13, share)), 0.3), 1.01 - np.abs(rng.normal(0, 0.045, share))
        )
        rise = np.where(left, 0.14 * np.exp(-((root / 0.2) ** 2)), 0.08 * np.exp(-(((root - 1.02) / 0.11) ** 2)))
        foot = 0.985 - rise * rng.uniform(0.6, 1.12, share)
        lean = np.pi / 2 + rng.normal(0.08, 0.17, share)
        order = np.argsort(foot)
        points = np.clip(np.stack([root * width, foot * height]).astype(int), 0, [[width - 1], [height - 1]])[:, order]
        colours = np.broadcast_to(np.array(colour, np.float32), (share, 3))
        canvas.strokes(points[0], points[1], lean[order], colours, size)


def _far(rng: np.random.Generator, x: np.ndarray, y: np.ndarray, seed: int) -> np.ndarray:
    """Sky, ranges, firs and water."""
    land = _sky(rng, x, y)
    for step in range(len(RANGES)):
        land = _range(rng, land, x, y, step)
    firs = _firs(rng, x, y)
    fog = 0.5 * smoothstep(SHORE - 0.05, SHORE, y)
    needles = mix(np.array((0.13, 0.21, 0.25))[None, None], np.array((0.45, 0.50, 0.53)), fog)
    land = mix(land, needles * (0.85 + 0.3 * noise(rng, x.shape, (24, 24), 3))[..., None], firs)
    scene = mix(land, _water(rng, land, x, y), smoothstep(SHORE - 0.001, SHORE + 0.001, y))
    flow = np.where(y < SHORE, 0.25 * np.sin(3 * x + 9 * y) - 0.1, 0.0)
    canvas = Canvas(np.broadcast_to(np.array((0.62, 0.50, 0.44)), scene.shape), seed)
    canvas.paint(scene, np.where(firs > 0.5, np.pi / 2, flow), BRUSHES)
    return canvas.finished()


def _near(rng: np.random.Generator, x: np.ndarray, y: np.ndarray, seed: int) -> np.ndarray:
    """The bank at the painter's feet, and its reeds: transparent elsewhere."""
    earth = np.array((0.13, 0.16, 0.16)) * (0.7 + 0.6 * noise(rng, x.shape, (30, 60), 4))[..., None]
    canvas = Canvas(np.zeros_like(earth), seed, covered=False)
    brushes = [replace(brush, threshold=0.0) for brush in BRUSHES[2:4]]
    canvas.paint(earth, np.full_like(x, np.pi / 2), brushes, within=_near_bank(rng, x, y))
    _reeds(rng, canvas, x, x.shape[0])
    return canvas.finished()


def paint(width: int, height: int, seed: int) -> dict[str, np.ndarray]:
    """The layers, from the bottom up."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width].astype(np.float32) / np.array([height, width], np.float32)[:, None, None]
    return {"lake at dawn": _far(rng, x, y, seed + 1), "near bank": _near(rng, x, y, seed + 2)}
