"""Fire and its light: flames, candles, campfires, sparks. Light is a layer whose alpha is how strong it is."""

from __future__ import annotations

import numpy as np

from acetate_engine.compositing.alpha import over
from acetate_engine.compositing.pixels import Floats
from acetate_engine.training.translucent.frame import (
    Colour,
    Frame,
    Strokes,
    blurred,
    colour,
    glowing,
    mixed,
    painted,
    ramp,
    smooth,
    varied,
)

_WOOD = np.array([0.36, 0.22, 0.12], np.float32)


def heat(shade: Colour) -> list[tuple[float, Colour]]:
    """From the edge of a flame of this colour to its core."""
    orange = shade[0] > 0.8 and shade[2] < 0.2
    outer = np.array([0.86, 0.16, 0.04], np.float32) if orange else mixed(shade, 0.0, 0.25)
    warm = np.array([1.0, 0.9, 0.5], np.float32)
    inner = mixed(shade, warm, 0.5) if orange else shade
    return [(0.0, outer), (0.35, shade), (0.65, inner), (0.68, mixed(shade, 1.0, 0.45)), (1.0, mixed(shade, 1.0, 0.88))]


def tongue(frame: Frame, x: float, foot: float, height: float, width: float) -> Floats:
    """How hot it is, 0..1 and above: a drop with its point upwards, which sways more the higher it is."""
    rng = frame.rng
    up = np.clip((foot - frame.y) / height, 0, 1.2)
    sway = up**1.5 * (rng.uniform(-0.16, 0.16) + 0.09 * np.sin(up * rng.uniform(4, 8) + rng.uniform(0, 6)))
    half = width * np.sin(np.pi * np.clip(up, 0, 1) ** 0.5).clip(0, 1) ** 0.9 * (1 - up).clip(0, 1) ** 0.35 + 1e-3
    across = np.abs(frame.x - x - sway - 0.10 * (frame.noise(5, 3) - 0.5) * up) / half
    below = smooth(foot - frame.y, -0.05, 0.08) * (up < 1)
    return (np.clip(1 - across, 0, 1) * below).astype(np.float32)


def burning(frame: Frame, hot: Floats, shade: Colour) -> Floats:
    """A layer of fire from how hot it is: thin at the edge, dense within."""
    torn = hot * (0.72 + 0.5 * frame.noise(5, 3))
    alpha = smooth(torn, 0.02, 0.45) * (0.86 + 0.14 * smooth(torn, 0.3, 0.8))
    halo = glowing(np.clip(0.4 * blurred(hot, frame.side / 14), 0, 1), mixed(shade, 0.0, 0.05))
    return over(np.dstack([ramp(torn, heat(shade)), alpha]).astype(np.float32), halo)


def flame(frame: Frame, tint: str) -> Floats:
    """One of several tongues."""
    rng = frame.rng
    hot = tongue(frame, 0, 0.88, rng.uniform(1.55, 1.8), rng.uniform(0.42, 0.56))
    for _ in range(rng.integers(2, 5)):
        x = rng.uniform(-0.32, 0.32)
        hot = np.maximum(hot, tongue(frame, x, 0.86, rng.uniform(0.7, 1.3), rng.uniform(0.18, 0.3)))
    return burning(frame, hot, varied(colour(tint), rng, 0.03))


def candle(frame: Frame, tint: str) -> Floats:
    """Wax is solid, flame and light are not."""
    rng = frame.rng
    half, top = rng.uniform(0.14, 0.24), rng.uniform(0.0, 0.25)
    shade = varied(colour(tint), rng, 0.03)
    glow = np.exp(-((frame.away(0, top - 0.38) / rng.uniform(0.38, 0.5)) ** 2)) * rng.uniform(0.35, 0.55)
    layer = glowing(glow.astype(np.float32), np.array([1.0, 0.72, 0.30], np.float32))
    wobble = 0.03 * np.sin(frame.x * 14 + rng.uniform(0, 6))
    body = np.maximum(np.abs(frame.x) - half, np.maximum(top + wobble - frame.y, frame.y - 0.93))
    lit = np.clip(1.0 - 0.35 * (frame.x / half) ** 2 + 0.35 * smooth(top + 0.35 - frame.y, 0, 0.35), 0, 1.2)
    layer = painted(layer, frame.cover(body), np.clip(shade * lit[..., None], 0, 1).astype(np.float32))
    wick = Strokes(frame)
    wick.line(np.array([[0, top + 0.03], [0.01, top - 0.1]]), 0.03, np.array([0.15, 0.1, 0.08], np.float32))
    layer = over(wick.layer(), layer)
    hot = tongue(frame, 0, top - 0.06, rng.uniform(0.5, 0.68), rng.uniform(0.13, 0.17))
    return over(burning(frame, hot, colour("orange")), layer)


def campfire(frame: Frame, tint: str) -> Floats:
    """Flames before and behind crossed logs, sparks above."""
    rng, shade = frame.rng, varied(colour(tint), frame.rng, 0.03)
    hot = tongue(frame, 0, 0.68, rng.uniform(1.25, 1.5), rng.uniform(0.4, 0.5))
    for x in rng.uniform(-0.42, 0.42, 4):
        hot = np.maximum(hot, tongue(frame, x, 0.7, rng.uniform(0.6, 1.1), rng.uniform(0.16, 0.26)))
    logs = Strokes(frame)
    for start, end in (((-0.62, 0.84), (0.5, 0.62)), ((0.62, 0.86), (-0.5, 0.6)), ((-0.3, 0.9), (0.36, 0.84))):
        points = np.linspace(start, end, 2) + rng.normal(0, 0.02, (2, 2))
        bark = varied(_WOOD, rng, 0.02)
        logs.line(points, 0.17, mixed(bark, 0.0, 0.35))
        logs.line(points - [0, 0.025], 0.1, bark)
    layer = over(logs.layer(), burning(frame, hot, shade))
    front = tongue(frame, rng.uniform(-0.1, 0.1), 0.86, rng.uniform(0.5, 0.8), rng.uniform(0.28, 0.4))
    layer = over(burning(frame, front, shade), layer)
    return over(_dots(frame, shade, int(rng.integers(5, 14)), (-0.5, 0.5), (-0.9, 0.0), 0.018), layer)


def _dots(
    frame: Frame, shade: Colour, count: int, x: tuple[float, float], y: tuple[float, float], size: float
) -> Floats:
    light = np.zeros_like(frame.x)
    for _ in range(count):
        away = frame.away(frame.rng.uniform(*x), frame.rng.uniform(*y)) / (size * frame.rng.uniform(0.6, 1.6))
        light = np.maximum(light, np.exp(-(away**2)) + 0.25 * np.exp(-((away / 3) ** 2)))
    return glowing(np.clip(light, 0, 1).astype(np.float32), shade)


def sparks(frame: Frame, tint: str) -> Floats:
    """Flying from one place, each with a tail."""
    rng, light = frame.rng, np.zeros_like(frame.x)
    origin = rng.uniform(-0.15, 0.15), rng.uniform(0.1, 0.5)
    for _ in range(rng.integers(24, 46)):
        angle, far = rng.normal(-np.pi / 2, 0.9), rng.uniform(0.25, 1.25)
        ahead = np.array([np.cos(angle), np.sin(angle)])
        x, y = origin[0] + ahead[0] * far, origin[1] + ahead[1] * far + 0.25 * far**2
        light = np.maximum(light, streak(frame, (x, y), angle, rng.uniform(0.06, 0.2), rng.uniform(0.008, 0.02)))
    shade = varied(colour(tint), rng, 0.03)
    heart = 0.6 * np.exp(-((frame.away(*origin) / rng.uniform(0.18, 0.3)) ** 2))
    halo = 0.5 * blurred(light, frame.side / 40)
    return glowing(np.clip(np.maximum(light, heart) + halo, 0, 1).astype(np.float32), shade)


def streak(frame: Frame, head: tuple[float, float], angle: float, length: float, width: float) -> Floats:
    """A bright head with a tail that runs out behind it."""
    x, y = frame.x - head[0], frame.y - head[1]
    along, across = -(x * np.cos(angle) + y * np.sin(angle)) / length, np.abs(x * np.sin(angle) - y * np.cos(angle))
    tail = np.clip(1 - along, 0, 1) * (along > -width / length)
    return (tail * np.exp(-((across / (width * (0.4 + 0.6 * tail) + 1e-4)) ** 2))).astype(np.float32)
