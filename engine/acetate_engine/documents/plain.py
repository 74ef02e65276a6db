"""Plain 8 bit layers over each other: normal blending and opacity, and nothing else. Most layers of most documents.

The same steps of 8 bits as `compose` takes, in integers, tile by tile: what is empty or covered costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from acetate.protocol.geometry import Bounds
from acetate_engine.documents.colour import ColourSpace
from acetate_engine.documents.tree import Blend, Clip, Group, Knockout, Layer, PixelLayer

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

_TILE = 256  # pixels: what is computed with stays in the processor's cache


def plain_count(layers: Sequence[Layer], space: ColourSpace) -> int:
    """How many of `layers`, from the bottom, can be composited here; what follows may need more."""
    if any(map(_looks_below, layers)):
        return 0
    count = 0
    while count < len(layers) and _is_plain(layers[count], space):
        count += 1
    if count < len(layers) and layers[count].clip is Clip.BASE:
        count -= 1  # it belongs to its base
    return max(count, 0)


def composite_plain(target: Bytes, layers: Sequence[Layer], region: Bounds) -> bool:
    """`layers` (bottom to top), all of them plain, into `target`: (h, w, planes + 1) straight, alpha last, of the space
    of all.

    False where one of them has more than 8 bits; `target` is of no use then.
    """
    target[:] = 0
    for layer in layers:
        if not layer.visible:  # it may be of any kind
            continue
        assert isinstance(layer, PixelLayer)
        part = layer.bounds.intersection(region)
        if part.is_empty:
            continue
        values = layer.source.read(part)
        if values.dtype != np.uint8:
            return False
        weights = _weights(layer.opacity * layer.fill)
        place = part.relative_to(region)
        for tile in _tiles(part.height, part.width):
            _over(target[place.window][tile], values[tile], weights)
    return True


def _looks_below(layer: Layer) -> bool:
    """Whether a layer, or one in it, asks for what lies at the bottom of its group."""
    inside = layer.layers if isinstance(layer, Group) else ()
    return layer.knockout is not Knockout.NONE or any(map(_looks_below, inside))


def _is_plain(layer: Layer, space: ColourSpace) -> bool:
    if not layer.visible:
        return True
    return (
        isinstance(layer, PixelLayer)
        and layer.blend is Blend.NORMAL
        and layer.clip is Clip.NONE
        and not (layer.masks or layer.blend_if or layer.effects or layer.mixes_in_light)
        and layer.source.space == space
    )


def _weights(opacity: float) -> Bytes:
    """(256,): what each alpha becomes."""
    return np.floor(np.arange(256) * np.float32(opacity) + np.float32(0.5)).astype(np.uint8)


def _tiles(height: int, width: int) -> Iterator[tuple[slice, slice]]:
    for top in range(0, height, _TILE):
        for left in range(0, width, _TILE):
            yield slice(top, top + _TILE), slice(left, left + _TILE)


def _over(below: Bytes, above: Bytes, weights: Bytes) -> None:
    """In place: (h, w, planes + 1) straight over straight."""
    alpha = _alpha_of(above)
    least, most = int(weights[alpha.min()]), int(weights[alpha.max()])
    if most == 0:
        return
    if least == 255:
        below[:] = above
        return
    weight = alpha if weights[-1] == 255 else cv2.LUT(alpha, weights)
    covered = _alpha_of(below)
    if covered.min() == 255:
        _over_opaque(below, above, weight, covered)
    elif covered.max() == 0:
        _over_nothing(below, above, weight)
    else:
        _over_bare(below, above, weight, covered)


def _alpha_of(pixels: Bytes) -> Bytes:
    return np.asarray(cv2.extractChannel(pixels, pixels.shape[-1] - 1))


def _over_opaque(below: Bytes, above: Bytes, weight: Bytes, covered: Bytes) -> None:
    """below + (above - below) · weight / 255, rounded half up."""
    share = cv2.merge([weight] * below.shape[-1]).astype(np.uint16)
    total = above * share
    np.subtract(255, share, out=share)
    share *= below
    total += share
    total += 128
    total += total >> 8  # x / 255 = (x + x / 256) / 256, exact for these
    total >>= 8
    below[:] = total
    below[..., -1] = covered


def _over_nothing(below: Bytes, above: Bytes, weight: Bytes) -> None:
    """What stays clear has no colour."""
    below[:] = cv2.bitwise_and(above, above, mask=weight)
    below[..., -1] = weight


def _over_bare(below: Bytes, above: Bytes, weight: Bytes, covered: Bytes) -> None:
    """On what is not opaque everywhere; what stays clear has no colour."""
    own = weight.astype(np.float32) * np.float32(255)
    rest = (255 - weight).astype(np.float32) * covered
    total = own + rest  # alpha · 255²
    divisor = np.maximum(total, 1)
    planes = [
        _mixed(own, colour, rest, under, divisor)
        for colour, under in zip(cv2.split(above)[:-1], cv2.split(below)[:-1], strict=True)
    ]
    alpha = (total / np.float32(255) + np.float32(0.5)).astype(np.uint8)
    below[:] = cv2.merge([*planes, alpha])


def _mixed(own: Floats, colour: Bytes, rest: Floats, under: Bytes, divisor: Floats) -> Bytes:
    """(own · colour + rest · under) / divisor, rounded half up."""
    mixed = own * colour.astype(np.float32)
    mixed += rest * under.astype(np.float32)
    mixed /= divisor
    mixed += np.float32(0.5)
    return mixed.astype(np.uint8)
