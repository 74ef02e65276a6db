"""Light alone: magic, lightning, beams, flares, neon, glows."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from acetate_engine.compositing.alpha import over
from acetate_engine.compositing.pixels import Floats
from acetate_engine.training.translucent.fire import streak
from acetate_engine.training.translucent.frame import Frame, blurred, colour, glowing, mixed, painted, smooth, varied


def swirl(frame: Frame, tint: str) -> Floats:
    """Arms of a spiral of light, with sparks along them."""
    rng, shade = frame.rng, varied(colour(tint), frame.rng, 0.03)
    away, angle = frame.away(0, 0), np.arctan2(frame.y, frame.x)
    arms, wound = rng.integers(2, 4), rng.uniform(3.5, 6)
    phase = np.cos(arms * angle - wound * np.log(away + 0.12) + 0.7 * (frame.noise(4, 3) - 0.5) * 4)
    light = smooth(phase, 0.1, 1.0) * smooth(1 - away / 0.95, 0, 0.45) * (0.45 + 0.7 * frame.noise(5, 3))
    light = np.maximum(light, 0.95 * np.exp(-((away / rng.uniform(0.12, 0.2)) ** 2)))
    for _ in range(rng.integers(12, 26)):
        spot = frame.away(*rng.uniform(-0.8, 0.8, 2)) / rng.uniform(0.012, 0.035)
        light = np.maximum(light, np.exp(-(spot**2)) * rng.uniform(0.5, 1))
    return glowing(np.clip(light + 0.35 * blurred(light.astype(np.float32), frame.side / 24), 0, 1), shade)


def lightning(frame: Frame, tint: str) -> Floats:
    """A bolt from above with branches, and the air that it lights."""
    rng, shade = frame.rng, varied(colour(tint), frame.rng, 0.03)
    light = np.zeros_like(frame.x)
    main = _jagged((rng.uniform(-0.3, 0.3), -0.98), (rng.uniform(-0.4, 0.4), 0.98), 5, rng)
    light = _bolt(frame, light, main, 0.022)
    for _ in range(rng.integers(2, 5)):
        start = main[rng.integers(4, len(main) * 2 // 3)]
        side = rng.choice([-1, 1])
        end = start + np.array([side * rng.uniform(0.25, 0.6), rng.uniform(0.3, 0.6)])
        light = np.maximum(light, 0.75 * _bolt(frame, np.zeros_like(light), _jagged(start, end, 3, rng), 0.012))
    air = 0.55 * blurred(light, frame.side / 45) + 0.5 * blurred(light, frame.side / 14)
    return glowing(np.clip(light + air, 0, 1), shade)


def _jagged(start: object, end: object, rounds: int, rng: np.random.Generator) -> np.ndarray:
    """(N, 2): a line whose middles were moved aside again and again."""
    points, spread = np.array([start, end], float), 0.16
    for _ in range(rounds):
        middles = (points[:-1] + points[1:]) / 2 + rng.normal(0, spread, (len(points) - 1, 2)) * [1, 0.4]
        points = np.insert(points, np.arange(1, len(points)), middles, 0)
        spread *= 0.55
    return points


def _bolt(frame: Frame, light: Floats, points: np.ndarray, width: float) -> Floats:
    for start, end in pairwise(points):
        light = np.maximum(light, np.exp(-((segment(frame, start, end) / width) ** 2)).astype(np.float32))
    return light


def segment(frame: Frame, start: np.ndarray, end: np.ndarray) -> Floats:
    """Distance from a straight piece."""
    way = end - start
    share = ((frame.x - start[0]) * way[0] + (frame.y - start[1]) * way[1]) / max(float(way @ way), 1e-9)
    share = np.clip(share, 0, 1)
    return np.hypot(frame.x - start[0] - share * way[0], frame.y - start[1] - share * way[1]).astype(np.float32)


def beam(frame: Frame, tint: str) -> Floats:
    """A cone of light from above, with dust in it."""
    rng, shade = frame.rng, varied(colour(tint), frame.rng, 0.03)
    down = np.clip((frame.y + 0.95) / 1.9, 0, 1)
    half = rng.uniform(0.06, 0.14) + rng.uniform(0.35, 0.6) * down
    across = np.abs(frame.x - rng.uniform(-0.2, 0.2) * down) / half
    edge = rng.uniform(0.25, 0.6)
    light = smooth(1 - across, 0, edge) * (1 - down) ** rng.uniform(0.5, 0.9) * smooth(frame.y, -0.97, -0.88)
    dusty = light * (0.62 + 0.3 * frame.noise(3, 4)) * rng.uniform(0.75, 1.0)
    return glowing(np.clip(dusty, 0, 1).astype(np.float32), mixed(shade, 1.0, 0.15))


def flare(frame: Frame, tint: str) -> Floats:
    """A star of light, rays, and rings and spots along one line."""
    rng, shade = frame.rng, varied(colour(tint), frame.rng, 0.03)
    x, y = rng.uniform(-0.4, -0.1, 2)
    away, angle = frame.away(x, y), np.arctan2(frame.y - y, frame.x - x)
    rays = np.abs(np.cos(angle * rng.integers(3, 6) + rng.uniform(0, 3))) ** rng.uniform(25, 70)
    light = np.exp(-((away / 0.16) ** 2)) + 0.5 * np.exp(-away / 0.22) * 0.8 + rays * np.exp(-away / 0.3) * 0.9
    layer = glowing(np.clip(light * smooth(1.1 - away, 0, 0.5), 0, 1).astype(np.float32), shade)
    for along, size in ((rng.uniform(0.4, 0.7), 0.09), (rng.uniform(0.9, 1.2), 0.16), (rng.uniform(1.3, 1.7), 0.07)):
        ghost = frame.away(x - x * along * 2, y - y * along * 2) - size
        spot = 0.22 * frame.cover(ghost, 0.03) + 0.25 * frame.line(ghost, 0.03, 0.03)
        layer = over(np.dstack([np.broadcast_to(varied(shade, rng, 0.2), (*away.shape, 3)), spot]), layer)
    return layer.astype(np.float32)


def _ring(frame: Frame) -> Floats:
    return np.abs(frame.away(0, 0) - 0.68)


def _heart(frame: Frame) -> Floats:
    t = np.linspace(0, 2 * np.pi, 33)
    x, y = 16 * np.sin(t) ** 3, 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return _polyline(frame, list(np.stack([x / 21, -y / 21 - 0.08], 1)))


def _star(frame: Frame) -> Floats:
    angles, far = np.pi / 5 * np.arange(11), np.where(np.arange(11) % 2, 0.36, 0.82)
    return _polyline(frame, list(np.stack([far * np.sin(angles), -far * np.cos(angles)], 1)))


def _triangle(frame: Frame) -> Floats:
    return _polyline(frame, [np.array(p) for p in ((0, -0.72), (0.78, 0.62), (-0.78, 0.62), (0, -0.72))])


def _arrow(frame: Frame) -> Floats:
    shaft, head = ((-0.8, 0.0), (0.8, 0.0)), ((0.3, -0.45), (0.8, 0.0), (0.3, 0.45))
    return np.minimum(*(_polyline(frame, [np.array(p) for p in line]) for line in (shaft, head)))


def _polyline(frame: Frame, points: list[np.ndarray]) -> Floats:
    pieces = [segment(frame, np.array(a), np.array(b)) for a, b in pairwise(points)]
    nearest: Floats = np.min(pieces, 0)
    return nearest


SIGNS: dict[str, Callable[[Frame], Floats]] = {
    "ring": _ring,
    "heart": _heart,
    "star": _star,
    "triangle": _triangle,
    "arrow": _arrow,
}


def neon(frame: Frame, tint: str, sign: str) -> Floats:
    """A thin bright tube and its light."""
    rng, shade = frame.rng, varied(colour(tint), frame.rng, 0.02)
    away, wide = SIGNS[sign](frame), rng.uniform(0.022, 0.034)
    light = smooth(1 - away / (2 * wide), 0, 0.8)
    air = 0.45 * np.exp(-away / rng.uniform(0.07, 0.11)) + 0.12 * np.exp(-away / 0.25)
    layer = glowing(np.clip(np.maximum(0.75 * light, air * smooth(1.15 - frame.away(0, 0), 0, 0.4)), 0, 1), shade)
    return painted(layer, frame.cover(away - 0.45 * wide, 0.01), mixed(shade, 1.0, 0.85))


def orb(frame: Frame, tint: str) -> Floats:
    """A ball of light with wisps in it."""
    rng, shade = frame.rng, varied(colour(tint), frame.rng, 0.03)
    size, away = rng.uniform(0.4, 0.52), frame.away(0, 0)
    core = smooth(1 - away / size, 0, 0.9) * (0.75 + 0.35 * frame.noise(4, 3))
    halo = 0.65 * np.exp(-((away / (size * 1.15)) ** 2)) * smooth(1 - away, 0, 0.4)
    rays = 0.12 * np.cos(np.arctan2(frame.y, frame.x) * rng.integers(5, 9) + 3 * frame.noise(3, 2)) * halo
    return glowing(np.clip(np.maximum(core, halo) + rays, 0, 1).astype(np.float32), shade)


def twinkles(frame: Frame, tint: str) -> Floats:
    """Small four-pointed stars."""
    rng, light = frame.rng, np.zeros_like(frame.x)
    for _ in range(rng.integers(5, 12)):
        x, y, size = *rng.uniform(-0.78, 0.78, 2), rng.uniform(0.08, 0.26)
        for angle in (0, np.pi / 2, np.pi, -np.pi / 2):
            light = np.maximum(light, streak(frame, (x, y), angle, size, 0.03))
    light = np.clip(light + 0.5 * blurred(light, frame.side / 32), 0, 1)
    return glowing(light.astype(np.float32), varied(colour(tint), rng, 0.03))
