"""Levels and curves of Photoshop: a table for each channel, then one for all, in whole steps of the depth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicHermiteSpline, CubicSpline

from acetate_engine.documents.colour import Plane

Adjust = Callable[[Plane], Plane]
Table = NDArray[Any]
_PLAIN = 100  # hundredths: no gamma
_KNOWN, _INKS = 220, 4
_JOINT = 1.45  # the slope of the power where its foot ends
_STEEPEST = 1.9  # that of the foot at 0, for a gamma of 1


def levels(data: Any, planes: int, depth: int) -> tuple[Adjust, bool]:
    """Whether it is exact, too: the foot of the curve is known of gammas up to 2.2, at 8 bits, not in CMYK."""
    records = [*data[: planes + 1]]
    tables = [_levels_table(record, _steps(depth)) for record in records]
    largest = _KNOWN if depth == 8 and planes < _INKS else 0
    return _through(tables, planes), all(record.gamma == _PLAIN or record.gamma <= largest for record in records)


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
    """What is between the black and the white of the input is spread, bent, and rounded to whole steps each time."""
    value, top = np.linspace(0.0, 255.0, steps), steps - 1
    low, high = record.input_floor, record.input_ceiling
    value = np.floor(np.clip((value - low) / max(1, high - low), 0.0, 1.0) * top + 0.5) / top
    if record.gamma != _PLAIN:
        value = np.floor(_bent(value, min(max(record.gamma, 1), 999) / 100.0) * top + 0.5) / top
    return record.output_floor + value * (record.output_ceiling - record.output_floor)


def _bent(value: Table, gamma: float) -> Table:
    """0..1: a power, whose steep foot Photoshop replaces by a cubic of a slope that it can keep in its table. Fitted
    to gammas of 1.37, 1.52 and 1.78 (AllAdjustments.psd, levels_grayscale.psd), and within a level of 8 bits there.
    """
    power: Table = value ** (1.0 / gamma)
    if gamma <= 1.0:
        return power
    end = (_JOINT * gamma) ** (gamma / (1.0 - gamma))
    foot = CubicHermiteSpline([0.0, end], [0.0, end ** (1.0 / gamma)], [_STEEPEST * gamma, _JOINT])
    return np.where(value < end, foot(value), power)


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
