"""Pixels that two processes have computed. How sums are rounded differs between processors, and between processes on
some of them: a level of 255 may be another. What is only carried is compared byte by byte instead.
"""

from __future__ import annotations

import numpy as np

from acetate_engine.compositing.alpha import premultiply, to_float
from acetate_engine.compositing.images import decode_image
from acetate_engine.compositing.pixels import Pixels

ROUNDED = 1.5 / 255


def apart(one: Pixels, other: Pixels) -> float:
    """The largest difference of alpha, and of colour times alpha, 0..1; both are (h, w, 4), straight sRGB."""
    assert one.shape == other.shape and one.dtype == other.dtype
    return float(np.abs(premultiply(to_float(one)) - premultiply(to_float(other))).max())


def are_equal_but_for_rounding(one: bytes, other: bytes) -> bool:
    """Two layers as an engine sends them."""
    return apart(decode_image(one), decode_image(other)) < ROUNDED
