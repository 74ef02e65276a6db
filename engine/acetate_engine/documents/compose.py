"""Layers over layers: the recursion through groups, clipping, masks, adjustments and effects, in one colour space.

Computed in float32; at 8 bits every sum is rounded on the way as Krita rounds it, for where alpha is low a rounded sum
is several units of colour. What a layer holds that is not drawn stands in its notes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from acetate.protocol.geometry import Bounds
from acetate_engine.documents.blending import FILLED, Colour, blend, filled, lightness
from acetate_engine.documents.colour import ColourSpace, Samples
from acetate_engine.documents.tree import (
    AdjustmentLayer,
    Blend,
    BlendIf,
    Clip,
    Effect,
    Formulas,
    Group,
    Knockout,
    Layer,
    LayerMask,
    PixelLayer,
    extent_of,
)

_POWER = np.float32(1 / 1.45)
_TILE = 64  # pixels: how Krita keeps layers, and what it works on


@dataclass
class Composite:
    colour: Colour  # (h, w, planes) straight, 0..1; 0 where alpha is 0
    alpha: Colour  # (h, w, 1), 0..1

    def cut(self, place: Bounds) -> Composite:
        """A part of it; shares its memory."""
        window = _window(place)
        return Composite(self.colour[window], self.alpha[window])

    def with_part(self, place: Bounds, part: Composite) -> Composite:
        changed = Composite(self.colour.copy(), self.alpha.copy())
        changed.colour[_window(place)], changed.alpha[_window(place)] = part.colour, part.alpha
        return changed


@dataclass(frozen=True)
class Strip:
    """What is composited at a time, and how finely."""

    region: Bounds
    depth: int
    space: ColourSpace

    def empty(self) -> Composite:
        shape = (self.region.height, self.region.width)
        return Composite(np.zeros((*shape, self.space.planes), np.float32), np.zeros((*shape, 1), np.float32))

    def rounded(self, values: Colour) -> Colour:
        """To whole steps of 8 bits; deeper documents are not rounded on the way."""
        if self.depth > 8:
            return values
        steps: Colour = np.floor(np.clip(values, 0.0, 1.0) * np.float32(255) + np.float32(0.5)) / np.float32(255)
        return steps


@dataclass(frozen=True)
class _Floor:
    """What a knockout reaches: the bottom of the group, and that of the document, in some strip."""

    group: Composite
    document: Composite
    strip: Strip

    def under(self, strip: Strip, knockout: Knockout) -> Composite:
        plane = self.group if knockout is Knockout.SHALLOW else self.document
        if strip.region == self.strip.region:
            return plane
        return plane.cut(strip.region.relative_to(self.strip.region))


def composed(layers: Sequence[Layer], strip: Strip) -> Composite:
    """`layers` (bottom to top) over nothing."""
    empty = strip.empty()
    ground = empty
    if layers and _is_background(layers[0], strip):
        ground = _composited(layers[:1], empty, strip, _Floor(empty, empty, strip))
    return _composited(layers, empty, strip, _Floor(ground, ground, strip))


def composed_over(below: Colour, layers: Sequence[Layer], strip: Strip) -> Composite:
    """`layers`, none of them with a knockout, over (h, w, planes + 1) straight 0..1 of the strip."""
    ground = Composite(below[..., :-1], below[..., -1:])
    return _composited(layers, ground, strip, _Floor(ground, ground, strip))


def _is_background(layer: Layer, strip: Strip) -> bool:
    """Photoshop's locked bottom layer, which a deep knockout stops at."""
    return isinstance(layer, PixelLayer) and layer.is_background and layer.visible


def _composited(layers: Sequence[Layer], below: Composite, strip: Strip, floor: _Floor) -> Composite:
    index = 0
    while index < len(layers):
        layer = layers[index]
        stop = index + 1
        while stop < len(layers) and layer.clip is not Clip.BASE and layers[stop].clip is Clip.BASE:
            stop += 1
        if layer.visible:  # a hidden base hides what is clipped to it
            below = _where_it_is(below, layer, layers[index + 1 : stop], strip, floor)
        index = stop
    return below


def _where_it_is(below: Composite, layer: Layer, clipped: Sequence[Layer], strip: Strip, floor: _Floor) -> Composite:
    """A layer of pixels changes nothing beside its tiles; in them, what it leaves bare is rounded too."""
    if not isinstance(layer, PixelLayer):
        return _with_layer(below, layer, clipped, strip, floor)
    part = _tiles(_grown(layer.bounds, _reach(layer))).intersection(strip.region)
    if part.is_empty or layer.bounds.is_empty:
        return below
    place = part.relative_to(strip.region)
    changed = _with_layer(below.cut(place), layer, clipped, replace(strip, region=part), floor)
    return below.with_part(place, changed)


def _with_layer(below: Composite, layer: Layer, clipped: Sequence[Layer], strip: Strip, floor: _Floor) -> Composite:
    if isinstance(layer, AdjustmentLayer):
        return _adjusted(below, layer, clipped, strip, floor)
    if isinstance(layer, Group) and layer.blend is Blend.PASS_THROUGH and not layer.effects:
        return _through(below, layer, clipped, strip, floor)
    plane = _plane(layer, strip, floor)
    if plane is None:
        return below
    shown = [above for above in clipped if above.visible]
    if layer.clips_as_group:
        for above in shown:
            plane = _atop(plane, above, strip, floor)
        return _placed(below, plane, layer, strip, floor)
    base = plane.alpha * _weight(layer, strip.region)
    result = _placed(below, plane, layer, strip, floor)
    for above in shown:
        result = _mixed(result, _with_layer(result, replace(above, clip=Clip.NONE), (), strip, floor), base)
    return result


def _through(below: Composite, layer: Group, clipped: Sequence[Layer], strip: Strip, floor: _Floor) -> Composite:
    """A pass-through group: its layers meet what lies below it."""
    inside = replace(floor, group=below, strip=strip) if floor.strip.region == strip.region else floor
    result = _composited(layer.layers, below, strip, inside)
    shown = [above for above in clipped if above.visible]
    if shown:
        coverage = _composited(layer.layers, strip.empty(), strip, floor).alpha
        result = _with_clipped(below, result, coverage, shown, strip, floor)
    return _mixed(below, result, _weight(layer, strip.region) * np.float32(layer.fill))


def _with_clipped(
    below: Composite, result: Composite, coverage: Colour, clipped: Sequence[Layer], strip: Strip, floor: _Floor
) -> Composite:
    """What is clipped to a pass-through group changes what the group itself adds to what lies below it."""
    rest = (1.0 - coverage) * below.alpha * below.colour
    own = np.clip(_straight(result.colour * result.alpha - rest, coverage).colour, 0.0, 1.0)
    added = Composite(own, np.ones_like(coverage))
    for above in clipped:
        added = _atop(added, above, strip, floor)
    return Composite(_straight(rest + coverage * added.colour, result.alpha).colour, result.alpha)


def _placed(below: Composite, plane: Composite, layer: Layer, strip: Strip, floor: _Floor) -> Composite:
    """The layer with its masks, effects and opacity on what lies below it."""
    shape = plane.alpha * _masked(layer, strip.region)
    for condition in layer.blend_if:
        shape = shape * _shown_if(condition, below, plane, layer.formulas)
    plane = Composite(plane.colour, shape)
    if layer.effects:
        below, plane, fill = _with_effects(below, plane, layer, strip, floor)
    else:
        fill = layer.fill
    if layer.knockout is not Knockout.NONE:
        whole = Composite(plane.colour, np.full_like(shape, layer.opacity))
        return _mixed(below, _over(floor.under(strip, layer.knockout), whole, layer, strip, fill=fill), shape)
    weighted = Composite(plane.colour, plane.alpha * np.float32(layer.opacity))
    return _over(below, weighted, layer, strip, fill=fill, keep_alpha=layer.clip is Clip.BELOW)


def _atop(base: Composite, above: Layer, strip: Strip, floor: _Floor) -> Composite:
    """What is clipped, on what it is clipped to."""
    if isinstance(above, AdjustmentLayer):
        return _adjusted(base, above, (), strip, floor)
    plane = _plane(above, strip, floor)
    if plane is None:
        return base
    return _placed(base, plane, replace(above, clip=Clip.BELOW), strip, floor)


def _adjusted(
    below: Composite, layer: AdjustmentLayer, clipped: Sequence[Layer], strip: Strip, floor: _Floor
) -> Composite:
    changed = Composite(np.clip(layer.adjust(below.colour), 0.0, 1.0), np.ones_like(below.alpha))
    for above in clipped:
        if above.visible:
            changed = _atop(changed, above, strip, floor)
    weight = _weight(layer, strip.region) * np.float32(layer.fill)
    for condition in layer.blend_if:
        weight = weight * _shown_if(condition, below, below, layer.formulas)
    weighted = Composite(changed.colour, changed.alpha * weight)
    return _over(below, weighted, layer, strip, fill=1.0, keep_alpha=True)


def _plane(layer: Layer, strip: Strip, floor: _Floor) -> Composite | None:
    """The layer alone, without its opacity and masks; None where it has nothing in the region."""
    if isinstance(layer, Group):
        nothing = strip.empty()
        return _composited(layer.layers, nothing, strip, _Floor(nothing, nothing, strip))
    assert isinstance(layer, PixelLayer)
    part = layer.bounds.intersection(strip.region)
    if part.is_empty:
        return strip.empty() if layer.effects else None
    plane = strip.empty()
    values = in_space(layer.source.read(part), layer.source.space, strip.space)
    window = _window(part.relative_to(strip.region))
    plane.alpha[window] = values[..., -1:]
    plane.colour[window] = np.where(values[..., -1:] > 0.0, values[..., :-1], 0.0)
    return plane


def in_space(values: Samples, own: ColourSpace, space: ColourSpace) -> Colour:
    """(h, w, planes + 1) straight samples of one space → 0..1 of another."""
    if own == space:
        return unit(values)
    return np.concatenate([unit(own.converted(values[..., :-1], space)), unit(values[..., -1:])], -1)


def unit(values: Samples) -> Colour:
    """float32 stays as it is: 32 bit documents may hold more than white."""
    if values.dtype == np.float32:
        return np.nan_to_num(values, nan=0.0, posinf=1.0, neginf=0.0)
    return values.astype(np.float32) / np.float32(np.iinfo(values.dtype).max)


def _tiles(bounds: Bounds) -> Bounds:
    left, top = bounds.x // _TILE * _TILE, bounds.y // _TILE * _TILE
    return Bounds(left, top, -(-bounds.right // _TILE) * _TILE - left, -(-bounds.bottom // _TILE) * _TILE - top)


def _grown(bounds: Bounds, margin: int) -> Bounds:
    return Bounds(bounds.x - margin, bounds.y - margin, bounds.width + 2 * margin, bounds.height + 2 * margin)


def _reach(layer: Layer) -> int:
    return max((effect.reach for effect in layer.effects), default=0)


def _window(place: Bounds) -> tuple[slice, slice]:
    return slice(place.y, place.bottom), slice(place.x, place.right)


def _weight(layer: Layer, region: Bounds) -> Colour | np.float32:
    """Opacity times masks: a number, or (h, w, 1)."""
    return _masked(layer, region) * np.float32(layer.opacity)


def _masked(layer: Layer, region: Bounds) -> Colour | np.float32:
    weight: Colour | np.float32 = np.float32(1.0)
    for mask in layer.masks:
        weight = weight * _coverage(mask, region)
    return weight


def _coverage(mask: LayerMask, region: Bounds) -> NDArray[np.float32]:
    coverage = np.full((region.height, region.width, 1), mask.outside / 255.0, np.float32)
    part = mask.source.bounds.intersection(region)
    if not part.is_empty:
        coverage[_window(part.relative_to(region))] = unit(mask.source.read(part))[..., None]
    return coverage


def _shown_if(condition: BlendIf, below: Composite, plane: Composite, formulas: Formulas) -> Colour:
    def faded(colour: Colour, thresholds: tuple[int, int, int, int]) -> Colour:
        value = lightness(colour, formulas) if condition.channel is None else colour[..., condition.channel :][..., :1]
        dark, light = thresholds[:2], thresholds[2:]
        value = value * 255.0
        rise = np.clip((value - dark[0] + 1.0) / (dark[1] - dark[0] + 1.0), 0.0, 1.0) if dark[1] else 1.0
        fall = np.clip((light[1] - value + 1.0) / (light[1] - light[0] + 1.0), 0.0, 1.0) if light[0] < 255 else 1.0
        return np.asarray(rise * fall, np.float32)

    of_below = np.where(below.alpha > 0.0, faded(below.colour, condition.below), 1.0)
    return (faded(plane.colour, condition.own) * of_below).astype(np.float32)


def _with_effects(
    below: Composite, plane: Composite, layer: Layer, strip: Strip, floor: _Floor
) -> tuple[Composite, Composite, float]:
    """Shadows and outer strokes go below the layer, overlays and inner ones onto it, with its fill opacity taken in."""
    reach = _reach(layer)
    wide = replace(strip, region=_grown(strip.region, reach))
    alone = _plane(layer, wide, floor) if reach else None
    coverage = plane.alpha if alone is None else alone.alpha * _masked(layer, wide.region)
    bounds = layer.bounds if isinstance(layer, PixelLayer) else extent_of([layer])
    inner = Composite(plane.colour, np.full_like(plane.alpha, layer.fill))
    for effect in layer.effects:
        colour, painted = effect.paint(coverage, wide.region, bounds)
        window = _window(Bounds(reach, reach, strip.region.width, strip.region.height))
        painted = painted[window] * np.float32(effect.opacity)
        source = Composite(np.broadcast_to(colour[window], plane.colour.shape), painted)
        mode = replace(layer, blend=effect.blend, mixes_in_light=False)
        if effect.inside:
            inner = _over(inner, source, mode, replace(strip, depth=32), fill=1.0)
        else:
            outside = Composite(source.colour, source.alpha * np.float32(layer.opacity))
            below = _over(below, outside, mode, strip, fill=1.0)
    return below, Composite(inner.colour, plane.alpha * inner.alpha), 1.0


def _over(
    below: Composite, above: Composite, layer: Layer, strip: Strip, *, fill: float, keep_alpha: bool = False
) -> Composite:
    """W3C general formula: αr = αs + αb(1-αs); αr·Cr = (1-αs)αb·Cb + (1-αb)αs·Cs + αs·αb·B(Cb, Cs)."""
    mode = Blend.NORMAL if layer.blend is Blend.PASS_THROUGH else layer.blend
    rounded = strip.rounded
    is_filled = fill < 1.0 and mode in FILLED and layer.formulas is Formulas.PHOTOSHOP
    weight = rounded(above.alpha if is_filled else above.alpha * np.float32(fill))
    alone = rounded(above.alpha * np.float32(fill))  # where nothing lies below
    if is_filled:
        mixed = rounded(filled(mode, below.colour, above.colour, fill))
    elif mode is Blend.NORMAL:
        mixed = above.colour
    else:
        mixed = rounded(blend(mode, below.colour, above.colour, layer.formulas))
    if layer.mixes_in_light and mode is Blend.NORMAL:
        plane = _over_in_light(below, Composite(mixed, weight), strip.space, keep_alpha)
        return Composite(rounded(plane.colour), rounded(plane.alpha))
    if keep_alpha:
        return Composite(rounded(below.colour + (mixed - below.colour) * weight), below.alpha)
    alpha = alone + below.alpha * (1.0 - alone)
    if mode is Blend.NORMAL:  # its two terms are one interpolation, rounded once
        plane = _straight((1.0 - weight) * below.alpha * below.colour + weight * above.colour, alpha)
        return Composite(rounded(plane.colour), rounded(alpha))
    colour = rounded((1.0 - weight) * below.alpha * below.colour)
    colour += rounded((1.0 - below.alpha) * alone * above.colour) + rounded(weight * below.alpha * mixed)
    plane = _straight(colour, rounded(alpha))
    return Composite(rounded(plane.colour), plane.alpha)


def _over_in_light(below: Composite, above: Composite, space: ColourSpace, keep_alpha: bool) -> Composite:
    """Photoshop's "Blend Text Colors Using Gamma: 1.45": mixed as values of a space of that gamma."""
    first, second = space.light(below.colour) ** _POWER, space.light(above.colour) ** _POWER
    alpha = below.alpha if keep_alpha else above.alpha + below.alpha * (1.0 - above.alpha)
    share = above.alpha if keep_alpha else np.divide(above.alpha, alpha, out=np.zeros_like(alpha), where=alpha > 0.0)
    return Composite(space.from_light((first + (second - first) * share) ** (1 / _POWER)), alpha)


def _mixed(before: Composite, after: Composite, weight: Colour | np.float32) -> Composite:
    """Between the backdrop and what a pass-through group made of it; premultiplied: colour without alpha is void."""
    alpha = before.alpha + (after.alpha - before.alpha) * weight
    first, second = before.colour * before.alpha, after.colour * after.alpha
    return _straight(first + (second - first) * weight, alpha)


def _straight(premultiplied: Samples, alpha: Samples) -> Composite:
    colour = np.divide(premultiplied, alpha, out=np.zeros_like(premultiplied), where=alpha > 0.0)
    return Composite(colour, alpha)


__all__ = ["Composite", "Effect", "Strip", "composed", "composed_over", "in_space", "unit"]
