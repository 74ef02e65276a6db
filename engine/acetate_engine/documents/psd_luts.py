"""Levels and curves of Photoshop: a table for each channel, then one for all, in whole steps of the depth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from acetate_engine.documents.colour import Plane

Adjust = Callable[[Plane], Plane]
Table = NDArray[Any]


def levels(data: Any, planes: int, depth: int) -> tuple[Adjust, bool]:
    """Whether it is exact, too: Photoshop bends the middle of its gamma otherwise than a power."""
    records = [*data[: planes + 1]]
    tables = [_levels_table(record, _steps(depth)) for record in records]
    is_exact = all(record.gamma == 100 for record in records)
    return _through(tables, planes), is_exact


def curves(data: Any, planes: int, depth: int) -> tuple[Adjust, bool]:
    """Natural cubic splines, or tables of 256 that were drawn by hand. Raises ValueError."""
    tables: list[Table | None] = [None] * (planes + 1)
    listed = [(item.channel_id, item.points) for item in data.extra or ()] or list(enumerate(data.data))
    for channel, points in listed:
        if 0 <= channel <= planes:
            tables[channel] = _curve(points, _steps(depth))
    return _through(tables, planes), True


def _steps(depth: int) -> int:
    return 256 if depth == 8 else 65536


def _levels_table(record: Any, steps: int) -> Table:
    value = np.linspace(0.0, 255.0, steps)
    low, high = record.input_floor, record.input_ceiling
    value = np.clip((value - low) / max(1, high - low), 0.0, 1.0)
    value = value ** (100.0 / min(max(record.gamma, 1), 999))
    return record.output_floor + value * (record.output_ceiling - record.output_floor)


def _curve(points: Sequence[Any], steps: int) -> Table | None:
    """0..255; None where it has no points."""
    value = np.linspace(0.0, 255.0, steps)
    if len(points) == 256 and not isinstance(points[0], (tuple, list)):
        return np.interp(value, np.arange(256), np.asarray(points, np.float64))
    if len(points) < 2:
        return None
    ordered = sorted((int(point[1]), int(point[0])) for point in points)
    x, y = (np.array(axis, np.float64) for axis in zip(*ordered, strict=True))
    return np.clip(CubicSpline(x, y, bc_type="natural")(np.clip(value, x[0], x[-1])), 0.0, 255.0)


def _through(tables: Sequence[Table | None], planes: int) -> Adjust:
    """The first table is that of all channels; a grey document has only its own."""
    whole, own = (None, tables[1]) if planes == 1 and len(tables) > 1 else (tables[0], None)
    channels = [own] if planes == 1 else list(tables[1 : planes + 1])
    whole = whole if planes > 1 else None

    def adjust(colour: Plane) -> Plane:
        result = np.stack([_looked_up(colour[..., index], table) for index, table in enumerate(channels)], -1)
        return _looked_up(result, whole).astype(np.float32)

    return adjust


def _looked_up(values: Plane, table: Table | None) -> Plane:
    if table is None:
        return values
    top = len(table) - 1
    rounded = np.floor(table / 255.0 * top + 0.5).astype(np.float32) / np.float32(top)
    return rounded[(np.clip(values, 0.0, 1.0) * top + 0.5).astype(np.int32)]
