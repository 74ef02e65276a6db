"""Pictures of a known subject: its true alpha and colour over one of the sample paintings."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from acetate_engine.compositing.pixels import Floats

SIDE = 256
_SAMPLES = Path(__file__).parents[3] / "resources" / "samples"  # whatever resources a test is given


@cache
def backdrop(name: str = "dawn_lake") -> Floats:
    """(SIDE, SIDE, 3) in 0..1."""
    with Image.open(_SAMPLES / f"{name}.png") as picture:
        small = picture.convert("RGB").resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    return _kept(np.asarray(small, np.float32) / np.float32(255))


@cache
def toy(x: float = 0.5, y: float = 0.55, size: float = 0.22) -> Floats:
    """(SIDE, SIDE, 4) straight: a shaded red ball whose edge is soft, as out of focus."""
    rows, columns = (np.indices((SIDE, SIDE)) + 0.5) / SIDE
    alpha = ((size - np.hypot(columns - x, rows - y)) / 0.03 + 0.5).clip(0, 1)
    light = np.clip(1.1 - 2.2 * np.hypot(columns - x + size / 3, rows - y + size / 3), 0.25, 1)[..., None]
    return _kept(np.dstack([light * np.array([0.95, 0.15, 0.1]), alpha]).astype(np.float32))


def _kept(picture: Floats) -> Floats:
    """Other tests see the same: a change of it is an error."""
    picture.flags.writeable = False
    return picture


def scene(*toys: Floats, behind: str = "dawn_lake") -> Floats:
    """(SIDE, SIDE, 4), opaque."""
    seen = backdrop(behind)
    for each in toys or (toy(),):
        seen = each[..., :3] * each[..., 3:] + seen * (1 - each[..., 3:])
    return np.dstack([seen, np.ones((SIDE, SIDE), np.float32)]).astype(np.float32)


def pixels(picture: Floats) -> np.ndarray:
    """uint8."""
    return np.rint(picture * 255).astype(np.uint8)
