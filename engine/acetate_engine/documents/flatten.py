"""Layers → the pixels of a region, in strips, so that memory does not grow with the region.

Blended in the space of the layers, as their program does, and converted to sRGB at the end. Against Krita 5.1.5 see
tests/engine/documents/test_flatten.py and tests/krita/test_documents.py: 16 bit within 0.2/255, 8 bit within 2/255; and
its PSD filter writes and reads no clipping, and reads no opacity of groups. Against Photoshop:
tests/references/documents/README.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from acetate.protocol.errors import FileError
from acetate.protocol.geometry import Bounds
from acetate.protocol.pixels import MAX_PIXELS
from acetate_engine.compositing.pixels import Pixels
from acetate_engine.documents.colour import SRGB, ColourSpace, Samples
from acetate_engine.documents.compose import composed, composed_over
from acetate_engine.documents.plain import composite_plain, plain_count
from acetate_engine.documents.planes import Strip, unit
from acetate_engine.documents.tree import Group, Layer, PixelLayer

_STRIP = 1 << 20  # pixels composited at a time: about 200 MB for a few nested groups


def flatten(layers: Sequence[Layer], region: Bounds, *, depth: int = 8, space: ColourSpace | None = None) -> Pixels:
    """`layers` (bottom to top) over nothing: (h, w, 4) straight sRGB, uint8, or uint16 for depth 16 and more.

    `space` is what they are blended in: their own, where all have the same, or else sRGB, where None.
    Raises FileError where the region is too large or a layer cannot be read.
    """
    space = space or common_space(layers)
    own = compose(layers, region, depth=depth, space=space)
    kind = np.uint8 if depth == 8 else np.uint16
    if own.dtype == kind and space.is_srgb:
        return own
    return np.concatenate([in_depth(space.to_srgb(own[..., :-1]), kind), in_depth(own[..., -1:], kind)], -1)


def in_depth(values: Samples, kind: type) -> Pixels:
    """Samples of any depth → uint8 or uint16."""
    return values if values.dtype == kind else _quantized(unit(values), kind)


def compose(layers: Sequence[Layer], region: Bounds, *, depth: int, space: ColourSpace) -> Samples:
    """(h, w, planes + 1) straight values of `space`: uint8, uint16, or float32 where `space` is linear light."""
    check_region(region)
    kind = np.float32 if space.linear else np.uint8 if depth == 8 else np.uint16
    result = np.empty((region.height, region.width, space.planes + 1), kind)
    rows = max(1, _STRIP // max(1, region.width))
    plain = plain_count(layers, space) if kind is np.uint8 else 0
    for top in range(0, region.height, rows):
        height = min(rows, region.height - top)
        strip = Strip(Bounds(region.x, region.y + top, region.width, height), depth, space)
        _fill_strip(result[top : top + height], layers, strip, plain)
    return result


def _fill_strip(target: Samples, layers: Sequence[Layer], strip: Strip, plain: int) -> None:
    """The `plain` first layers in integers, the others over them."""
    is_ground = plain > 0 and composite_plain(target, layers[:plain], strip.region)
    if is_ground and plain == len(layers):
        return
    plane = composed_over(unit(target), layers[plain:], strip) if is_ground else composed(layers, strip)
    target[:] = _quantized(np.concatenate([plane.colour, plane.alpha], -1), target.dtype.type)


def check_region(region: Bounds) -> None:
    """Raises FileError where it is too large to be worked on."""
    if region.extent.area > MAX_PIXELS:
        raise FileError(f"the region is {region.extent}", f"Ask for at most {MAX_PIXELS} pixels.")


def _quantized(values: Samples, kind: type) -> Samples:
    if kind is np.float32:
        return values
    return (np.clip(values, 0.0, 1.0) * float(np.iinfo(kind).max) + 0.5).astype(kind)


def common_space(layers: Sequence[Layer]) -> ColourSpace:
    """Of all pixels among them; sRGB where they differ."""
    found = set(_spaces(layers))
    return found.pop() if len(found) == 1 else SRGB


def _spaces(layers: Sequence[Layer]) -> Iterator[ColourSpace]:
    for layer in layers:
        if isinstance(layer, PixelLayer) and not layer.bounds.is_empty:
            yield layer.source.space
        elif isinstance(layer, Group):
            yield from _spaces(layer.layers)
