"""Pixels of a document's own space → what travels: sRGB."""

from __future__ import annotations

import numpy as np

from acetate.protocol.geometry import Bounds
from acetate_engine.compositing.pixels import Pixels
from acetate_engine.documents.flatten import check_region, in_depth
from acetate_engine.documents.tree import PixelSource


def in_srgb(source: PixelSource, region: Bounds, depth: int) -> Pixels:
    """(h, w, 4) straight sRGB, uint8, or uint16 for depth 16 and more. Raises FileError."""
    check_region(region)
    values = source.read(region)
    kind = np.uint8 if depth == 8 else np.uint16
    rgb = source.space.to_srgb(values[..., :-1])
    return np.concatenate([in_depth(rgb, kind), in_depth(values[..., -1:], kind)], -1)
