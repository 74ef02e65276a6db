"""Where everything lies in a PSD or PSB (Adobe Photoshop File Formats Specification, 2019), without reading pixels.

psd-tools reads the structures; here are only offsets, so that a file of many gigabytes opens in milliseconds and
an edit can copy every byte that it does not mean to change.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from psd_tools.constants import ColorMode, Resource, Tag
from psd_tools.psd.color_mode_data import ColorModeData
from psd_tools.psd.header import FileHeader
from psd_tools.psd.image_resources import ImageResource, ImageResources
from psd_tools.psd.layer_and_mask import LayerRecord

from acetate_engine.documents.broken import broken_file
from acetate_engine.documents.psd_channels import Channel, Layout

MAX_SIDE = 300_000  # of a PSB
_LAYER_BLOCKS = (b"Lr16", b"Lr32", b"Layr")
_PATTERN_BLOCKS = (b"Patt", b"Pat2", b"Pat3")
_SHOWING = (Resource.ICC_PROFILE, Resource.VERSION_INFO, Resource.GLOBAL_ANGLE, Resource.INDEXED_COLOR_TABLE_COUNT,
            Resource.TRANSPARENCY_INDEX, Resource.DISPLAY_INFO, Resource.ALPHA_NAMES_UNICODE, Resource.XMP_METADATA,
)  # fmt: skip
_WITHOUT_XMP = ("Photoshop 3.0", "Photoshop 4.0", "Photoshop 5.0", "Photoshop 5.5", "Photoshop 6.0")
_XMP_PADDING = re.compile(rb"\s{1000,}<\?xpacket end=.w.\?>\s*$")  # XMP Specification, part 1, 7.3.2
# Blocks whose length takes eight bytes in a PSB (specification, "Additional Layer Information")
_LONG_BLOCKS = {
    *(b"LMsk", b"Lr16", b"Lr32", b"Layr", b"Mt16", b"Mt32", b"Mtrn", b"Alph", b"FMsk", b"lnk2", b"lnk3", b"lnkE"),
    *(b"FEid", b"FXid", b"FELS", b"PxSD", b"pths", b"extn", b"cinf", b"artd"),
}


@dataclass(frozen=True)
class Span:
    start: int  # byte offset in the file
    end: int

    @property
    def length(self) -> int:
        return self.end - self.start


@dataclass(frozen=True, eq=False)
class Record:
    """One entry of the flat layer list."""

    record: LayerRecord
    raw: Span
    pixels: Span  # of all its channels, one after the other
    channels: dict[int, Channel]  # by channel id; empty ones are left out


@dataclass(frozen=True, eq=False)
class LayerSection:
    """The layer list: in the section itself, or in a Lr16/Lr32 block."""

    body: Span  # count, records, channel data, padding
    length_at: int  # where the length of body is written
    long: bool  # in eight bytes
    count: int  # negative: the first extra channel of the merged image is its transparency
    records: tuple[Record, ...]


@dataclass(frozen=True, eq=False)
class PsdFile:
    path: Path
    size: int
    header: FileHeader
    palette: bytes  # of an indexed document: 256 red values, then green, then blue
    resources: ImageResources  # those that say how pixels are to be shown
    patterns: tuple[Span, ...]  # tagged blocks, with their signatures
    layer_and_mask: Span  # its length field in front not included
    section: LayerSection
    image: Span  # compression code and merged image

    @property
    def is_large(self) -> bool:
        return bool(self.header.version == 2)

    @property
    def profile(self) -> bytes | None:
        """ICC."""
        found = self.resources.get_data(Resource.ICC_PROFILE)
        return bytes(found) if found else None

    @property
    def merged_is_current(self) -> bool:
        """Whether its program says that the merged image shows the layers; Photoshop does since its version 6."""
        version = self.resources.get_data(Resource.VERSION_INFO)
        return bool(version is None or version.has_composite)

    @cached_property
    def merged_is_own(self) -> bool:
        """Whether the program whose layers these are saved the merged image, too. Others that save such a file again
        keep Photoshop's signature, but not the room that it leaves for edits in its metadata.
        """
        version = self.resources.get_data(Resource.VERSION_INFO)
        if version is None:
            return self.is_kritas
        if str(version.reader).rstrip("\0").endswith(_WITHOUT_XMP):
            return True
        xmp = self.resources.get_data(Resource.XMP_METADATA) or b""
        return _XMP_PADDING.search(xmp.encode() if isinstance(xmp, str) else bytes(xmp)) is not None

    @property
    def mixes_text_in_light(self) -> bool:
        """Photoshop's "Blend Text Colors Using Gamma", which is on unless switched off, since CS6 and in RGB."""
        version = self.resources.get_data(Resource.VERSION_INFO)
        if self.header.color_mode != ColorMode.RGB or self.header.depth == 32:
            return False
        return version is None or not _is_older(str(version.reader).rstrip("\0"))

    @cached_property
    def is_kritas(self) -> bool:
        """Whether Krita wrote it: it says nothing of versions, and ends names in a NUL."""
        names = [entry.record.tagged_blocks.get_data(Tag.UNICODE_LAYER_NAME, "") for entry in self.section.records]
        unsigned = self.resources.get_data(Resource.VERSION_INFO) is None
        return unsigned and any(str(name).endswith("\0") for name in names)

    def merged_channels(self) -> tuple[Channel, ...]:
        """The channels of the merged image; raises FileError where it is cut off."""
        header = self.header
        with broken_file(self.path.name), self.path.open("rb") as file:
            file.seek(self.image.start)
            compression = struct.unpack(">H", _exactly(file, 2))[0]
        layout = Layout(header.width, header.height * header.channels, header.depth, header.version)
        return tuple(
            Channel(self.path, self.image.start + 2, self.image.end, compression, layout, index * header.height)
            for index in range(header.channels)
        )


def _is_older(reader: str) -> bool:
    """Whether this is the name of a Photoshop before CS6, or of another program."""
    return not reader.startswith("Adobe Photoshop") or reader.endswith((" CS", " CS2", " CS3", " CS4", " CS5"))


def open_psd(path: Path) -> PsdFile:
    """Raises FileError where the file is not a PSD, is cut off, or contradicts itself."""
    with broken_file(path.name), path.open("rb") as file:
        return _parsed(path, file)


def _parsed(path: Path, file: BinaryIO) -> PsdFile:
    size = file.seek(0, 2)
    file.seek(0)
    header = FileHeader.read(file)
    if not 0 < header.width <= MAX_SIDE or not 0 < header.height <= MAX_SIDE:
        raise ValueError(f"it claims {header.width}×{header.height} pixels")
    palette = bytes(ColorModeData.read(file).value)
    resources = _resources(file)
    layer_and_mask = _span(file, header.version == 2)
    section = _layer_section(path, file, header, layer_and_mask)
    patterns = tuple(_patterns(file, header, layer_and_mask))
    image = Span(layer_and_mask.end, size)
    return PsdFile(path, size, header, palette, resources, patterns, layer_and_mask, section, image)


def _exactly(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) != count:
        raise EOFError(f"it ends {count - len(data)} bytes too early")
    return data


def _span(file: BinaryIO, long: bool) -> Span:
    """The section whose length comes next; leaves the file at its first byte."""
    length = struct.unpack(">Q" if long else ">I", _exactly(file, 8 if long else 4))[0]
    start = file.tell()
    end = file.seek(0, 2)
    if start + length > end:
        raise EOFError(f"a section of {length} bytes is cut off after {end - start}")
    file.seek(start)
    return Span(start, start + length)


def _resources(file: BinaryIO) -> ImageResources:
    """Those of _SHOWING among the image resources."""
    span = _span(file, long=False)
    found = []
    while file.tell() + 12 <= span.end:
        resource = ImageResource.read(file)
        if resource.key in _SHOWING:
            found.append((resource.key, resource))
    file.seek(span.end)
    return ImageResources(found)


def _patterns(file: BinaryIO, header: FileHeader, outer: Span) -> Iterator[Span]:
    """The blocks that hold patterns, behind the layer list and the global layer mask; none where those are broken."""
    if outer.length < 16:
        return
    large = header.version == 2
    file.seek(outer.start)
    file.seek(_span(file, large).end)
    if file.tell() + 4 > outer.end:
        return
    file.seek(_span(file, long=False).end)
    while file.tell() + 12 <= outer.end:
        start = file.tell()
        signature, key = struct.unpack(">4s4s", _exactly(file, 8))
        if signature not in (b"8BIM", b"8B64"):
            return
        body = _span(file, large and key in _LONG_BLOCKS)
        stop = min(outer.end, body.start + (body.length + 3) // 4 * 4)
        if key in _PATTERN_BLOCKS:
            yield Span(start, stop)
        file.seek(stop)


def _layer_section(path: Path, file: BinaryIO, header: FileHeader, outer: Span) -> LayerSection:
    long = header.version == 2
    width = 8 if long else 4
    if outer.length < width:
        return LayerSection(Span(outer.start, outer.start), outer.start, long, 0, ())
    file.seek(outer.start)
    body = _span(file, long)
    if body.end > outer.end:
        raise ValueError("the layer list is longer than its section")
    if body.length:
        return _records(path, file, header, body, outer.start, long)
    file.seek(body.end)
    block = _layer_block(file, outer.end, long)
    if block is None:
        return LayerSection(body, outer.start, long, 0, ())
    body, length_at, wide = block
    return _records(path, file, header, body, length_at, wide)


def _layer_block(file: BinaryIO, end: int, large: bool) -> tuple[Span, int, bool] | None:
    """The tagged block that holds the layer list of a 16 or 32 bit document."""
    if file.tell() + 4 <= end:
        mask = _span(file, long=False)  # global layer mask info
        file.seek(mask.end)
    while file.tell() + 12 <= end:
        signature, key = struct.unpack(">4s4s", _exactly(file, 8))
        if signature not in (b"8BIM", b"8B64"):
            raise ValueError(f"a tagged block begins with {signature!r}")
        length_at = file.tell()
        long = large and key in _LONG_BLOCKS
        body = _span(file, long)
        if key in _LAYER_BLOCKS and body.length:
            return body, length_at, long
        file.seek(min(end, body.start + (body.length + 3) // 4 * 4))
    return None


def _records(path: Path, file: BinaryIO, header: FileHeader, body: Span, length_at: int, long: bool) -> LayerSection:
    file.seek(body.start)
    count = struct.unpack(">h", _exactly(file, 2))[0]
    parsed: list[tuple[LayerRecord, Span]] = []
    for _ in range(abs(count)):
        start = file.tell()
        record = LayerRecord.read(file, version=header.version)
        parsed.append((record, Span(start, file.tell())))
    records = tuple(_with_channels(path, header, parsed, file.tell(), body.end))
    return LayerSection(body, length_at, long, count, records)


def _with_channels(
    path: Path, header: FileHeader, parsed: list[tuple[LayerRecord, Span]], position: int, end: int
) -> Iterator[Record]:
    for record, raw in parsed:
        start = position
        channels = {}
        for info, (width, height) in zip(record.channel_info, record.channel_sizes, strict=True):
            stop = position + info.length
            if stop > end:
                raise EOFError(f"the pixels of layer {record.name!r} are cut off")
            if info.length > 2 and width and height:
                layout = Layout(width, height, header.depth, header.version)
                channels[int(info.id)] = Channel.at(path, position, stop, layout)
            position = stop
        yield Record(record, raw, Span(start, position), channels)
