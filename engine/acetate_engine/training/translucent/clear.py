"""Clear bodies without a content: spheres, panes, lenses, soap bubbles, ice, drops of water."""

from __future__ import annotations

import colorsys

import cv2
import numpy as np

from acetate_engine.compositing.pixels import Floats
from acetate_engine.training.translucent.frame import Colour, Frame, blurred, colour, mixed, painted, smooth, varied

WHITE = np.ones(3, np.float32)


def sphere(frame: Frame, tint: str) -> Floats:
    """Glass all through: light gathers at the lower right, a window shines at the upper left."""
    rng, radius = frame.rng, 0.9
    away = frame.away(0, 0)
    inside, depth = frame.cover(away - radius), np.clip(away / radius, 0, 1)
    shade = varied(colour(tint), rng)
    low = 0.16 if tint == "clear" else rng.uniform(0.32, 0.5)
    layer = painted(frame.empty(), inside * np.clip(low + 0.5 * depth**4, 0, 1), mixed(shade, 0.08, 0.25))
    caustic = smooth(1 - frame.away(0.32, 0.38) / rng.uniform(0.4, 0.6), 0, 1)
    layer = painted(layer, inside * 0.7 * caustic, mixed(shade, 1.0, 0.6))
    rim = smooth(depth, 0.86, 1.0) * inside
    layer = painted(layer, 0.45 * rim, mixed(shade, 0.05, 0.55))
    window = np.exp(-((frame.away(-0.36, -0.42, 1.3) / rng.uniform(0.16, 0.24)) ** 2))
    point = np.exp(-((frame.away(-0.46, -0.5) / 0.06) ** 2))
    return painted(layer, np.clip(0.8 * window + point, 0, 1).astype(np.float32) * inside, WHITE)


def pane(frame: Frame, tint: str) -> Floats:
    """A flat sheet with bright edges and slanting reflections."""
    rng = frame.rng
    width, height = rng.uniform(0.6, 0.88), rng.uniform(0.7, 0.9)
    distance = np.maximum(np.abs(frame.x) - width, np.abs(frame.y) - height)
    inside, shade = frame.cover(distance), varied(colour(tint), rng, 0.03)
    density = rng.uniform(0.12, 0.2) if tint == "clear" else rng.uniform(0.35, 0.55)
    layer = painted(frame.empty(), inside * density * (0.85 + 0.3 * frame.noise(2, 2)), shade)
    slant = frame.x + frame.y * rng.uniform(0.5, 0.9)
    for at, broad in ((rng.uniform(-0.6, -0.2), 0.16), (rng.uniform(0.1, 0.5), 0.06)):
        band = smooth(1 - np.abs(slant - at) / broad, 0, 0.5)
        layer = painted(layer, inside * band * rng.uniform(0.3, 0.5), WHITE)
    layer = painted(layer, 0.7 * frame.line(distance + 0.02, 0.035) * inside, mixed(shade, 1.0, 0.55))
    return painted(layer, 0.5 * frame.line(distance + 0.06, 0.02) * inside, mixed(shade, 0.1, 0.4))


def lens(frame: Frame, rim: str) -> Floats:
    """A magnifying glass: a thin lens in a solid rim on a solid handle."""
    rng = frame.rng
    away = frame.away(-0.22, -0.24) - 0.62
    along = (frame.x + frame.y) / np.sqrt(2) - rng.uniform(0.72, 0.8)
    handle = np.maximum(np.abs(frame.x - frame.y) / np.sqrt(2) - 0.085, np.abs(along) - 0.42)
    shade = varied(colour(rim), rng)
    grip = mixed(shade, 0.0, 0.35) * (1 - 0.5 * np.clip((frame.x - frame.y)[..., None] * 4, -0.5, 0.5))
    layer = painted(frame.empty(), frame.cover(handle), grip.clip(0, 1).astype(np.float32))
    inside = frame.cover(away)
    layer = painted(layer, inside * (0.14 + 0.25 * np.clip(1 + away / 0.62, 0, 1) ** 4), colour("clear"))
    shine = smooth(1 - np.abs(frame.away(-0.05, -0.02) - 0.62) / 0.1, 0, 1) * smooth(-frame.x - frame.y, 0.4, 0.9)
    layer = painted(layer, 0.7 * shine * inside, WHITE)
    metal = shade[None, None] * (0.75 + 0.4 * smooth(-frame.x - frame.y, -1, 1))[..., None]
    return painted(layer, frame.line(away, 0.13), metal.clip(0, 1).astype(np.float32))


def bubbles(frame: Frame, count: int, tint: str = "") -> Floats:
    """Thin films: hardly anything in the middle, all colours at the rim."""
    layer, rng = frame.empty(), frame.rng
    for x, y, radius in _apart(count, rng):
        away = frame.away(x, y) / radius
        inside, angle = frame.cover((away - 1) * radius), np.arctan2(frame.y - y, frame.x - x)
        film = _iridescent(away * 1.2 + 0.15 * np.sin(angle * 2 + rng.uniform(0, 6)) + 0.25 * frame.noise(3, 2))
        if tint:
            film = (0.45 * film + 0.55 * varied(colour(tint), rng)).astype(np.float32)
        rim = 0.05 + 0.3 * smooth(away, 0.55, 0.95) + 0.4 * smooth(away, 0.88, 1.0)
        layer = painted(layer, inside * rim, film)
        shine = np.exp(-((np.hypot((away - 0.72) / 0.1, (angle + 2.3) / 0.32)) ** 2))
        back = 0.55 * np.exp(-((np.hypot((away - 0.78) / 0.07, (angle - 0.8) / 0.3)) ** 2))
        layer = painted(layer, 0.95 * np.clip(shine + back, 0, 1).astype(np.float32) * inside, WHITE)
    return layer


def _apart(count: int, rng: np.random.Generator) -> list[tuple[float, float, float]]:
    """Circles (x, y, radius) within the frame that do not overlap; fewer where no more fit."""
    if count == 1:
        return [(0.0, 0.0, 0.9)]
    found: list[tuple[float, float, float]] = []
    for _ in range(300):
        radius = rng.uniform(0.16, 0.75) / np.sqrt(count) + 0.06
        x, y = rng.uniform(radius - 0.95, 0.95 - radius, 2)
        if all(np.hypot(x - a, y - b) > radius + r for a, b, r in found):
            found.append((float(x), float(y), float(radius)))
        if len(found) == count:
            break
    return found


def _iridescent(phase: Floats) -> Floats:
    """The pale colours of a thin film."""
    wheel = np.array([colorsys.hls_to_rgb(h, 0.74, 0.75) for h in np.linspace(0, 1, 64, endpoint=False)], np.float32)
    found: Floats = wheel[(np.mod(phase, 1) * 64).astype(int) % 64]
    return found


def ice(frame: Frame, count: int, tint: str = "clear") -> Floats:
    """Cubes seen from a corner, cloudy inside."""
    layer, rng = frame.empty(), frame.rng
    places = [(0.0, 0.0)] if count == 1 else [(-0.42, 0.3), (0.42, 0.36), (0.0, -0.4)][:count]
    for x, y in places:
        layer = _cube(frame, layer, x, y, 0.86 if count == 1 else 0.5, varied(colour(tint), rng, 0.02))
    return layer


def _cube(frame: Frame, layer: Floats, x: float, y: float, size: float, shade: Colour) -> Floats:
    rng, turn = frame.rng, frame.rng.uniform(0.35, 0.65)
    corner = [np.array([np.cos(a), np.sin(a) * 0.95]) * size for a in np.pi / 3 * np.arange(6) + turn]
    middle, clouds = np.array([0.0, 0.04]) * size, frame.noise(4, 4)
    faces = ([corner[3], corner[4], corner[5], middle], [corner[5], corner[0], corner[1], middle],
             [corner[1], corner[2], corner[3], middle])  # fmt: skip
    for face, light in zip(faces, (0.95, 0.45, 0.68), strict=True):
        cover = _polygon(frame, np.add(face, (x, y)))
        blue = mixed(shade, np.array([0.45, 0.68, 0.85], np.float32), 1 - light)
        layer = painted(layer, cover * np.clip(0.28 + 0.25 * (1 - light) + 0.45 * smooth(clouds, 0.5, 0.9), 0, 1), blue)
        inner = cover - _polygon(frame, (np.array(face) - np.mean(face, 0)) * 0.9 + np.mean(face, 0) + (x, y))
        layer = painted(layer, 0.65 * np.clip(inner, 0, 1), WHITE)
    shine = np.exp(-((frame.away(x - 0.1 * size, y - 0.55 * size, 2.5) / (0.1 * size)) ** 2))
    return painted(layer, rng.uniform(0.5, 0.8) * shine.astype(np.float32), WHITE)


def _polygon(frame: Frame, points: np.ndarray) -> Floats:
    pixels = points @ frame.matrix[:, :2].T + frame.matrix[:, 2]
    mask = np.zeros((frame.side * 4,) * 2, np.uint8)
    cv2.fillPoly(mask, [np.rint((pixels + 0.5) * 4).astype(np.int32)], 255)
    small: Floats = cv2.resize(mask.astype(np.float32) / 255, (frame.side,) * 2, interpolation=cv2.INTER_AREA)
    return small


def drops(frame: Frame, count: int, tint: str = "clear") -> Floats:
    """One falling drop, or several that lie on something."""
    rng, layer = frame.rng, frame.empty()
    shade = mixed(varied(colour(tint), rng, 0.02), np.array([0.55, 0.78, 0.95], np.float32), 0.5 * (tint == "clear"))
    if count == 1:
        rise = np.clip((frame.y + 0.92) / 1.0, 0, 1) ** rng.uniform(1.3, 1.8)  # narrow above
        body = np.where(frame.y < 0.25, np.abs(frame.x) - 0.62 * rise, frame.away(0, 0.25) - 0.62)
        return _drop(frame, layer, np.maximum(body, -0.92 - frame.y) * 0.8, (0.0, 0.25), 0.62, shade)
    for x, y, radius in _apart(count, rng):
        wobble = 1 + 0.1 * np.sin(2 * np.arctan2(frame.y - y, frame.x - x) + rng.uniform(0, 6))
        layer = _drop(frame, layer, frame.away(x, y) - radius * wobble, (x, y), radius, shade)
    return layer


def _drop(
    frame: Frame, layer: Floats, distance: Floats, middle: tuple[float, float], size: float, tint: Colour
) -> Floats:
    inside, (x, y) = frame.cover(distance), middle
    rim = smooth(distance, -0.55 * size, 0)
    layer = painted(layer, inside * (0.2 + 0.4 * rim), mixed(tint, 0.1, 0.3))
    caustic = smooth(1 - frame.away(x + 0.2 * size, y + 0.35 * size) / (0.75 * size), 0, 1)
    layer = painted(layer, inside * 0.6 * caustic, mixed(tint, 1.0, 0.75))
    shine = np.exp(-((frame.away(x - 0.35 * size, y - 0.35 * size) / (0.16 * size)) ** 2))
    edge = blurred(frame.line(distance + 0.012, 0.02), 0.6) * inside
    layer = painted(layer, 0.5 * edge, mixed(tint, 0.05, 0.45))
    return painted(layer, 0.95 * shine.astype(np.float32) * inside, WHITE)
