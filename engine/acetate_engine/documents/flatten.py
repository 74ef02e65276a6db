"""Layers → the pixels of a region, in strips, so that memory does not grow with the region.

Computed in float32; at 8 bits every sum is rounded on the way as Krita rounds it, for where alpha is low a rounded sum
is several units of colour.

Not drawn, and said in the notes of the layer: adjustments, fills and vector masks that their program did not
render, layer effects, artboards, knockout, dissolve. Every colour model is blended in sRGB, as RGB documents are:
CMYK and grey documents with blend modes other than normal differ from Photoshop. Against Krita 5.1.5 see
tests/engine/documents/test_flatten.py and tests/krita/test_documents.py: 16 bit within 0.2/255, 8 bit within 2/255; and
its PSD filter writes and reads no clipping, and reads no opacity of groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from acetate.protocol.errors import FileError
from acetate.protocol.geometry import Bounds
from acetate.protocol.pixels import MAX_PIXELS
from acetate_engine.compositing.pixels import Pixels
from acetate_engine.documents.blending import Colour, blend
from acetate_engine.documents.colour import Samples
from acetate_engine.documents.tree import Blend, Clip, Group, Layer, LayerMask, PixelLayer

_TILE = 64  # pixels: how Krita keeps layers, and what it works on
_STRIP = 1 << 20  # pixels composited at a time: about 200 MB for a few nested groups


@dataclass
class _Plane:
    colour: Colour  # (h, w, 3) straight sRGB, 0..1; 0 where alpha is 0
    alpha: Colour  # (h, w, 1), 0..1

    def cut(self, place: Bounds) -> _Plane:
        """A part of it; shares its memory."""
        window = _window(place)
        return _Plane(self.colour[window], self.alpha[window])

    def with_part(self, place: Bounds, part: _Plane) -> _Plane:
        changed = _Plane(self.colour.copy(), self.alpha.copy())
        changed.colour[_window(place)], changed.alpha[_window(place)] = part.colour, part.alpha
        return changed


@dataclass(frozen=True)
class _Strip:
    """What is composited at a time, and how finely."""

    region: Bounds
    depth: int

    def empty(self) -> _Plane:
        shape = (self.region.height, self.region.width)
        return _Plane(np.zeros((*shape, 3), np.float32), np.zeros((*shape, 1), np.float32))

    def rounded(self, values: Colour) -> Colour:
        """To whole steps of 8 bits; deeper documents are not rounded on the way."""
        if self.depth > 8:
            return values
        steps: Colour = np.floor(np.clip(values, 0.0, 1.0) * np.float32(255) + np.float32(0.5)) / np.float32(255)
        return steps


def flatten(layers: Sequence[Layer], region: Bounds, *, depth: int = 8) -> Pixels:
    """`layers` (bottom to top) over nothing: (h, w, 4) straight sRGB, uint8, or uint16 for depth 16 and more.

    Raises FileError where the region is too large or a layer cannot be read.
    """
    if region.extent.area > MAX_PIXELS:
        raise FileError(f"the region is {region.extent}", f"Ask for at most {MAX_PIXELS} pixels.")
    kind = np.uint8 if depth == 8 else np.uint16
    result = np.empty((region.height, region.width, 4), kind)
    rows = max(1, _STRIP // max(1, region.width))
    for top in range(0, region.height, rows):
        height = min(rows, region.height - top)
        strip = _Strip(Bounds(region.x, region.y + top, region.width, height), depth)
        result[top : top + height] = _quantized(_composited(layers, strip.empty(), strip), kind)
    return result


def _quantized(plane: _Plane, kind: type[np.uint8] | type[np.uint16]) -> Pixels:
    scale = float(np.iinfo(kind).max)
    stacked = np.concatenate([plane.colour, plane.alpha], -1)
    rounded: Pixels = (np.clip(stacked, 0.0, 1.0) * scale + 0.5).astype(kind)
    return rounded


def _composited(layers: Sequence[Layer], below: _Plane, strip: _Strip) -> _Plane:
    index = 0
    while index < len(layers):
        layer = layers[index]
        stop = index + 1
        while stop < len(layers) and layer.clip is not Clip.BASE and layers[stop].clip is Clip.BASE:
            stop += 1
        if layer.visible:  # a hidden base hides what is clipped to it
            below = _where_it_is(below, layer, layers[index + 1 : stop], strip)
        index = stop
    return below


def _where_it_is(below: _Plane, layer: Layer, clipped: Sequence[Layer], strip: _Strip) -> _Plane:
    """A layer of pixels changes nothing beside its tiles; in them, what it leaves bare is rounded too."""
    if not isinstance(layer, PixelLayer):
        return _with_layer(below, layer, clipped, strip)
    part = _tiles(layer.bounds).intersection(strip.region)
    if part.is_empty:
        return below
    place = part.relative_to(strip.region)
    return below.with_part(place, _with_layer(below.cut(place), layer, clipped, replace(strip, region=part)))


def _with_layer(below: _Plane, layer: Layer, clipped: Sequence[Layer], strip: _Strip) -> _Plane:
    weight = _weight(layer, strip.region)
    if isinstance(layer, Group) and layer.blend is Blend.PASS_THROUGH and not clipped:
        return _mixed(below, _composited(layer.layers, below, strip), weight)
    plane = _plane(layer, strip)
    if plane is None:
        return below
    for above in clipped:
        if above.visible:
            plane = _atop(plane, above, strip)
    plane = _Plane(plane.colour, plane.alpha * weight)
    mode = Blend.NORMAL if layer.blend is Blend.PASS_THROUGH else layer.blend
    return _over(below, plane, mode, strip, keep_alpha=layer.clip is not Clip.NONE)


def _atop(base: _Plane, above: Layer, strip: _Strip) -> _Plane:
    plane = _plane(above, strip)
    if plane is None:
        return base
    mode = Blend.NORMAL if above.blend is Blend.PASS_THROUGH else above.blend
    weighted = _Plane(plane.colour, plane.alpha * _weight(above, strip.region))
    return _over(base, weighted, mode, strip, keep_alpha=True)


def _plane(layer: Layer, strip: _Strip) -> _Plane | None:
    """The layer alone, without its opacity and masks; None where it has nothing in the region."""
    if isinstance(layer, Group):
        return _composited(layer.layers, strip.empty(), strip)
    assert isinstance(layer, PixelLayer)
    part = layer.bounds.intersection(strip.region)
    if part.is_empty:
        return None
    plane = strip.empty()
    values = _unit(layer.source.read(part))
    window = _window(part.relative_to(strip.region))
    plane.alpha[window] = values[..., 3:]
    plane.colour[window] = np.where(values[..., 3:] > 0.0, values[..., :3], 0.0)
    return plane


def _tiles(bounds: Bounds) -> Bounds:
    left, top = bounds.x // _TILE * _TILE, bounds.y // _TILE * _TILE
    return Bounds(left, top, -(-bounds.right // _TILE) * _TILE - left, -(-bounds.bottom // _TILE) * _TILE - top)


def _window(place: Bounds) -> tuple[slice, slice]:
    return slice(place.y, place.bottom), slice(place.x, place.right)


def _unit(pixels: Pixels) -> Colour:
    return pixels.astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)


def _weight(layer: Layer, region: Bounds) -> Colour | np.float32:
    """Opacity times masks: a number, or (h, w, 1)."""
    weight: Colour | np.float32 = np.float32(layer.opacity)
    for mask in layer.masks:
        weight = weight * _coverage(mask, region)
    return weight


def _coverage(mask: LayerMask, region: Bounds) -> NDArray[np.float32]:
    coverage = np.full((region.height, region.width, 1), mask.outside / 255.0, np.float32)
    part = mask.source.bounds.intersection(region)
    if not part.is_empty:
        place = part.relative_to(region)
        coverage[place.y : place.bottom, place.x : place.right] = _unit(mask.source.read(part))[..., None]
    return coverage


def _over(below: _Plane, above: _Plane, mode: Blend, strip: _Strip, *, keep_alpha: bool) -> _Plane:
    """W3C general formula: αr = αs + αb(1-αs); αr·Cr = (1-αs)αb·Cb + (1-αb)αs·Cs + αs·αb·B(Cb, Cs)."""
    rounded, weight = strip.rounded, strip.rounded(above.alpha)
    mixed = above.colour if mode is Blend.NORMAL else rounded(blend(mode, below.colour, above.colour))
    if keep_alpha:
        return _Plane(rounded(below.colour + (mixed - below.colour) * weight), below.alpha)
    alpha = weight + below.alpha * (1.0 - weight)
    if mode is Blend.NORMAL:  # its two terms are one interpolation, rounded once
        plane = _straight((1.0 - weight) * below.alpha * below.colour + weight * above.colour, alpha)
        return _Plane(rounded(plane.colour), rounded(alpha))
    colour = rounded((1.0 - weight) * below.alpha * below.colour)
    colour += rounded((1.0 - below.alpha) * weight * above.colour) + rounded(weight * below.alpha * mixed)
    plane = _straight(colour, rounded(alpha))
    return _Plane(rounded(plane.colour), plane.alpha)


def _mixed(before: _Plane, after: _Plane, weight: Colour | np.float32) -> _Plane:
    """Between the backdrop and what a pass-through group made of it; premultiplied: colour without alpha is void."""
    alpha = before.alpha + (after.alpha - before.alpha) * weight
    first, second = before.colour * before.alpha, after.colour * after.alpha
    return _straight(first + (second - first) * weight, alpha)


def _straight(premultiplied: Samples, alpha: Samples) -> _Plane:
    colour = np.divide(premultiplied, alpha, out=np.zeros_like(premultiplied), where=alpha > 0.0)
    return _Plane(colour, alpha)
