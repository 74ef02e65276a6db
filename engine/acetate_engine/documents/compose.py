"""Layers over layers: the recursion through groups, clipping, masks, adjustments and effects, in one colour space.

One layer on what lies below it is in `planes`, where it shows in `coverage`. What a layer holds that is not drawn
stands in its notes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from acetate.protocol.geometry import Bounds
from acetate_engine.documents.blending import Colour
from acetate_engine.documents.coverage import masked, shown_if, weight_of
from acetate_engine.documents.planes import Composite, Strip, in_space, mixed, over, straight
from acetate_engine.documents.tree import (
    AdjustmentLayer,
    Blend,
    Clip,
    Group,
    Knockout,
    Layer,
    PixelLayer,
    extent_of,
)

_BESIDE = (Blend.DESTINATION_IN, Blend.DESTINATION_ATOP)  # what they do not cover goes
_TILE = 64  # pixels: how Krita keeps layers, and what it works on


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
    if not isinstance(layer, PixelLayer) or layer.blend in _BESIDE:
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
    base = plane.alpha * weight_of(layer, strip.region)
    result = _placed(below, plane, layer, strip, floor)
    for above in shown:
        result = mixed(result, _with_layer(result, replace(above, clip=Clip.NONE), (), strip, floor), base)
    return result


def _through(below: Composite, layer: Group, clipped: Sequence[Layer], strip: Strip, floor: _Floor) -> Composite:
    """A pass-through group: its layers meet what lies below it."""
    inside = replace(floor, group=below, strip=strip) if floor.strip.region == strip.region else floor
    result = _composited(layer.layers, below, strip, inside)
    shown = [above for above in clipped if above.visible]
    if shown:
        coverage = _composited(layer.layers, strip.empty(), strip, floor).alpha
        result = _with_clipped(below, result, coverage, shown, strip, floor)
    return mixed(below, result, weight_of(layer, strip.region) * np.float32(layer.fill))


def _with_clipped(
    below: Composite, result: Composite, coverage: Colour, clipped: Sequence[Layer], strip: Strip, floor: _Floor
) -> Composite:
    """What is clipped to a pass-through group changes what the group itself adds to what lies below it."""
    rest = (1.0 - coverage) * below.alpha * below.colour
    own = np.clip(straight(result.colour * result.alpha - rest, coverage).colour, 0.0, 1.0)
    added = Composite(own, np.ones_like(coverage))
    for above in clipped:
        added = _atop(added, above, strip, floor)
    return Composite(straight(rest + coverage * added.colour, result.alpha).colour, result.alpha)


def _placed(below: Composite, plane: Composite, layer: Layer, strip: Strip, floor: _Floor) -> Composite:
    """The layer with its masks, effects and opacity on what lies below it."""
    shape = plane.alpha * masked(layer, strip.region)
    for condition in layer.blend_if:
        shape = shape * shown_if(condition, below, plane, layer.formulas)
    plane = Composite(plane.colour, shape)
    if layer.effects:
        below, plane, fill = _with_effects(below, plane, layer, strip, floor)
    else:
        fill = layer.fill
    if layer.knockout is not Knockout.NONE:
        whole = Composite(plane.colour, np.full_like(shape, layer.opacity))
        return mixed(below, over(floor.under(strip, layer.knockout), whole, layer, strip, fill=fill), shape)
    weighted = Composite(plane.colour, plane.alpha * np.float32(layer.opacity))
    return over(below, weighted, layer, strip, fill=fill, keep_alpha=layer.clip is Clip.BELOW)


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
    weight = weight_of(layer, strip.region) * np.float32(layer.fill)
    for condition in layer.blend_if:
        weight = weight * shown_if(condition, below, below, layer.formulas)
    weighted = Composite(changed.colour, changed.alpha * weight)
    return over(below, weighted, layer, strip, fill=1.0, keep_alpha=True)


def _plane(layer: Layer, strip: Strip, floor: _Floor) -> Composite | None:
    """The layer alone, without its opacity and masks; None where it has nothing in the region."""
    if isinstance(layer, Group):
        nothing = strip.empty()
        return _composited(layer.layers, nothing, strip, _Floor(nothing, nothing, strip))
    assert isinstance(layer, PixelLayer)
    part = layer.bounds.intersection(strip.region)
    if part.is_empty:
        return strip.empty() if layer.effects or layer.blend in _BESIDE else None
    plane = strip.empty()
    values = in_space(layer.source.read(part), layer.source.space, strip.space)
    window = part.relative_to(strip.region).window
    plane.alpha[window] = values[..., -1:]
    plane.colour[window] = np.where(values[..., -1:] > 0.0, values[..., :-1], 0.0)
    return plane


def _tiles(bounds: Bounds) -> Bounds:
    left, top = bounds.x // _TILE * _TILE, bounds.y // _TILE * _TILE
    return Bounds(left, top, -(-bounds.right // _TILE) * _TILE - left, -(-bounds.bottom // _TILE) * _TILE - top)


def _grown(bounds: Bounds, margin: int) -> Bounds:
    return Bounds(bounds.x - margin, bounds.y - margin, bounds.width + 2 * margin, bounds.height + 2 * margin)


def _reach(layer: Layer) -> int:
    return max((effect.reach for effect in layer.effects), default=0)


def _with_effects(
    below: Composite, plane: Composite, layer: Layer, strip: Strip, floor: _Floor
) -> tuple[Composite, Composite, float]:
    """Shadows and outer strokes go below the layer, overlays and inner ones onto it, with its fill opacity taken in."""
    reach = _reach(layer)
    wide = replace(strip, region=_grown(strip.region, reach))
    alone = _plane(layer, wide, floor) if reach else None
    coverage = plane.alpha if alone is None else alone.alpha * masked(layer, wide.region)
    bounds = layer.bounds if isinstance(layer, PixelLayer) else extent_of([layer])
    inner = Composite(plane.colour, np.full_like(plane.alpha, layer.fill))
    for effect in layer.effects:
        colour, painted = effect.paint(coverage, wide.region, bounds)
        window = Bounds(reach, reach, strip.region.width, strip.region.height).window
        painted = painted[window] * np.float32(effect.opacity)
        source = Composite(np.broadcast_to(colour[window], plane.colour.shape), painted)
        mode = replace(layer, blend=effect.blend, mixes_in_light=False)
        if effect.inside:
            inner = over(inner, source, mode, replace(strip, depth=32), fill=1.0)
        else:
            outside = Composite(source.colour, source.alpha * np.float32(layer.opacity))
            below = over(below, outside, mode, strip, fill=1.0)
    return below, Composite(inner.colour, plane.alpha * inner.alpha), 1.0
