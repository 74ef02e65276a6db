"""The merged preview of an edited PSD: rows that did not change are copied, the others composited anew."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from psd_tools.compression import encode_rle
from psd_tools.constants import Compression

from acetate.protocol.errors import FileError
from acetate.protocol.geometry import Bounds
from acetate_engine.documents.colour import PLANES, Samples
from acetate_engine.documents.flatten import flatten
from acetate_engine.documents.psd_channels import Channel
from acetate_engine.documents.psd_file import PsdFile, open_psd
from acetate_engine.documents.psd_read import colour_space, document_of
from acetate_engine.documents.psd_records import Target
from acetate_engine.documents.psd_write import on_white

_STORED = {8: "u1", 16: ">u2", 32: ">f4"}


def write_merged(old: PsdFile, path: Path, changed: Bounds) -> tuple[str, ...]:
    """Appends the merged image to `path`, which ends behind its layers: the pixels of `old`, but those of `changed`.

    Returns what the layers hold that flattening leaves out. Raises FileError.
    """
    if changed.is_empty:
        _copy_rest(old, path)
        return ()
    edited = open_psd(path)
    document = document_of(edited)
    pixels = flatten(document.layers, changed, depth=old.header.depth)
    target = Target(colour_space(edited), old.header.depth, old.header.version)
    planes = _planes(old, target, pixels)
    channels = old.merged_channels()
    _check(old, channels[0])
    with path.open("ab") as file:
        file.write(struct.pack(">H", channels[0].compression))
        rows = [_row_blocks(channel, changed, plane) for channel, plane in zip(channels, planes, strict=True)]
        if channels[0].compression == Compression.RLE:
            _write_rle(file, channels, rows, changed)
        else:
            _write_raw(file, channels, rows, changed)
    return document.notes()


def _copy_rest(old: PsdFile, path: Path) -> None:
    with old.path.open("rb") as source, path.open("ab") as file:
        source.seek(old.image.start)
        shutil.copyfileobj(source, file)


def _check(old: PsdFile, channel: Channel) -> None:
    if channel.compression not in (Compression.RAW, Compression.RLE):
        raise FileError(f"{old.path.name} has a merged image of compression {channel.compression}", "Save it again.")


def _planes(old: PsdFile, target: Target, pixels: Samples) -> list[Samples | None]:
    """New samples of each merged channel; None for saved selections, which stay as they are."""
    stored = [
        np.frombuffer(plane, _STORED[old.header.depth]).reshape(pixels.shape[:2])
        for plane in target.planes(on_white(pixels))
    ]
    colours = PLANES[target.space.model]
    planes: list[Samples | None] = [*stored[:colours]]
    if old.header.channels > colours:
        planes.append(stored[colours] if old.section.count < 0 else None)
    return planes + [None] * (old.header.channels - len(planes))


def _row_blocks(channel: Channel, changed: Bounds, plane: Samples | None) -> bytes:
    """Raw bytes of the changed rows, over the whole width."""
    rows = channel.read(range(changed.y, changed.bottom), range(channel.layout.width))
    if plane is not None:
        rows[:, changed.x : changed.right] = plane
    return rows.astype(_STORED[channel.layout.depth]).tobytes()


def _write_raw(file: BinaryIO, channels: tuple[Channel, ...], rows: list[bytes], changed: Bounds) -> None:
    for channel, block in zip(channels, rows, strict=True):
        size = channel.layout.row_bytes
        start = channel.start + channel.first * size
        height = channel.layout.rows // len(channels)
        _copy(channel, file, start, start + changed.y * size)
        file.write(block)
        _copy(channel, file, start + changed.bottom * size, start + height * size)


def _write_rle(file: BinaryIO, channels: tuple[Channel, ...], rows: list[bytes], changed: Bounds) -> None:
    """The table of all channels comes first, then the rows of one channel after the other."""
    layout = channels[0].layout
    kind = np.dtype(">u2" if layout.version == 1 else ">u4")
    height = layout.rows // len(channels)
    encoded = [encode_rle(block, layout.width, changed.height, layout.depth, layout.version) for block in rows]
    table = changed.height * kind.itemsize
    file.write(b"".join(_tables(channels, height, changed, [block[:table] for block in encoded], kind)))
    offsets = channels[0].row_offsets
    for channel, block in zip(channels, encoded, strict=True):
        edges = [int(offsets[channel.first + row]) for row in (0, changed.y, changed.bottom, height)]
        _copy(channel, file, edges[0], edges[1])
        file.write(block[table:])
        _copy(channel, file, edges[2], edges[3])


def _tables(
    channels: tuple[Channel, ...], height: int, changed: Bounds, fresh: list[bytes], kind: np.dtype[np.uint16]
) -> Iterator[bytes]:
    counts = np.diff(channels[0].row_offsets).astype(kind)
    for channel, block in zip(channels, fresh, strict=True):
        yield counts[channel.first : channel.first + changed.y].tobytes()
        yield block
        yield counts[channel.first + changed.bottom : channel.first + height].tobytes()


def _copy(channel: Channel, file: BinaryIO, start: int, end: int) -> None:
    with channel.path.open("rb") as source:
        source.seek(start)
        while start < end:
            piece = source.read(min(end - start, 1 << 22))
            if not piece:
                raise FileError(f"{channel.path.name} has a merged image that is cut off", "Save it again.")
            file.write(piece)
            start += len(piece)
