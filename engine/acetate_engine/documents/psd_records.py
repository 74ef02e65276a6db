"""Layers of the tree → PSD layer records with their channel data, in the document's own colour space and depth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count

import numpy as np
from numpy.typing import NDArray
from psd_tools.constants import BlendMode, ChannelID, Clipping, Compression, SectionDivider, Tag
from psd_tools.psd.layer_and_mask import ChannelData, ChannelDataList, ChannelInfo, LayerRecord, MaskData

from acetate.protocol.errors import FileError
from acetate.protocol.geometry import Bounds
from acetate_engine.compositing.pixels import eight, sixteen
from acetate_engine.documents.colour import SRGB, ColourSpace, Samples
from acetate_engine.documents.planes import unit
from acetate_engine.documents.psd_blends import BLENDS
from acetate_engine.documents.psd_masks import USER_MASK
from acetate_engine.documents.tree import Blend, Clip, Group, Layer, LayerMask, PixelLayer, cropped

Entry = tuple[LayerRecord, ChannelDataList]
_MODES = {blend: mode for mode, blend in BLENDS.items()}
_MAX_PASCAL = 255  # bytes


@dataclass(frozen=True)
class Target:
    """What the channels of a file look like."""

    space: ColourSpace
    depth: int  # 8, 16, 32
    version: int  # 1 PSD, 2 PSB

    def planes(self, pixels: Samples, space: ColourSpace = SRGB) -> list[bytes]:
        """(h, w, planes + 1) straight samples of `space` → the bytes of the file's colour planes, then of its alpha."""
        colour = self._colour(pixels[..., :-1], space)
        return [self._bytes(colour[..., index]) for index in range(colour.shape[-1])] + [
            self._bytes(self._deep(pixels[..., -1]))
        ]

    def mask(self, coverage: Samples) -> bytes:
        return self._bytes(self._deep(coverage))

    def _colour(self, colour: Samples, space: ColourSpace) -> Samples:
        if space == self.space:
            return self._deep(colour)
        rgb = space.to_srgb(colour)
        deep = _eight(rgb) if self.depth == 8 else _sixteen(rgb)
        return self.space.from_srgb(deep)

    def _deep(self, values: Samples) -> Samples:
        """uint8 for 8 bit, uint16 for 16, float32 for 32; 255 becomes 65535 and back."""
        if self.depth == 8:
            return _eight(values)
        if self.depth == 16:
            return _sixteen(values)
        return values if values.dtype == np.float32 else unit(values)

    def _bytes(self, plane: Samples) -> bytes:
        return plane.astype({8: "u1", 16: ">u2", 32: ">f4"}[self.depth]).tobytes()


def _eight(values: Samples) -> Samples:
    if values.dtype == np.float32:
        return (np.clip(values, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)
    return eight(values)


def _sixteen(values: Samples) -> Samples:
    if values.dtype == np.float32:
        return (np.clip(values, 0.0, 1.0) * 65535.0 + 0.5).astype(np.uint16)
    return sixteen(values)


def entries(layers: Sequence[Layer], target: Target, canvas: Bounds, ids: Iterator[int] | None = None) -> list[Entry]:
    """Flat, bottom to top, groups between their dividers. Raises FileError where PSD cannot hold a layer."""
    ids = ids or count(1)
    found: list[Entry] = []
    for index, layer in enumerate(layers):
        layer = replace(layer, clip=_clip(layers, index))
        if isinstance(layer, Group):
            found.append(_divider())
            found += entries(layer.layers, target, canvas, ids)
            found.append(_group(layer, target, canvas, next(ids)))
        else:
            assert isinstance(layer, PixelLayer)
            found.append(_pixels(layer, target, canvas, next(ids)))
    return found


def _clip(layers: Sequence[Layer], index: int) -> Clip:
    """PSD clips to one layer: what inherits the alpha of several below cannot be said in it."""
    layer = layers[index]
    if layer.clip is Clip.BELOW and sum(below.clip is Clip.NONE for below in layers[:index]) != 1:
        raise FileError(
            f"the layer {layer.name!r} inherits the alpha of several layers, which PSD does not know",
            "Put it into a group with the one layer that it is to be clipped to.",
        )
    return Clip.NONE if layer.clip is Clip.NONE else Clip.BASE


def _pixels(layer: PixelLayer, target: Target, canvas: Bounds, number: int) -> Entry:
    inside = layer.bounds.intersection(canvas) if layer.bounds.width >= 1 << 20 else layer.bounds
    space = layer.source.space
    nothing = np.zeros((0, 0, space.planes + 1), np.uint8)
    pixels = layer.source.read(inside) if not inside.is_empty else nothing
    tight = cropped(inside.x, inside.y, pixels, space)
    record, data = _record(layer, tight.bounds, number)
    ids = [*range(target.space.planes), ChannelID.TRANSPARENCY_MASK]
    for channel, plane in zip(ids, target.planes(tight.pixels, space), strict=True):
        _add(record, data, channel, plane, tight.bounds, target)
    _add_mask(record, data, layer.masks, target)
    return record, data


def _group(layer: Group, target: Target, canvas: Bounds, number: int) -> Entry:
    record, data = _record(layer, Bounds(0, 0, 0, 0), number)
    kind = SectionDivider.OPEN_FOLDER if layer.open else SectionDivider.CLOSED_FOLDER
    mode = _mode(layer)
    record.tagged_blocks.set_data(Tag.SECTION_DIVIDER_SETTING, kind, signature=b"8BIM", blend_mode=mode)
    if mode is BlendMode.PASS_THROUGH:
        record.blend_mode = BlendMode.NORMAL  # old readers know the mode of the divider block only
    _add_empty(record, data)
    _add_mask(record, data, layer.masks, target)
    return record, data


def _divider() -> Entry:
    record, data = LayerRecord(name="</Layer group>"), ChannelDataList()
    record.tagged_blocks.set_data(Tag.SECTION_DIVIDER_SETTING, SectionDivider.BOUNDING_SECTION_DIVIDER)
    _add_empty(record, data)
    return record, data


def _record(layer: Layer, bounds: Bounds, number: int) -> Entry:
    record = LayerRecord(
        top=bounds.y,
        left=bounds.x,
        bottom=bounds.bottom,
        right=bounds.right,
        blend_mode=_mode(layer),
        opacity=round(layer.opacity * 255),
        clipping=Clipping.BASE if layer.clip is Clip.NONE else Clipping.NON_BASE,
        name=layer.name.encode("macroman", "replace")[:_MAX_PASCAL].decode("macroman"),
    )
    record.flags.visible = layer.visible
    record.tagged_blocks.set_data(Tag.UNICODE_LAYER_NAME, layer.name)
    record.tagged_blocks.set_data(Tag.LAYER_ID, number)
    return record, ChannelDataList()


def _mode(layer: Layer) -> BlendMode:
    if layer.blend not in _MODES:
        known = Blend.SOFT_LIGHT.value
        raise FileError(f"PSD has no blend mode {layer.blend.value!r}, layer {layer.name!r}", f"Use {known!r}.")
    return _MODES[layer.blend]


def _add(
    record: LayerRecord, data: ChannelDataList, channel: int, plane: bytes, bounds: Bounds, target: Target
) -> None:
    stored = ChannelData(Compression.RLE)
    if not bounds.is_empty:
        stored.set_data(plane, bounds.width, bounds.height, target.depth, target.version)
    else:
        stored = ChannelData(Compression.RAW)
    record.channel_info.append(ChannelInfo(channel, len(stored.data) + 2))
    data.append(stored)


def _add_empty(record: LayerRecord, data: ChannelDataList) -> None:
    """Dividers carry four channels without pixels, as Photoshop writes them."""
    for channel in (ChannelID.TRANSPARENCY_MASK, 0, 1, 2):
        record.channel_info.append(ChannelInfo(channel, 2))
        data.append(ChannelData(Compression.RAW))


def _add_mask(record: LayerRecord, data: ChannelDataList, masks: tuple[LayerMask, ...], target: Target) -> None:
    if not masks:
        return
    bounds, coverage, outside = _combined(masks)
    record.mask_data = MaskData(bounds.y, bounds.x, bounds.bottom, bounds.right, outside)
    _add(record, data, USER_MASK, target.mask(coverage), bounds, target)


def _combined(masks: tuple[LayerMask, ...]) -> tuple[Bounds, NDArray[np.uint8], int]:
    """PSD holds one mask a layer: the product of all."""
    bounds = Bounds.around(mask.source.bounds for mask in masks)
    product, outside = np.ones((bounds.height, bounds.width), np.float32), 1.0
    for mask in masks:
        layer = np.full_like(product, mask.outside / 255.0)
        part = mask.source.bounds.relative_to(bounds)
        layer[part.window] = unit(mask.source.read(mask.source.bounds))
        product *= layer
        outside *= mask.outside / 255.0
    rounded: NDArray[np.uint8] = (product * 255.0 + 0.5).astype(np.uint8)
    return bounds, rounded, 255 if outside >= 0.5 else 0
