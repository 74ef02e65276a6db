"""Cutting out of and putting into a canvas."""

from __future__ import annotations

from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from acetate.protocol.geometry import Bounds, Extent
from acetate_engine.compositing.pixels import Pixels

Values = TypeVar("Values", bound=np.ndarray[Any, Any])


def crop(pixels: Values, bounds: Bounds) -> Values:
    """A view of `bounds`, pixels from the array's corner. Raises ValueError where it does not lie inside."""
    height, width = pixels.shape[:2]
    if not Bounds(0, 0, width, height).contains(bounds):
        raise ValueError(f"{bounds} does not lie within {width}×{height}")
    return cast(Values, pixels[bounds.window])


def bounds_of(covered: NDArray[Any]) -> Bounds:
    """The smallest rectangle around what is not 0 in (H, W); 0×0 at the origin where all is."""
    rows, columns = np.flatnonzero(covered.any(axis=1)), np.flatnonzero(covered.any(axis=0))
    if rows.size == 0:
        return Bounds(0, 0, 0, 0)
    x, y = int(columns[0]), int(rows[0])
    return Bounds(x, y, int(columns[-1]) + 1 - x, int(rows[-1]) + 1 - y)


def place(pixels: Pixels, at: Bounds, extent: Extent) -> Pixels:
    """`pixels`, which are as large as `at`, on a transparent (or black) array of `extent`."""
    result = np.zeros((extent.height, extent.width, *pixels.shape[2:]), pixels.dtype)
    result[at.window] = pixels
    return result


def extend(pixels: Pixels, at: Bounds, extent: Extent) -> Pixels:
    """Like `place`, but the border of `pixels` is repeated outwards."""
    margins = [(at.y, extent.height - at.bottom), (at.x, extent.width - at.right)]
    return cast(Pixels, np.pad(pixels, margins + [(0, 0)] * (pixels.ndim - 2), mode="edge"))
