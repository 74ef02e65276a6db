"""Layer styles of a PSD: which there are, and drawing those that are plain mathematics."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from psd_tools.api._descriptor import get_blend_mode, get_scalar
from psd_tools.composite.effects import draw_stroke_effect_split, stroke_bbox
from psd_tools.constants import BlendMode, ChannelID, Tag
from psd_tools.psd.descriptor import Descriptor, List
from psd_tools.psd.layer_and_mask import LayerRecord
from psd_tools.terminology import Key

from acetate.protocol.geometry import Bounds
from acetate_engine.compositing.regions import bounds_of
from acetate_engine.documents.colour import Plane
from acetate_engine.documents.planes import unit
from acetate_engine.documents.psd_blends import BLENDS
from acetate_engine.documents.psd_drawing import Drawing, first_descriptor
from acetate_engine.documents.psd_file import Record
from acetate_engine.documents.psd_gradients import Gradient, gradient, solid_colour
from acetate_engine.documents.psd_masks import is_straight
from acetate_engine.documents.psd_shadows import Shadow, shadow
from acetate_engine.documents.tree import Blend, Effect

NAMES = {
    b"DrSh": "Drop Shadow",
    b"IrSh": "Inner Shadow",
    b"OrGl": "Outer Glow",
    b"IrGl": "Inner Glow",
    b"ebbl": "Bevel & Emboss",
    b"ChFX": "Satin",
    b"SoFi": "Color Overlay",
    b"GrFl": "Gradient Overlay",
    b"patternFill": "Pattern Overlay",
    b"FrFX": "Stroke",
}
# From the bottom up, as the panel of layer styles lists them from the top down
_ORDER = (b"DrSh", b"OrGl", b"patternFill", b"GrFl", b"SoFi", b"ChFX", b"IrGl", b"IrSh", b"FrFX", b"ebbl")
_TAGS = (  # with several effects of a kind all stand in the first two, and one of each kind in the last
    Tag.OBJECT_BASED_EFFECTS_LAYER_INFO_V0,
    Tag.OBJECT_BASED_EFFECTS_LAYER_INFO_V1,
    Tag.OBJECT_BASED_EFFECTS_LAYER_INFO,
)

_SOLID = 0.5  # of alpha
_THIN = 2.0  # pixels


def effects(entry: Record, drawing: Drawing) -> tuple[tuple[Effect, ...], tuple[str, ...]]:
    """Those that are drawn, in the order of painting; the names of those that are not."""
    record = entry.record
    drawn: list[Effect] = []
    missing: list[str] = []
    for kind, descriptor in enabled(record):
        effect = _effect(kind, descriptor, entry, drawing)
        if isinstance(effect, str):
            missing.append(effect)
        elif effect.opacity > 0.0:
            drawn += _halves(effect)
            missing += [] if _is_exact(effect, record) else [NAMES[kind]]
    if _strokes_are_guessed(drawn):
        missing.append("Stroke")
    return tuple(drawn), tuple(dict.fromkeys(missing))


def _is_exact(effect: Effect, record: LayerRecord) -> bool:
    """Photoshop smooths wide strokes of round edges otherwise; gradients are known along the sides of their box."""
    if isinstance(effect, Stroke):
        return effect.size <= _THIN or is_straight(record)
    if isinstance(effect, Shadow):
        return effect.spread == 0.0
    if isinstance(effect, GradientOverlay):
        return effect.gradient.is_exact and effect.gradient.shift == (0.0, 0.0) and effect.gradient.angle % 90.0 == 0.0
    return True


def is_overlay(effect: Effect) -> bool:
    return isinstance(effect, ColourOverlay | GradientOverlay)


def _halves(effect: Effect) -> list[Effect]:
    """A stroke on the middle of the edge lies beside the layer and over it."""
    if isinstance(effect, Stroke) and getattr(effect.descriptor.get(Key.Style), "enum", b"") == b"CtrF":
        return [effect, replace(effect, inside=True)]
    return [effect]


def _strokes_are_guessed(drawn: list[Effect]) -> bool:
    """Photoshop paints one outer stroke beside another, or beside an overlay, otherwise than we do."""
    strokes = [effect for effect in drawn if isinstance(effect, Stroke)]
    outer = [stroke for stroke in strokes if not stroke.inside]
    return len(outer) > 1 or (bool(outer) and len(strokes) < len(drawn))


def enabled(record: LayerRecord) -> list[tuple[bytes, Descriptor]]:
    """Kind and settings of the styles that are switched on, from the bottom up."""
    data = first_descriptor(record, _TAGS)
    if data is None or not get_scalar(data, b"masterFXSwitch", bool, False):
        return []
    found = [(item.classID, item) for item in _items(data) if get_scalar(item, Key.Enabled, bool, False)]
    known = [(kind, item) for kind, item in found if kind in NAMES and get_scalar(item, b"present", bool, True)]
    known.reverse()  # several of a kind are listed from the top down
    return sorted(known, key=lambda entry: _ORDER.index(entry[0]))


def _items(data: Descriptor) -> Iterator[Descriptor]:
    for key in data:
        value = data[key]
        for item in value if isinstance(value, List) else [value]:
            if isinstance(item, Descriptor):
                yield item


def _effect(kind: bytes, descriptor: Descriptor, entry: Record, drawing: Drawing) -> Effect | str:
    name = NAMES[kind]
    mode = get_blend_mode(descriptor, Key.Mode, BlendMode.NORMAL)
    if mode not in BLENDS or (kind != b"GrFl" and kind not in _DRAWN):
        return name
    opacity = min(1.0, max(0.0, get_scalar(descriptor, Key.Opacity, float, 100.0) / 100.0))
    try:
        if kind == b"GrFl":
            return _gradient(descriptor, entry, drawing, BLENDS[mode], opacity)
        return _DRAWN[kind](descriptor, drawing, BLENDS[mode], opacity)
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError, ZeroDivisionError, AssertionError):
        return name  # its name is what is noted as not drawn


@dataclass(frozen=True, eq=False)
class ColourOverlay:
    blend: Blend
    opacity: float
    colour: tuple[float, ...]
    inside: bool = True
    reach: int = 0

    def paint(self, coverage: Plane, region: Bounds, layer: Bounds) -> tuple[Plane, Plane]:
        shape = (*coverage.shape[:2], len(self.colour))
        return np.broadcast_to(np.array(self.colour, np.float32), shape), np.ones_like(coverage)


@dataclass(frozen=True, eq=False)
class GradientOverlay:
    blend: Blend
    opacity: float
    gradient: Gradient
    canvas: Bounds | None  # what it is laid out on, rather than the layer
    entry: Record
    inside: bool = True
    reach: int = 0

    def paint(self, coverage: Plane, region: Bounds, layer: Bounds) -> tuple[Plane, Plane]:
        return self.gradient.draw(region, self.canvas or self._solid or layer)

    @cached_property
    def _solid(self) -> Bounds | None:
        """The box around what is at least half opaque: antialiased edges count for nothing there."""
        record, alpha = self.entry.record, self.entry.channels.get(ChannelID.TRANSPARENCY_MASK)
        if alpha is None:
            return None
        values = alpha.read(range(record.height), range(record.width))
        inside = bounds_of(unit(values) >= _SOLID)
        return None if inside.is_empty else inside.relative_to(Bounds(-record.left, -record.top, 0, 0))


@dataclass(frozen=True, eq=False)
class Stroke:
    blend: Blend
    opacity: float
    descriptor: Descriptor
    drawing: Drawing
    size: float  # pixels
    inside: bool
    reach: int

    def paint(self, coverage: Plane, region: Bounds, layer: Bounds) -> tuple[Plane, Plane]:
        colour, whole, within = draw_stroke_effect_split(_box(region), coverage, self.descriptor, self.drawing.document)
        covered = np.minimum(within, coverage)
        if self.inside:
            return colour, np.divide(covered, coverage, out=np.zeros_like(covered), where=coverage > 0.0)
        # what the layer itself will leave of it is all of it: the two share a pixel without overlapping
        beside = np.minimum(whole - covered, 1.0 - coverage)
        room = 1.0 - coverage
        return colour, np.clip(np.divide(beside, room, out=np.zeros_like(beside), where=room > 1e-6), 0.0, 1.0)


def _box(bounds: Bounds) -> tuple[int, int, int, int]:
    return bounds.x, bounds.y, bounds.right, bounds.bottom


def _colour(descriptor: Descriptor, drawing: Drawing, blend: Blend, opacity: float) -> Effect:
    return ColourOverlay(blend, opacity, solid_colour(descriptor, drawing.file.header.color_mode))


def _gradient(descriptor: Descriptor, entry: Record, drawing: Drawing, blend: Blend, opacity: float) -> Effect:
    drawn = gradient(descriptor, drawing.file.header.color_mode, drawing.space)
    canvas = Bounds(0, 0, drawing.file.header.width, drawing.file.header.height)
    is_aligned = get_scalar(descriptor, b"Algn", bool, True)
    return GradientOverlay(blend, opacity, drawn, None if is_aligned else canvas, entry)


def _stroke(descriptor: Descriptor, drawing: Drawing, blend: Blend, opacity: float) -> Effect | str:
    inside = getattr(descriptor.get(Key.Style), "enum", b"") == b"InsF"
    box = stroke_bbox((0, 0, 4, 4), descriptor)
    if getattr(descriptor.get(Key.PaintType), "enum", b"") != b"SClr":
        return "Stroke"
    size = float(descriptor.get(Key.SizeKey, 1.0))
    return Stroke(blend, opacity, descriptor, drawing, size, inside, max(-box[0], int(np.ceil(size)) + 1))


def _shadow(descriptor: Descriptor, drawing: Drawing, blend: Blend, opacity: float) -> Effect | str:
    return shadow(descriptor, drawing, blend, opacity)


_DRAWN: dict[bytes, Callable[[Descriptor, Drawing, Blend, float], Effect | str]] = {
    b"SoFi": _colour,
    b"FrFX": _stroke,
    b"DrSh": _shadow,
    b"IrSh": _shadow,
}
