"""Pixels of a document's own space → what travels: sRGB."""

from __future__ import annotations

import numpy as np

from acetate.protocol.geometry import Bounds
from acetate_engine.compositing.pixels import Pixels
from acetate_engine.documents.colour import Samples
from acetate_engine.documents.compose import unit
from acetate_engine.documents.tree import Source


def in_srgb(source: Source, region: Bounds, depth: int) -> Pixels:
    """(h, w, 4) straight sRGB, uint8, or uint16 for depth 16 and more."""
    values = source.read(region)
    kind = np.uint8 if depth == 8 else np.uint16
    rgb = source.space.to_srgb(values[..., :-1])
    top = np.iinfo(kind).max
    return np.concatenate([_quantized(rgb, top, kind), _quantized(values[..., -1:], top, kind)], -1)


def _quantized(values: Samples, top: int, kind: type) -> Samples:
    return values if values.dtype == kind else (np.clip(unit(values), 0.0, 1.0) * top + 0.5).astype(kind)
