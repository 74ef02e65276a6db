"""What an array of pixels is, everywhere in the engine."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8] | NDArray[np.uint16]
"""(height, width, 4) RGBA, straight alpha, sRGB; (height, width) for a mask. uint8 0..255 or uint16 0..65535."""

Floats = NDArray[np.float32]
"""The same, 0..1."""


def eight(values: NDArray[Any]) -> NDArray[np.uint8]:
    """16 bit rounded to 8; 8 bit as it is."""
    return values if values.dtype == np.uint8 else ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)


def sixteen(values: NDArray[Any]) -> NDArray[np.uint16]:
    """8 bit spread over 16, so that `eight` gives it back; 16 bit as it is."""
    return values if values.dtype == np.uint16 else values.astype(np.uint16) * np.uint16(257)
