"""Layered pairs: a cut-out laid over a background so that both belong together.

The cut-out is scaled and placed within the picture, takes on some of the light of what it lies on, and may cast a
contact shadow, which is part of its own layer. Pictures are (H, W, 4) straight or (H, W, 3), float32, 0..1, sRGB.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from acetate_engine.compositing.alpha import over, to_float
from acetate_engine.compositing.pixels import Floats
from acetate_engine.training.compose import flip, place
from acetate_engine.training.config import Frozen
from acetate_engine.training.datasets import Bytes
from acetate_engine.training.translucent.effects import blur, flat, glass, glow, smoke

EFFECTS: dict[str, Callable[[Floats, np.random.Generator], Floats]] = {
    "made of glass": glass,
    "made of smoke": smoke,
    "glowing": glow,
}


class CompositionConfig(Frozen):
    """How cut-outs are laid over backgrounds."""

    scale: tuple[float, float] = (0.65, 1.0)  # of the cut-out's own size
    light: float = 0.35  # how much of the surroundings' light is taken on, 0..1
    shadow_share: float = 0.5  # cut-outs with a contact shadow
    effect_share: float = 0.1  # cut-outs turned into glass, smoke or glow
    moved: bool = True  # scaled, shifted and mirrored; a base that knows its objects in one place cannot follow that


@dataclass(frozen=True)
class Layered:
    """One picture in layers."""

    foreground: Floats  # (H, W, 4)
    background: Floats  # (H, W, 3)
    effect: str = ""  # what the cut-out was turned into, as its caption ends
    whole: Floats | None = None  # (H, W, 3), where the blended picture is more than one over the other

    @property
    def blended(self) -> Floats:
        """(H, W, 3)"""
        return over(self.foreground, self.background) if self.whole is None else self.whole


def lay(cutout: Bytes, background: Bytes, rng: np.random.Generator, config: CompositionConfig) -> Layered:
    """One composition at random; `cutout` (H, W, 4) and `background` (H, W, 3) as in the data."""
    below = to_float(background)
    layer = to_float(placed(flip(cutout, rng), rng, config.scale) if config.moved else cutout)
    effect = ""
    if rng.random() < config.effect_share:
        effect = list(EFFECTS)[rng.integers(len(EFFECTS))]
        layer = EFFECTS[effect](layer, rng).astype(np.float32)
    layer = harmonised(layer, below, config.light)
    if not effect and rng.random() < config.shadow_share:
        layer = with_contact_shadow(layer, rng.uniform(0.25, 0.6))
    return Layered(layer, below, effect)


def placed(cutout: Bytes, rng: np.random.Generator, scale: tuple[float, float]) -> Bytes:
    """Scaled, and moved so that all of it stays in the picture: rather down, where things stand, than up."""
    size = rng.uniform(*scale)
    side = len(cutout)
    rows, columns = (np.flatnonzero(cutout[..., 3].any(axis)) for axis in (1, 0))
    if not len(rows):
        return cutout
    up, down = _room(rows, side, size)
    left, right = _room(columns, side, size)
    return place(cutout, size, rng.uniform(-left, right), rng.uniform(-0.3 * up, down))


def _room(occupied: np.ndarray, side: int, scale: float) -> tuple[float, float]:
    """How far occupied rows (or columns), scaled about the middle, may move up and down: shares of the side."""
    first = 0.5 + (occupied[0] / side - 0.5) * scale
    last = 0.5 + ((occupied[-1] + 1) / side - 0.5) * scale
    return max(0.0, first), max(0.0, 1 - last)


def harmonised(layer: Floats, background: Floats, strength: float) -> Floats:
    """Colours multiplied towards the light of what the layer lies on: mid-grey surroundings change nothing."""
    around = blur(layer[..., 3], 12)[..., None] + np.float32(1e-3)
    light = (background * around).sum((0, 1)) / around.sum()
    gain = (1 + strength * (2 * light - 1)).astype(np.float32)
    return np.concatenate([np.clip(layer[..., :3] * gain, 0, 1), layer[..., 3:]], -1)


def with_contact_shadow(layer: Floats, strength: float) -> Floats:
    """A flat dark ellipse below, where the layer touches the ground."""
    solid = layer[..., 3] > 0.5
    if not solid.any():
        return layer
    rows = np.flatnonzero(solid.any(1))
    foot = rows[-1] - max(2, (rows[-1] - rows[0]) // 6)
    columns = np.flatnonzero(solid[foot:].any(0))
    centre, half = columns.mean(), max(4.0, 0.6 * (columns[-1] - columns[0] + 1))
    y, x = np.mgrid[: len(layer), : len(layer)]
    distance = ((x - centre) / half) ** 2 + ((y - rows[-1]) / (0.25 * half)) ** 2
    shadow = blur(np.clip(1 - distance, 0, 1).astype(np.float32) * np.float32(strength), 1.5)
    return over(layer, flat(shadow, np.zeros(3, np.float32)))
