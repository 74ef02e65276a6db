"""Glass that holds something or stands for itself: bottles, wine glasses, flasks. Bodies of revolution."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from acetate_engine.compositing.pixels import Floats
from acetate_engine.training.translucent.frame import Colour, Frame, blurred, colour, mixed, painted, smooth, varied

Profile = Sequence[tuple[float, float]]  # (height, half width), from the top down


class Vessel:
    """A body whose half width is a function of the height; its walls are densest where one looks along them."""

    def __init__(self, frame: Frame, profile: Profile) -> None:
        heights, widths = (np.array(column) for column in zip(*profile, strict=True))
        self.frame, self.top, self.bottom = frame, float(heights[0]), float(heights[-1])
        fine = np.linspace(self.top, self.bottom, 200)
        rounded = np.convolve(np.pad(np.interp(fine, heights, widths), 6, "edge"), np.ones(13) / 13, "valid")
        self.half = np.interp(frame.y, fine, rounded).astype(np.float32)
        slope = np.interp(frame.y, fine, np.abs(np.gradient(rounded, fine))).astype(np.float32)
        side = (np.abs(frame.x) - self.half) / np.sqrt(1 + slope**2)
        self.distance = np.maximum(side, np.maximum(self.top - frame.y, frame.y - self.bottom))
        self.across = frame.x / np.maximum(self.half, 1e-3)  # -1..1 within

    def glass(self, tint: Colour, density: float) -> Floats:
        """The body alone: `density` is the alpha of its middle."""
        frame, inside = self.frame, self.frame.cover(self.distance)
        wall = np.clip(np.abs(self.across), 0, 1) ** 5
        alpha = inside * np.clip(density + 0.5 * wall + 0.08 * (frame.noise(3, 2) - 0.5), 0, 1)
        layer = painted(frame.empty(), alpha, tint)
        edge = frame.line(self.distance + 0.012, 0.022, 0.012)
        return painted(layer, 0.75 * edge * inside, mixed(tint, 0.12 if density > 0.2 else 0.35, 0.5))

    def filled(self, layer: Floats, level: float, shade: Colour, density: float) -> Floats:
        """With a liquid up to a height, and the ellipse of its surface."""
        frame = self.frame
        within = frame.cover(self.distance + 0.045)
        below = frame.cover(level - frame.y)
        depth = np.clip((1 - self.across**2), 0, 1) ** 0.5
        layer = painted(layer, within * below * np.clip(density * (0.72 + 0.28 * depth), 0, 1), shade)
        radius = float(np.interp(level, frame.y[:, frame.side // 2], self.half[:, frame.side // 2])) - 0.045
        surface = frame.cover(np.hypot(frame.x / max(radius, 0.02), (frame.y - level) / 0.045) * 0.05 - 0.05)
        return painted(layer, 0.75 * surface * within, mixed(shade, 1.0, 0.35))

    def lit(self, layer: Floats, strength: float = 0.75) -> Floats:
        """With reflections of a window at the left, and a weaker one at the right."""
        frame, rng = self.frame, self.frame.rng
        inside = frame.cover(self.distance + 0.05)
        at, width = rng.uniform(-0.68, -0.52), rng.uniform(0.10, 0.18)
        streak = np.exp(-(((self.across - at) / width) ** 2) * 2)
        broken = smooth(np.sin(frame.y * rng.uniform(2.5, 4) + rng.uniform(0, 6)), -0.75, -0.2)
        other = 0.4 * np.exp(-(((self.across - 0.74) / 0.07) ** 2) * 2)
        shine = blurred((inside * np.clip(streak * broken + other, 0, 1)).astype(np.float32), 0.8)
        return painted(layer, strength * shine, np.ones(3, np.float32))


def bottle(frame: Frame, tint: str, content: str = "") -> Floats:
    """With a neck of its own length, a belly of its own width, and sometimes a cork."""
    rng = frame.rng
    belly, neck, shoulder = rng.uniform(0.26, 0.40), rng.uniform(0.085, 0.12), rng.uniform(-0.35, 0.02)
    profile = [
        (-0.95, neck + 0.03), (-0.89, neck + 0.03), (-0.87, neck), (shoulder - 0.25, neck * 1.1),
        (shoulder, belly * 0.9), (shoulder + 0.12, belly), (0.86, belly), (0.95, belly * 0.86),
    ]  # fmt: skip
    vessel, shade = Vessel(frame, profile), varied(colour(tint), rng)
    layer = frame.empty()
    if rng.random() < 0.35:
        cork = np.maximum(np.abs(frame.x) - neck * 0.9, np.abs(frame.y + 0.95) - 0.07)
        layer = painted(layer, frame.cover(cork), varied(np.array([0.72, 0.53, 0.33], np.float32), rng))
    clear = tint == "clear"
    body = vessel.glass(shade, rng.uniform(0.12, 0.22) if clear else rng.uniform(0.42, 0.62))
    layer = painted(layer, body[..., 3], body[..., :3])
    if content:
        layer = vessel.filled(layer, rng.uniform(-0.1, 0.3), varied(colour(content), rng), rng.uniform(0.6, 0.8))
    return vessel.lit(layer)


def wine_glass(frame: Frame, content: str = "") -> Floats:
    """A bowl on a stem on a foot."""
    rng = frame.rng
    bowl, waist, rim = rng.uniform(0.36, 0.48), rng.uniform(0.02, 0.2), rng.uniform(0.75, 0.95)
    profile = [
        (-0.93, bowl * rim), (-0.55, bowl), (waist - 0.25, bowl * 0.85), (waist, 0.09), (waist + 0.08, 0.035),
        (0.78, 0.035), (0.86, 0.12), (0.90, bowl * 0.78), (0.94, bowl * 0.8),
    ]  # fmt: skip
    vessel = Vessel(frame, profile)
    layer = vessel.glass(varied(colour("clear"), rng, 0.02), rng.uniform(0.08, 0.16))
    if content:
        shade, density = LIQUIDS[content]
        level = rng.uniform(-0.6, -0.3)
        bowl_alone = frame.cover(frame.y - waist)
        full = vessel.filled(layer, level, varied(np.array(shade, np.float32), rng, 0.02), density)
        layer = np.where(bowl_alone[..., None] > 0.5, full, layer)
    rim_line = frame.line(np.hypot(frame.x / (bowl * rim), (frame.y + 0.93) / 0.05) * 0.06 - 0.06, 0.012, 0.01)
    return vessel.lit(painted(layer, 0.6 * rim_line, mixed(colour("clear"), 1.0, 0.6)))


def jar(frame: Frame, content: str) -> Floats:
    """A round flask with a short neck, filled."""
    rng = frame.rng
    belly, low = rng.uniform(0.55, 0.72), rng.uniform(0.2, 0.32)
    angles = np.linspace(-0.32 * np.pi, 0.44 * np.pi, 12)
    round_ = [(low + belly * float(np.sin(a)), belly * float(np.cos(a))) for a in angles]
    vessel = Vessel(frame, [(-0.93, 0.21), (-0.86, 0.21), (-0.84, 0.15), (round_[0][0] - 0.06, 0.16), *round_])
    layer = vessel.glass(varied(colour("clear"), rng, 0.02), rng.uniform(0.1, 0.18))
    layer = vessel.filled(layer, rng.uniform(-0.1, 0.25), varied(colour(content), rng), rng.uniform(0.55, 0.75))
    return vessel.lit(_bubbled(frame, layer, vessel, int(rng.integers(3, 9))))


def _bubbled(frame: Frame, layer: Floats, vessel: Vessel, count: int) -> Floats:
    """Small bubbles rise in it."""
    for _ in range(count):
        away = frame.away(frame.rng.uniform(-0.4, 0.4), frame.rng.uniform(0.3, 0.7)) - frame.rng.uniform(0.015, 0.05)
        ring = frame.line(away, 0.012, 0.01) * frame.cover(vessel.distance + 0.1)
        layer = painted(layer, 0.6 * ring, np.ones(3, np.float32))
    return layer


LIQUIDS: dict[str, tuple[tuple[float, float, float], float]] = {
    "red wine": ((0.42, 0.03, 0.10), 0.86),
    "white wine": ((0.93, 0.86, 0.45), 0.45),
    "rose wine": ((0.96, 0.55, 0.52), 0.5),
    "water": ((0.75, 0.88, 0.95), 0.28),
    "orange juice": ((0.98, 0.62, 0.10), 0.92),
    "blue lemonade": ((0.20, 0.55, 0.95), 0.6),
}
