"""What an array of pixels is, everywhere in the engine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8] | NDArray[np.uint16]
"""(height, width, 4) RGBA, straight alpha, sRGB; (height, width) for a mask. uint8 0..255 or uint16 0..65535."""

Floats = NDArray[np.float32]
"""The same, 0..1."""
