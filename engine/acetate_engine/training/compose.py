"""Composition and augmentation of training pictures; pixels sRGB, alpha straight unless a name says otherwise."""

from __future__ import annotations

import numpy as np
from PIL import Image

from acetate_engine.compositing.alpha import over, to_eight, to_float
from acetate_engine.compositing.pixels import Floats
from acetate_engine.training.datasets import Bytes


def vae_feed(rgba: Floats) -> Floats:
    """Straight RGBA (..., H, W, 4) in 0..1 -> (2 rgb - 1) alpha in -1..1: the picture premultiplied onto mid-grey."""
    return (2 * rgba[..., :3] - 1) * rgba[..., 3:]


def over_ground(pixels: Bytes, ground: Bytes | float) -> Bytes:
    """Straight RGBA (..., H, W, 4) over RGB or one grey, 0..255 -> uint8 RGB."""
    below = np.broadcast_to(np.asarray(ground, np.float32) / np.float32(255), (*pixels.shape[:-1], 3))
    return to_eight(over(to_float(pixels), below))


def flip(pixels: Bytes, rng: np.random.Generator) -> Bytes:
    """Mirror left to right half of the time."""
    return pixels[:, ::-1] if rng.random() < 0.5 else pixels


def place(rgba: Bytes, scale: float, dx: float, dy: float) -> Bytes:
    """Scale a square cut-out about its centre and shift it by shares of its side; resampled premultiplied."""
    side = rgba.shape[0]
    size = max(1, round(side * scale))
    small = Image.fromarray(rgba, "RGBA").convert("RGBa").resize((size, size), Image.Resampling.BICUBIC)
    canvas = Image.new("RGBa", (side, side))
    canvas.paste(small, (round((side - size) / 2 + dx * side), round((side - size) / 2 + dy * side)))
    return np.asarray(canvas.convert("RGBA"))


def to_nchw(pixels: Floats) -> Floats:
    """(N, H, W, C) -> contiguous (N, C, H, W)."""
    return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
