"""Synthetic glass, smoke, glow and soft shadow, for real cut-outs hold little that is truly translucent.

Pictures are (H, W, 4) float32, straight alpha, sRGB, 0..1.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageFilter

from acetate_engine.compositing.alpha import over
from acetate_engine.compositing.pixels import Floats

PaintEffect = Callable[[Floats, np.random.Generator], Floats]


def blur(alpha: Floats, radius: float) -> Floats:
    """Gaussian blur of (H, W) in 0..1; `radius` in pixels."""
    picture = Image.fromarray((alpha * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(radius))
    return np.asarray(picture, np.float32) / np.float32(255)


def clouds(side: int, rng: np.random.Generator) -> Floats:
    """(side, side) of smooth noise in 0..1, four octaves."""
    total = np.zeros((side, side), np.float32)
    for octave in range(2, 6):
        cells = Image.fromarray(rng.random((2**octave, 2**octave), np.float32))
        total += np.asarray(cells.resize((side, side), Image.Resampling.BICUBIC)) / 2 ** (octave - 2)
    low, high = float(total.min()), float(total.max())
    return (total - low) / (high - low)


def flat(alpha: Floats, colour: Floats) -> Floats:
    """(H, W) alpha of one colour."""
    rgb = np.broadcast_to(colour.astype(np.float32), (*alpha.shape, 3))
    return np.concatenate([rgb, alpha[..., None]], -1)


def glass(rgba: Floats, rng: np.random.Generator) -> Floats:
    """A see-through body with a denser rim."""
    alpha = rgba[..., 3]
    rim = np.clip(alpha - blur(alpha, rng.uniform(2, 8)), 0, 1) * 2
    body = rng.uniform(0.1, 0.7)
    return np.concatenate([rgba[..., :3], (alpha * np.clip(body + rim, 0, 1))[..., None]], -1)


def smoke(rgba: Floats, rng: np.random.Generator) -> Floats:
    """A drifting cloud of one soft colour; the cut-out gives its outline, or nothing."""
    side = len(rgba)
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j].astype(np.float32)
    ball = np.clip(1 - np.hypot(x / rng.uniform(0.5, 1), y / rng.uniform(0.5, 1)), 0, 1)
    outline = blur(rgba[..., 3], rng.uniform(5, 12)) if rng.random() < 0.5 else ball
    alpha = np.clip(outline * clouds(side, rng) ** rng.uniform(1, 2) * rng.uniform(1, 2.5), 0, 1)
    grey = rng.uniform(0.1, 1)
    return flat(alpha.astype(np.float32), np.clip(grey + rng.normal(0, 0.1, 3), 0, 1).astype(np.float32))


def glow(rgba: Floats, rng: np.random.Generator) -> Floats:
    """Light of a bright colour around the cut-out, which it may outlive."""
    colour = np.clip(rng.uniform(0.2, 1, 3) + np.eye(3)[rng.integers(3)], 0, 1).astype(np.float32)
    halo = flat(np.clip(blur(rgba[..., 3], rng.uniform(4, 14)) * rng.uniform(0.6, 1.5), 0, 1), colour)
    return halo if rng.random() < 0.3 else over(rgba, halo)


def shadow(rgba: Floats, rng: np.random.Generator) -> Floats:
    """A soft dark copy below and beside the cut-out."""
    moved = np.roll(rgba[..., 3], tuple(rng.integers(-10, 11, 2)), (0, 1))
    return over(rgba, flat(blur(moved, rng.uniform(2, 8)) * rng.uniform(0.3, 0.8), np.zeros(3, np.float32)))


def fade(rgba: Floats, rng: np.random.Generator) -> Floats:
    """Alpha that runs out towards one side."""
    ramp = np.clip(np.linspace(rng.uniform(-0.5, 0.5), rng.uniform(0.8, 1.5), len(rgba), dtype=np.float32), 0, 1)
    ramp = ramp if rng.random() < 0.5 else ramp[::-1]
    factor = ramp[:, None] if rng.random() < 0.5 else ramp[None, :]
    return np.concatenate([rgba[..., :3], (rgba[..., 3] * factor)[..., None]], -1)


EFFECTS: tuple[PaintEffect, ...] = (glass, smoke, glow, shadow, fade)


def translucent(rgba: Floats, rng: np.random.Generator) -> Floats:
    """One of the effects, at random."""
    return EFFECTS[rng.integers(len(EFFECTS))](rgba, rng).astype(np.float32)
