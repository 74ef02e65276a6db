"""Adjustments that psd-tools reads but does not draw."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from acetate_engine.documents.colour import Plane

Adjust = Callable[[Plane], Plane]


def channel_mixer(data: Any, planes: int) -> Adjust | None:
    """Rows of percent: of red, green, blue (and black in CMYK), then a constant; one row where it is monochrome."""
    rest = data.unknown[: len(data.unknown) // 2 * 2]
    values = [*data.data, *np.frombuffer(rest, ">i2").tolist()]
    if planes != 3 or len(values) < 5:
        return None
    rows = [values[5 * index : 5 * index + 5] for index in range(len(values) // 5)]
    if data.monochrome:
        rows = rows[:1] * 3
    if len(rows) < 3:
        return None
    matrix = np.array([row[:3] for row in rows[:3]], np.float32) / 100.0
    constant = np.array([row[4] for row in rows[:3]], np.float32) / 100.0
    return lambda colour: np.clip(colour @ matrix.T + constant, 0.0, 1.0).astype(np.float32)
