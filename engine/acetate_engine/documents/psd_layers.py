"""Layer records of a PSD → the tree, with what cannot be drawn of each in the words of Photoshop's layer panel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from psd_tools.constants import BlendMode, Clipping, SectionDivider, Tag
from psd_tools.psd.layer_and_mask import LayerRecord

from acetate.protocol.errors import FileError
from acetate.protocol.geometry import Bounds
from acetate_engine.documents import psd_adjustments, psd_fills
from acetate_engine.documents.colour import ColourSpace, Plane
from acetate_engine.documents.planes import unit
from acetate_engine.documents.psd_artboards import artboard
from acetate_engine.documents.psd_blends import BLENDS
from acetate_engine.documents.psd_drawing import Drawing
from acetate_engine.documents.psd_effects import effects, is_overlay
from acetate_engine.documents.psd_file import Record
from acetate_engine.documents.psd_masks import FILLS, has_vector_mask, is_guessed, is_stored_shape, masks
from acetate_engine.documents.psd_pixels import LayerPixels
from acetate_engine.documents.tree import (
    AdjustmentLayer,
    Blend,
    BlendIf,
    Clip,
    Formulas,
    Group,
    Knockout,
    Layer,
    PixelLayer,
    PixelSource,
)

ALPHA = -1
_MAX_NESTING = 100  # Photoshop allows ten
_TEXTS = (Tag.TYPE_TOOL_OBJECT_SETTING, Tag.TYPE_TOOL_INFO)


def divider(record: LayerRecord) -> SectionDivider:
    """OTHER for a layer that neither begins nor ends a group."""
    blocks = record.tagged_blocks
    setting = blocks.get_data(Tag.NESTED_SECTION_DIVIDER_SETTING) or blocks.get_data(Tag.SECTION_DIVIDER_SETTING)
    return setting.kind if setting is not None else SectionDivider.OTHER


def layer_name(record: LayerRecord) -> str:
    """The Unicode name; Krita ends it in a NUL."""
    return str(record.tagged_blocks.get_data(Tag.UNICODE_LAYER_NAME, record.name)).rstrip("\0")


def tree(records: Sequence[Record], space: ColourSpace, drawing: Drawing) -> tuple[Layer, ...]:
    """Raises FileError where groups do not pair up."""
    stack: list[list[Layer]] = [[]]
    name = drawing.file.path.name
    above = [entry.record.clipping == Clipping.NON_BASE for entry in records[1:]]
    for entry, has_clipped in zip(records, [*above, False], strict=True):
        kind = divider(entry.record)
        if kind == SectionDivider.BOUNDING_SECTION_DIVIDER:
            stack.append([])
        elif kind == SectionDivider.OTHER:
            stack[-1].append(_layer(entry, has_clipped, space, drawing))
        elif len(stack) == 1:
            raise FileError(f"{name} has a group without a beginning", "Save it again in its program.")
        else:
            children = tuple(stack.pop())
            stack[-1].append(_group(entry, children, kind == SectionDivider.OPEN_FOLDER, drawing, space))
        if len(stack) > _MAX_NESTING:
            raise FileError(f"{name} nests over {_MAX_NESTING} groups", "Flatten some of them.")
    if len(stack) > 1:
        raise FileError(f"{name} has a group without an end", "Save it again in its program.")
    return tuple(stack[0])


def _group(entry: Record, children: tuple[Layer, ...], is_open: bool, drawing: Drawing, space: ColourSpace) -> Group:
    common = _common(entry, _group_mode(entry.record), drawing)
    if common["blend"] is Blend.PASS_THROUGH and common["fill"] < 1.0:  # Photoshop takes it for a normal one then
        common["blend"] = Blend.NORMAL
        is_plain = all(layer.blend is Blend.NORMAL for layer in children)
        common["notes"] += () if is_plain else ("Fill opacity of a pass-through group",)
    try:
        board = artboard(entry.record, drawing, space)
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        board = None  # noted in the next line
        common["notes"] += ("Artboard",)
    if board is not None:
        mask, ground = board
        common["masks"] = (*common["masks"], mask)
        children = (*ground, *children)
    return Group(**common, layers=children, open=is_open)


def _group_mode(record: LayerRecord) -> BlendMode:
    blocks = record.tagged_blocks
    setting = blocks.get_data(Tag.NESTED_SECTION_DIVIDER_SETTING) or blocks.get_data(Tag.SECTION_DIVIDER_SETTING)
    return setting.blend_mode or record.blend_mode


def _layer(entry: Record, has_clipped: bool, space: ColourSpace, drawing: Drawing) -> Layer:
    record = entry.record
    common = _common(entry, record.blend_mode, drawing)
    kind = psd_adjustments.kind_of(record)
    if kind is not None:
        adjust, is_exact = psd_adjustments.adjustment(record, kind, drawing)
        common["notes"] += () if is_exact else (psd_adjustments.NAMES[kind],)
        return AdjustmentLayer(**common, adjust=adjust or _unchanged)
    if any(tag in record.tagged_blocks for tag in _TEXTS):
        common["mixes_in_light"] = drawing.file.mixes_text_in_light and not _is_platform_text(record)
        if common["mixes_in_light"] and space.profile is None and space.working is None:
            common["notes"] += ("the soft edges of its text, without a colour profile",)
    source: PixelSource | None = _stored(entry, space)
    if source is None:
        source, missing = psd_fills.fill(record, space, drawing)
        common["notes"] += missing
    elif psd_fills.has_stroke(record) and (has_clipped or any(map(is_overlay, common["effects"]))):
        common["notes"] += (psd_fills.STROKE,)  # Photoshop paints it over them
    is_background = ALPHA not in [info.id for info in record.channel_info]
    return PixelLayer(**common, source=source, is_background=is_background)


def _is_platform_text(record: LayerRecord) -> bool:
    """Text with the smoothing of the operating system, which has a gamma of its own."""
    setting = record.tagged_blocks.get_data(Tag.TYPE_TOOL_OBJECT_SETTING)
    smoothing = setting.text_data.get(b"AntA") if setting is not None else None
    return getattr(smoothing, "enum", b"") == b"antiAliasPlatformGray"


def _unchanged(colour: Plane) -> Plane:
    return colour


def _stored(entry: Record, space: ColourSpace) -> LayerPixels | None:
    record = entry.record
    colour = tuple(entry.channels[index] for index in range(space.planes) if index in entry.channels)
    has_fill = any(record.tagged_blocks.get_data(tag) is not None for tag in FILLS)
    if len(colour) < space.planes or (has_fill and has_vector_mask(record) and not is_stored_shape(entry)):
        return None
    bounds = Bounds(record.left, record.top, record.width, record.height)
    return LayerPixels(bounds, colour, entry.channels.get(ALPHA), space)


def _common(entry: Record, mode: BlendMode, drawing: Drawing) -> dict[str, Any]:
    """Fields that every kind of layer has."""
    record = entry.record
    blocks = record.tagged_blocks
    drawn, missing = effects(entry, drawing)
    is_known = mode in BLENDS or (mode == BlendMode.DISSOLVE and _is_hard(entry))
    notes = [] if is_known else [f"blend mode {mode.name.capitalize().replace('_', ' ')}"]
    shown = masks(entry, drawing)
    if any(map(is_guessed, shown)):
        notes.append("the soft edge of its path")
    if blocks.get_data(Tag.CHANNEL_BLENDING_RESTRICTIONS_SETTING):
        notes.append("Advanced Blending: Channels")
    conditions = tuple(_blend_if(record, drawing.space.planes))
    if conditions:  # drawn after its description: no public file shows what Photoshop makes of it
        notes.append("Advanced Blending: Blend If")
    return {
        "name": layer_name(record),
        "visible": record.flags.visible,
        "opacity": record.opacity / 255.0,
        "blend": BLENDS.get(mode, Blend.NORMAL),
        "clip": Clip.BASE if record.clipping == Clipping.NON_BASE else Clip.NONE,
        "masks": shown,
        "notes": (*notes, *missing),
        "formulas": Formulas.KRITA if drawing.file.is_kritas else Formulas.PHOTOSHOP,
        "fill": blocks.get_data(Tag.BLEND_FILL_OPACITY, 255) / 255.0,
        "knockout": _knockout(record),
        "blend_if": conditions,
        "effects": drawn,
        "clips_as_group": bool(blocks.get_data(Tag.BLEND_CLIPPING_ELEMENTS, True)),
    }


def _is_hard(entry: Record) -> bool:
    """Whether there is nothing to dissolve: all of it is opaque or clear."""
    record, alpha = entry.record, entry.channels.get(ALPHA)
    if (
        record.opacity < 255
        or record.mask_data is not None
        or record.tagged_blocks.get_data(Tag.BLEND_FILL_OPACITY, 255) < 255
    ):
        return False
    if alpha is None:
        return divider(record) == SectionDivider.OTHER  # a group says nothing of what is in it
    values = unit(alpha.read(range(record.height), range(record.width)))
    return bool(((values == 0.0) | (values == 1.0)).all())


def _knockout(record: LayerRecord) -> Knockout:
    value = record.tagged_blocks.get_data(Tag.KNOCKOUT_SETTING, 0)
    return Knockout(value) if value in (1, 2) else Knockout.NONE


def _blend_if(record: LayerRecord, planes: int) -> Iterator[BlendIf]:
    """Thresholds that say something; each is two bytes, of what fades in and what fades out. Behind those of the
    colours stand some of alpha, which Photoshop shows nowhere.
    """
    ranges = record.blending_ranges
    listed = [ranges.composite_ranges, *(ranges.channel_ranges or ())] if ranges.composite_ranges else []
    for index, (own, below) in enumerate(listed[: planes + 1]):
        if tuple(own) != (0, 65535) or tuple(below) != (0, 65535):
            yield BlendIf(None if index == 0 else index - 1, _thresholds(own), _thresholds(below))


def _thresholds(pairs: tuple[int, int]) -> tuple[int, int, int, int]:
    dark, light = pairs
    return dark >> 8, dark & 255, light >> 8, light & 255
