"""PSD and PSB → Document. Pixels stay in the file until a region is read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from psd_tools.api.adjustments import TYPES as ADJUSTMENTS
from psd_tools.constants import BlendMode, Clipping, ColorMode, SectionDivider, Tag
from psd_tools.psd.layer_and_mask import LayerRecord, MaskData

from acetate.protocol.errors import FileError
from acetate.protocol.geometry import Bounds, Extent
from acetate_engine.compositing.pixels import Pixels
from acetate_engine.documents.colour import PLANES, ColourSpace, Samples
from acetate_engine.documents.psd_channels import Channel
from acetate_engine.documents.psd_file import PsdFile, Record, open_psd, reading
from acetate_engine.documents.tree import Blend, Clip, Document, Group, Layer, LayerMask, Memory, PixelLayer

ALPHA, USER_MASK = -1, -2
MODES = {ColorMode.RGB: "RGB", ColorMode.GRAYSCALE: "GRAY", ColorMode.CMYK: "CMYK"}
BLENDS = {
    BlendMode.PASS_THROUGH: Blend.PASS_THROUGH,
    BlendMode.NORMAL: Blend.NORMAL,
    BlendMode.DARKEN: Blend.DARKEN,
    BlendMode.MULTIPLY: Blend.MULTIPLY,
    BlendMode.COLOR_BURN: Blend.COLOR_BURN,
    BlendMode.LINEAR_BURN: Blend.LINEAR_BURN,
    BlendMode.LIGHTEN: Blend.LIGHTEN,
    BlendMode.SCREEN: Blend.SCREEN,
    BlendMode.COLOR_DODGE: Blend.COLOR_DODGE,
    BlendMode.LINEAR_DODGE: Blend.ADD,
    BlendMode.OVERLAY: Blend.OVERLAY,
    BlendMode.SOFT_LIGHT: Blend.SOFT_LIGHT,
    BlendMode.HARD_LIGHT: Blend.HARD_LIGHT,
    BlendMode.VIVID_LIGHT: Blend.VIVID_LIGHT,
    BlendMode.LINEAR_LIGHT: Blend.LINEAR_LIGHT,
    BlendMode.PIN_LIGHT: Blend.PIN_LIGHT,
    BlendMode.HARD_MIX: Blend.HARD_MIX,
    BlendMode.DIFFERENCE: Blend.DIFFERENCE,
    BlendMode.EXCLUSION: Blend.EXCLUSION,
    BlendMode.SUBTRACT: Blend.SUBTRACT,
    BlendMode.DIVIDE: Blend.DIVIDE,
    BlendMode.DARKER_COLOR: Blend.DARKER_COLOR,
    BlendMode.LIGHTER_COLOR: Blend.LIGHTER_COLOR,
    BlendMode.HUE: Blend.HUE,
    BlendMode.SATURATION: Blend.SATURATION,
    BlendMode.COLOR: Blend.COLOR,
    BlendMode.LUMINOSITY: Blend.LUMINOSITY,
}
_UNDRAWN = (Tag.BRIGHTNESS_AND_CONTRAST, Tag.ARTBOARD_DATA1, Tag.ARTBOARD_DATA2, Tag.ARTBOARD_DATA3)
_MAX_NESTING = 100  # Photoshop allows ten


def read_psd(path: Path) -> Document:
    """Raises FileError where the file is broken or in a colour model other than RGB, grey or CMYK."""
    file = open_psd(path)
    with reading(path):
        return document_of(file)


def document_of(file: PsdFile) -> Document:
    space = colour_space(file)
    layers = _tree(file.section.records, space, file.path)
    merged = _Merged(file, space)
    return Document(
        Extent(file.header.width, file.header.height),
        layers or (PixelLayer("Background", source=merged),),
        file.header.depth,
        space.model,
        merged,
        file.path,
    )


@dataclass(frozen=True, eq=False)
class _Merged:
    """The flattened picture at the end of the file; its colours only."""

    file: PsdFile
    space: ColourSpace

    @property
    def bounds(self) -> Bounds:
        return Bounds(0, 0, self.file.header.width, self.file.header.height)

    def read(self, region: Bounds) -> Pixels:
        colour = self.file.merged_channels()[: PLANES[self.space.model]]
        return _Pixels(self.bounds, colour, None, self.space).read(region)


def colour_space(file: PsdFile) -> ColourSpace:
    """Raises FileError where Acetate cannot work in it."""
    if file.header.color_mode not in MODES:
        mode = ColorMode(file.header.color_mode).name.lower()
        raise FileError(f"{file.path.name} is a {mode} document", "Convert it to RGB, greyscale or CMYK.")
    if file.header.depth not in (8, 16, 32):
        raise FileError(f"{file.path.name} has {file.header.depth} bit a channel", "Convert it to 8 or 16 bit.")
    return ColourSpace(MODES[file.header.color_mode], file.profile)


@dataclass(frozen=True, eq=False)
class _Pixels:
    bounds: Bounds
    colour: tuple[Channel, ...]
    alpha: Channel | None  # opaque where None
    space: ColourSpace

    def read(self, region: Bounds) -> Pixels:
        rows, columns = _window(region, self.bounds)
        stacked: Samples = np.stack([channel.read(rows, columns) for channel in self.colour], -1)
        if self.space.model == "CMYK":
            stacked = np.iinfo(stacked.dtype).max - stacked  # Photoshop stores how much ink is missing
        rgb = self.space.to_srgb(stacked)
        alpha = np.full(rgb.shape[:2], np.iinfo(rgb.dtype).max, rgb.dtype)
        if self.alpha is not None:
            alpha = _whole(self.alpha.read(rows, columns))
        return np.concatenate([rgb, alpha[..., None]], -1)


@dataclass(frozen=True, eq=False)
class _Coverage:
    bounds: Bounds
    channel: Channel
    density: float  # 0..1: a mask of density 0 hides nothing

    def read(self, region: Bounds) -> Pixels:
        values = _whole(self.channel.read(*_window(region, self.bounds)))
        eight = values if values.dtype == np.uint8 else (values // 257).astype(np.uint8)
        return (255.0 - (255.0 - eight) * self.density + 0.5).astype(np.uint8)


def _window(region: Bounds, bounds: Bounds) -> tuple[range, range]:
    part = region.relative_to(bounds)
    return range(part.y, part.bottom), range(part.x, part.right)


def _whole(samples: Samples) -> Pixels:
    """Alpha and masks have no transfer function: float32 0..1 becomes uint16."""
    if samples.dtype == np.float32:
        return (np.clip(np.nan_to_num(samples), 0.0, 1.0) * 65535.0 + 0.5).astype(np.uint16)
    return samples


def divider(record: LayerRecord) -> SectionDivider:
    """OTHER for a layer that neither begins nor ends a group."""
    blocks = record.tagged_blocks
    setting = blocks.get_data(Tag.NESTED_SECTION_DIVIDER_SETTING) or blocks.get_data(Tag.SECTION_DIVIDER_SETTING)
    return setting.kind if setting is not None else SectionDivider.OTHER


def _tree(records: Iterable[Record], space: ColourSpace, path: Path) -> tuple[Layer, ...]:
    stack: list[list[Layer]] = [[]]
    for entry in records:
        kind = divider(entry.record)
        if kind == SectionDivider.BOUNDING_SECTION_DIVIDER:
            stack.append([])
        elif kind == SectionDivider.OTHER:
            stack[-1].append(_pixel_layer(entry, space))
        elif len(stack) == 1:
            raise FileError(f"{path.name} has a group without a beginning", "Save it again in its program.")
        else:
            children = tuple(stack.pop())
            stack[-1].append(_group(entry, children, kind == SectionDivider.OPEN_FOLDER))
        if len(stack) > _MAX_NESTING:
            raise FileError(f"{path.name} nests over {_MAX_NESTING} groups", "Flatten some of them.")
    if len(stack) > 1:
        raise FileError(f"{path.name} has a group without an end", "Save it again in its program.")
    return tuple(stack[0])


def _group(entry: Record, children: tuple[Layer, ...], is_open: bool) -> Group:
    record = entry.record
    blend, notes = _blend(_group_mode(record))
    return Group(
        layer_name(record),
        record.flags.visible,
        _opacity(record),
        blend,
        Clip.BASE if record.clipping == Clipping.NON_BASE else Clip.NONE,
        _masks(entry),
        notes + _notes(record),
        children,
        is_open,
    )


def _group_mode(record: LayerRecord) -> BlendMode:
    blocks = record.tagged_blocks
    setting = blocks.get_data(Tag.NESTED_SECTION_DIVIDER_SETTING) or blocks.get_data(Tag.SECTION_DIVIDER_SETTING)
    return setting.blend_mode or record.blend_mode


def _pixel_layer(entry: Record, space: ColourSpace) -> PixelLayer:
    record, planes = entry.record, PLANES[space.model]
    colour = tuple(entry.channels[index] for index in range(planes) if index in entry.channels)
    bounds = Bounds(record.left, record.top, record.width, record.height)
    if len(colour) == planes:
        source = _Pixels(bounds, colour, entry.channels.get(ALPHA), space)
    blend, notes = _blend(record.blend_mode)
    return PixelLayer(
        layer_name(record),
        record.flags.visible,
        _opacity(record),
        blend,
        Clip.BASE if record.clipping == Clipping.NON_BASE else Clip.NONE,
        _masks(entry),
        notes + _notes(record),
        source
        if len(colour) == planes
        else Memory(Bounds(record.left, record.top, 0, 0), np.zeros((0, 0, 4), np.uint8)),
    )


def layer_name(record: LayerRecord) -> str:
    """The Unicode name; Krita ends it in a NUL."""
    return str(record.tagged_blocks.get_data(Tag.UNICODE_LAYER_NAME, record.name)).rstrip("\0")


def _opacity(record: LayerRecord) -> float:
    return float(record.opacity * record.tagged_blocks.get_data(Tag.BLEND_FILL_OPACITY, 255)) / (255.0 * 255.0)


def _blend(mode: BlendMode) -> tuple[Blend, tuple[str, ...]]:
    if mode in BLENDS:
        return BLENDS[mode], ()
    return Blend.NORMAL, (f"blend mode {mode.name.lower()}",)


def _masks(entry: Record) -> tuple[LayerMask, ...]:
    """The user mask. With a vector mask Photoshop stores what both make together there (and what was painted as
    the real mask), and the density is the vector mask's.
    """
    mask: MaskData | None = entry.record.mask_data
    if mask is None or mask.flags.mask_disabled or USER_MASK not in entry.channels:
        return ()
    bounds = Bounds(mask.left, mask.top, mask.width, mask.height)
    density = _density(mask, "vector_mask_density" if mask.flags.user_mask_from_render else "user_mask_density")
    outside = round(255 - (255 - mask.background_color) * density)
    return (LayerMask(_Coverage(bounds, entry.channels[USER_MASK], density), outside),)


def _density(mask: MaskData, name: str) -> float:
    """0..1: a mask of density 0 hides nothing."""
    stored = getattr(mask.parameters, name, None)
    return 1.0 if stored is None else float(stored) / 255.0


def _notes(record: LayerRecord) -> tuple[str, ...]:
    blocks = record.tagged_blocks
    found = [key.name.lower().replace("_", " ") for key in (*ADJUSTMENTS, *_UNDRAWN) if key in blocks]
    if blocks.get_data(Tag.KNOCKOUT_SETTING, 0):
        found.append("knockout")
    if Tag.OBJECT_BASED_EFFECTS_LAYER_INFO in blocks:
        found.append("layer effects")
    if (Tag.VECTOR_MASK_SETTING1 in blocks or Tag.VECTOR_MASK_SETTING2 in blocks) and record.mask_data is None:
        found.append("vector mask")
    return tuple(found)
