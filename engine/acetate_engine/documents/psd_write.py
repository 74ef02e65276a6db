"""LayeredDocument → a new PSD, or a PSB beyond 30,000 pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from psd_tools.constants import Compression, Resource
from psd_tools.psd.document import PSD
from psd_tools.psd.header import FileHeader
from psd_tools.psd.image_data import ImageData
from psd_tools.psd.image_resources import ImageResource, ImageResources
from psd_tools.psd.layer_and_mask import (
    ChannelImageData,
    GlobalLayerMaskInfo,
    LayerAndMaskInformation,
    LayerInfo,
    LayerRecords,
)
from psd_tools.psd.tagged_blocks import TaggedBlocks

from acetate.protocol.geometry import Bounds
from acetate_engine.documents.colour import SRGB, ColourSpace, Samples, srgb_profile
from acetate_engine.documents.flatten import flatten
from acetate_engine.documents.planes import unit
from acetate_engine.documents.psd_records import Entry, Target, entries
from acetate_engine.documents.tree import LayeredDocument

_PSD_SIDE = 30_000  # what the specification allows before PSB


def write_psd(document: LayeredDocument, path: Path) -> None:
    """sRGB, 8 or 16 bit, with a merged preview. Raises FileError where PSD cannot hold a layer."""
    extent, depth = document.extent, 8 if document.depth == 8 else 16
    version = 2 if path.suffix.lower() == ".psb" or max(extent.width, extent.height) > _PSD_SIDE else 1
    target = Target(ColourSpace("RGB"), depth, version)
    canvas = Bounds.of(extent)
    merged = flatten(document.layers, canvas, depth=depth)
    opaque = bool((merged[..., 3] == np.iinfo(merged.dtype).max).all())
    header = FileHeader(
        version=version, channels=3 if opaque else 4, width=extent.width, height=extent.height, depth=depth
    )
    image = ImageData(Compression.RLE)
    image.set_data(target.planes(on_white(merged))[: header.channels], header)
    section = LayerAndMaskInformation(
        _layer_info(entries(document.layers, target, canvas), opaque), GlobalLayerMaskInfo(), TaggedBlocks()
    )
    psd = PSD(
        header=header, image_resources=_resources(document.xmp), layer_and_mask_information=section, image_data=image
    )
    with path.open("wb") as file:
        psd.write(file)


def _layer_info(written: list[Entry], opaque: bool) -> LayerInfo:
    records = LayerRecords([record for record, _ in written])
    channels = ChannelImageData([data for _, data in written])
    return LayerInfo(len(written) if opaque else -len(written), records, channels)


def _resources(xmp: bytes) -> ImageResources:
    found = {Resource.ICC_PROFILE: srgb_profile(), **({Resource.XMP_METADATA: xmp} if xmp else {})}
    return ImageResources([(key, ImageResource(key=key, data=data)) for key, data in found.items()])


def on_white(pixels: Samples, space: ColourSpace = SRGB) -> Samples:
    """Photoshop keeps the colours of a transparent merged image on white; (h, w, planes + 1) in, alpha kept."""
    alpha = unit(pixels[..., -1:])
    colour = unit(pixels[..., :-1]) * alpha + space.white * (1.0 - alpha)
    if pixels.dtype != np.float32:
        colour = (np.clip(colour, 0.0, 1.0) * np.iinfo(pixels.dtype).max + 0.5).astype(pixels.dtype)
    return np.concatenate([colour, pixels[..., -1:]], -1)
