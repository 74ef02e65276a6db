"""What psd-tools draws for us of a PSD: vector masks, fills, gradients, patterns, strokes and adjustments.

It wants its own document: one of the same records, without any pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from psd_tools.api.layers import Layer as ToolLayer
from psd_tools.api.psd_image import PSDImage
from psd_tools.constants import Resource, Tag
from psd_tools.psd.color_mode_data import ColorModeData
from psd_tools.psd.descriptor import Descriptor
from psd_tools.psd.document import PSD
from psd_tools.psd.image_data import ImageData
from psd_tools.psd.layer_and_mask import (
    ChannelData,
    ChannelDataList,
    ChannelImageData,
    GlobalLayerMaskInfo,
    LayerAndMaskInformation,
    LayerInfo,
    LayerRecord,
    LayerRecords,
)
from psd_tools.psd.tagged_blocks import TaggedBlock, TaggedBlocks

from acetate_engine.documents.colour import ColourSpace
from acetate_engine.documents.psd_file import PsdFile


def first_descriptor(record: LayerRecord, tags: Sequence[Tag]) -> Descriptor | None:
    """What the first of these blocks of a layer holds; None where it has none of them."""
    held = map(record.tagged_blocks.get_data, tags)
    return next((found for found in held if isinstance(found, Descriptor)), None)


class Drawing:
    """psd-tools' view of a file; made when first asked for."""

    def __init__(self, file: PsdFile, space: ColourSpace) -> None:
        self.file, self.space = file, space

    def layer(self, record: LayerRecord) -> ToolLayer:
        return self._layers[id(record)]

    @property
    def angle(self) -> float:
        """Degrees of the document's global light."""
        return float(self.file.resources.get_data(Resource.GLOBAL_ANGLE) or 30)

    @cached_property
    def document(self) -> PSDImage:
        file = self.file
        records = [entry.record for entry in file.section.records]
        info = LayerInfo(len(records), LayerRecords(records), ChannelImageData([_no_pixels(one) for one in records]))
        layers = LayerAndMaskInformation(info, GlobalLayerMaskInfo(), self._patterns())
        return PSDImage(PSD(file.header, ColorModeData(file.palette), file.resources, layers, ImageData()))

    @cached_property
    def _layers(self) -> dict[int, ToolLayer]:
        return {id(layer._record): layer for layer in self.document.descendants()}

    def _patterns(self) -> TaggedBlocks:
        blocks = TaggedBlocks()
        with self.file.path.open("rb") as stream:
            for span in self.file.patterns:
                stream.seek(span.start)
                block = TaggedBlock.read(stream, version=self.file.header.version, padding=4)
                if block is not None:
                    blocks[block.key] = block
        return blocks


def _no_pixels(record: LayerRecord) -> ChannelDataList:
    return ChannelDataList([ChannelData() for _ in record.channel_info])
