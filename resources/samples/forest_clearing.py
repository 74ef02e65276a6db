"""A forest clearing with shafts of morning light; the sunlit grass in the middle is left free for what comes."""

from __future__ import annotations

import numpy as np
from brushwork import Brush, Canvas, mix, noise, smoothstep

OPENING = (0.55, 0.37)  # where the light comes in, x and y
HORIZON = 0.58
HAZE = np.array((0.90, 0.91, 0.66))


def _from_opening(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.hypot((x - OPENING[0]) * 1.15, (y - OPENING[1]) * 0.9)


def _backdrop(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    stops = np.array([0, 0.12, 0.3, 0.5, 0.8])
    colours = np.array(
        [(1.0, 0.98, 0.83), (0.93, 0.92, 0.62), (0.62, 0.72, 0.42), (0.32, 0.46, 0.29), (0.15, 0.26, 0.19)]
    )
    leaves = noise(rng, x.shape, (110, 110), 6)
    away = _from_opening(x, y) + 0.34 * (leaves - 0.5)
    return np.stack([np.interp(away, stops, colours[:, c]) for c in range(3)], axis=-1).astype(np.float32)


def _ground(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    depth = np.clip((y - HORIZON) / (1 - HORIZON), 0, 1)
    meadow = mix(np.array((0.72, 0.78, 0.40))[None, None], np.array((0.13, 0.24, 0.13)), smoothstep(0.2, 0.95, depth))
    sunlit = np.exp(-(((x - 0.56) / 0.26) ** 2) - ((y - 0.70) / 0.105) ** 2)
    patches = smoothstep(0.42, 0.66, noise(rng, x.shape, (26, 150), 4) + 0.34 * sunlit - 0.06)
    meadow = mix(meadow, np.array((0.90, 0.88, 0.42)), np.clip(sunlit * 1.1, 0, 1) * (0.35 + 0.65 * patches))
    meadow = mix(meadow, np.array((0.62, 0.70, 0.28)), 0.5 * patches * smoothstep(0.25, 0.6, depth))
    edge = smoothstep(0.28, 0.62, np.abs(x - 0.55))
    meadow = mix(meadow, np.array((0.12, 0.22, 0.14)), 0.75 * edge)
    return meadow * (0.86 + 0.28 * noise(rng, x.shape, (14, 40), 4))[..., None]


def _trunk(
    rng: np.random.Generator, picture: np.ndarray, x: np.ndarray, y: np.ndarray, root: float, near: float
) -> np.ndarray:
    """One tree, `near` from 0 (lost in the haze) to 1 (an arm's length away)."""
    foot = HORIZON + 0.015 + 0.33 * near**1.6
    half = (0.004 + 0.034 * near**1.5) * rng.uniform(0.75, 1.2)
    bend = rng.normal(0, 0.018) * np.sin((foot - y) * rng.uniform(2, 5)) + rng.normal(0, 0.02) * (foot - y)
    flare = 1 - 0.25 * (foot - y) + 0.8 * np.exp(-np.clip(foot - y, 0, 1) / (0.02 + 0.05 * near))
    rough = 0.10 * (noise(rng, x.shape, (50, 12), 3) - 0.5)
    across = (x - root - bend) / (half * flare) + rough
    body = smoothstep(1.0, 1.0 - 0.003 / half, np.abs(across)) * smoothstep(0.02, -0.02, y - foot - 0.25 * rough)
    bark = mix(
        HAZE[None, None] * 0.80, np.array((0.17, 0.13, 0.11)), np.full(x.shape, smoothstep(0, 0.75, np.float32(near)))
    )
    furrows = noise(rng, x.shape, (120, 7 + 9 * near), 3)
    bark = bark * (0.72 + 0.56 * furrows)[..., None]
    towards = np.sign(OPENING[0] - root)
    rim = smoothstep(0.35, 0.95, across * towards) * np.exp(-_from_opening(x, y) / 0.5)
    bark = mix(bark, np.array((0.93, 0.85, 0.52)), 0.75 * rim * (0.4 + 0.6 * near))
    moss = smoothstep(0.15, 0.0, foot - y) * smoothstep(0.4, 0.7, noise(rng, x.shape, (40, 30), 3))
    bark = mix(bark, np.array((0.30, 0.38, 0.16)), 0.6 * moss * near)
    return mix(picture, bark, body)


def _trees(rng: np.random.Generator, picture: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    for near in np.sort(rng.uniform(0, 0.42, 34)):
        root = rng.uniform(-0.02, 1.02)
        if abs(root - OPENING[0]) > 0.04 + 0.42 * near:
            picture = _trunk(rng, picture, x, y, root, float(near))
    for root, near in ((0.245, 0.55), (0.845, 0.62), (0.155, 0.74), (0.945, 0.86), (0.055, 1.0)):
        picture = _trunk(rng, picture, x, y, root, near)
    return picture


def _canopy(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Where leaves hang, 0 to 1: deep at the sides, a fringe over the opening."""
    masses = noise(rng, x.shape, (150, 170), 6)
    reach = 0.05 + 0.46 * smoothstep(0.10, 0.60, np.abs(x - OPENING[0] - 0.02))
    return smoothstep(0.0, 0.14, reach - y + 0.42 * (masses - 0.5))


def _foliage(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Clumps of leaves, lit where they face the opening."""
    clumps = noise(rng, x.shape, (75, 85), 5)
    right, left = np.roll(clumps, -12, axis=1), np.roll(clumps, 12, axis=1)
    facing = clumps - np.where(x < OPENING[0], right, left) + 0.6 * (clumps - np.roll(clumps, 10, axis=0))
    lit = smoothstep(-0.02, 0.16, facing) * smoothstep(0.62, 0.15, _from_opening(x, y))
    deep = mix(np.array((0.20, 0.32, 0.18))[None, None], np.array((0.07, 0.14, 0.11)), smoothstep(0.6, 0.36, clumps))
    return mix(deep, np.array((0.72, 0.78, 0.30)), 0.85 * lit)


def _shafts(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Light fanning down from above the opening, 0 to 1."""
    turn = np.arctan2(x - 0.68, y + 0.22)
    fan = np.zeros_like(x)
    for middle, half, strength in (
        (-0.78, 0.030, 0.7),
        (-0.64, 0.050, 1.0),
        (-0.47, 0.022, 0.8),
        (-0.36, 0.045, 1.0),
        (-0.17, 0.030, 0.7),
        (0.04, 0.035, 0.6),
    ):
        fan = np.maximum(fan, strength * np.exp(-((np.abs(turn - middle) / half) ** 2.6)))
    breath = 0.65 + 0.7 * (noise(rng, x.shape, (200, 120), 3) - 0.2)
    return np.clip(fan * breath, 0, 1) * smoothstep(-0.25, 0.15, y) * smoothstep(0.86, 0.52, y)


def _leaves(rng: np.random.Generator, canvas: Canvas, canopy: np.ndarray, foliage: np.ndarray) -> None:
    """Dabs in the colours of their clump, big and dark first; the last ones hang loose at the rim."""
    height, width = canopy.shape
    for count, gain, low, brush in (
        (3600, 0.80, 0.35, Brush(9.0, 4.2, 0.025)),
        (4200, 1.05, 0.20, Brush(7.0, 3.2, 0.03)),
        (3200, 1.30, 0.05, Brush(5.0, 2.3, 0.04)),
    ):
        x, y = rng.integers(0, width, count * 4), rng.integers(0, height, count * 4)
        kept = np.flatnonzero(canopy[y, x] > low + 0.5 * rng.random(count * 4))[:count]
        x, y = x[kept], y[kept]
        hang = np.where(x < OPENING[0] * width, 0.9, np.pi - 0.9) + rng.normal(0, 0.5, len(x))
        canvas.strokes(x, y, hang, np.clip(foliage[y, x] * gain, 0, 1), brush)


def _grass(rng: np.random.Generator, canvas: Canvas) -> None:
    """Blades from the horizon to the foot of the picture, growing longer on the way."""
    height, width = canvas.relief.shape
    for step, brush in enumerate(
        (Brush(5, 1.1, 0.04), Brush(9, 1.3, 0.045), Brush(16, 1.6, 0.05), Brush(26, 1.9, 0.05))
    ):
        low, high = HORIZON + 0.03 + 0.09 * step, HORIZON + 0.16 + 0.095 * step
        count = (1500, 1500, 1200, 700)[step]
        y = np.sort(rng.uniform(low, high, count))
        x = rng.uniform(0, 1, count)
        row, column = np.clip((y * height).astype(int), 0, height - 1), (x * width).astype(int)
        under = canvas.picture[row, column]
        lift = rng.choice([0.72, 1.0, 1.22, 1.42], count, p=[0.3, 0.3, 0.25, 0.15])[:, None]
        canvas.strokes(column, row, np.pi / 2 + rng.normal(0, 0.3, count), np.clip(under * lift, 0, 1), brush)
    petals = 260
    x, y = rng.normal(0.42, 0.17, petals), rng.uniform(HORIZON + 0.10, 0.97, petals)
    colours = np.where(rng.random((petals, 1)) < 0.7, (0.96, 0.95, 0.88), (0.93, 0.74, 0.30))
    inside = (x > 0) & (x < 1) & (rng.random(petals) < smoothstep(0.5, 0.1, np.abs(x - 0.42)))
    points = (x[inside] * width).astype(int), (y[inside] * height).astype(int)
    canvas.strokes(*points, rng.uniform(0, np.pi, inside.sum()), colours[inside], Brush(2.2, 1.6, 0.02))


def paint(width: int, height: int, seed: int) -> dict[str, np.ndarray]:
    """The only layer."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width].astype(np.float32) / np.array([height, width], np.float32)[:, None, None]
    grass = smoothstep(-0.012, 0.012, y - HORIZON - 0.012 * (noise(rng, x.shape, (40, 60), 3) - 0.5))
    scene = _trees(rng, mix(_backdrop(rng, x, y), _ground(rng, x, y), grass), x, y)
    canopy = _canopy(rng, x, y)
    foliage = _foliage(rng, x, y)
    scene = mix(scene, foliage, canopy)
    shafts = _shafts(rng, x, y)
    flow = np.where(y > HORIZON, 0.05, np.pi / 2 - 0.25) + 0.6 * (noise(rng, x.shape, (90, 90), 2) - 0.5)
    canvas = Canvas(np.broadcast_to(np.array((0.36, 0.30, 0.18)), scene.shape), seed + 1)
    canvas.paint(
        scene,
        flow,
        [
            Brush(60, 20, 0.022),
            Brush(34, 10, 0.024, 0.02),
            Brush(18, 5.5, 0.024, 0.025),
            Brush(10, 3.0, 0.02, 0.035),
            Brush(6.5, 1.8, 0.02, 0.05),
        ],
    )
    _leaves(rng, canvas, canopy, foliage)
    canvas.glaze(np.array((1.0, 0.96, 0.70)), 0.46 * shafts)
    _grass(rng, canvas)
    return {"forest clearing": canvas.finished()}
