"""Alpha as a mask: a layer that is opaque, and a mask that hides what was transparent."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from acetate_engine.documents.tree import LayerMask, Memory, PixelLayer


def with_mask(layer: PixelLayer) -> PixelLayer:
    """The same to look at. Colour under alpha 0 is kept, so that who paints on the mask finds something there."""
    pixels = layer.source.read(layer.bounds)
    alpha = pixels[..., -1]
    opaque = pixels.copy()
    opaque[..., -1] = 1.0 if pixels.dtype == np.float32 else np.iinfo(pixels.dtype).max
    mask = LayerMask(Memory(layer.bounds, np.ascontiguousarray(alpha)))
    shown = Memory(layer.bounds, opaque, layer.source.space)
    return replace(layer, source=shown, masks=(*layer.masks, mask))
