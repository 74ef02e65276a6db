"""The merged preview of an edited PSD: rows that did not change are copied, the others composited anew."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from psd_tools.compression import compress, encode_rle
from psd_tools.constants import Compression

from acetate.protocol.errors import FileError
from acetate.protocol.geometry import Bounds
from acetate_engine.documents.colour import Samples
from acetate_engine.documents.flatten import compose
from acetate_engine.documents.planes import unit
from acetate_engine.documents.psd_channels import Channel
from acetate_engine.documents.psd_file import PsdFile, open_psd
from acetate_engine.documents.psd_read import document_of
from acetate_engine.documents.psd_write import on_white
from acetate_engine.documents.tree import Layer, LayeredDocument

_STORED = {8: "u1", 16: ">u2", 32: ">f4"}


def write_merged(old: PsdFile, path: Path, layers: Sequence[Layer], changed: Bounds) -> tuple[str, ...]:
    """Appends the merged image to `path`, which ends behind its layers: the pixels of `old`, but those of `changed`
    that the new `layers` change. One that does not show the layers of `old` stays as it is.

    Returns what the layers hold that it may now lack: nothing where it shows what Acetate draws. Raises FileError.
    """
    if changed.is_empty or not old.merged_is_current:
        _copy_rest(old, path)
        return ()
    document = document_of(old)
    edited = document_of(open_psd(path), document.space)
    planes, is_guessed = _planes(old, layers, changed, document, edited)
    channels = old.merged_channels()
    with path.open("ab") as file:
        file.write(struct.pack(">H", channels[0].compression))
        if channels[0].compression in (Compression.RAW, Compression.RLE):
            rows = [_row_blocks(channel, changed, plane) for channel, plane in zip(channels, planes, strict=True)]
            write = _write_rle if channels[0].compression == Compression.RLE else _write_raw
            write(file, channels, rows, changed)
        else:
            _write_zip(file, channels, planes, changed)
    return edited.notes() if is_guessed else ()


def _copy_rest(old: PsdFile, path: Path) -> None:
    with old.path.open("rb") as source, path.open("ab") as file:
        source.seek(old.image.start)
        shutil.copyfileobj(source, file)


def _planes(
    old: PsdFile, layers: Sequence[Layer], changed: Bounds, document: LayeredDocument, edited: LayeredDocument
) -> tuple[list[Samples | None], bool]:
    """New samples of each merged channel, None for saved selections, which stay as they are; whether any of them
    rests on layers that Acetate draws otherwise than the program did.
    """
    space, depth = document.space, old.header.depth
    before, after = (compose(one.layers, changed, depth=depth, space=space) for one in (document, edited))
    coverage = unit(compose(layers, changed, depth=depth, space=space)[..., -1:])
    has_alpha = old.section.count < 0 and old.header.channels > space.planes
    count = space.planes + has_alpha
    rows, columns = range(changed.y, changed.bottom), range(changed.x, changed.right)
    stored = np.stack([channel.read(rows, columns) for channel in old.merged_channels()[:count]], -1)
    seen = [(one if old.is_kritas else on_white(one, space))[..., :count] for one in (before, after)]
    patched = _patched(stored, seen[0], seen[1], coverage)
    unlike = np.abs(unit(stored) - unit(seen[0])).max(-1, keepdims=True) > 2 / 255
    is_guessed = bool((unlike & (patched != stored).any(-1, keepdims=True) & (coverage < 1.0)).any())
    planes: list[Samples | None] = [patched[..., index] for index in range(count)]
    return planes + [None] * (old.header.channels - count), is_guessed


def _patched(stored: Samples, before: Samples, after: Samples, coverage: Samples) -> Samples:
    """Where the layers now make something else, that; with what the program's picture had beside ours (effects, say)
    as far as the new layers leave it uncovered.
    """
    fresh = unit(after) + (unit(stored) - unit(before)) * (1.0 - coverage)
    if stored.dtype != np.float32:
        top = np.iinfo(stored.dtype).max
        fresh = (np.clip(fresh, 0.0, 1.0) * top + 0.5).astype(stored.dtype)
    return np.where((before != after).any(-1, keepdims=True), fresh, stored)


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


def _write_zip(file: BinaryIO, channels: tuple[Channel, ...], planes: list[Samples | None], changed: Bounds) -> None:
    """A deflate stream cannot be changed in its middle: all of it is written anew."""
    layout = channels[0].layout
    height = layout.rows // len(channels)
    whole = []
    for channel, plane in zip(channels, planes, strict=True):
        samples = channel.read(range(height), range(layout.width))
        if plane is not None:
            samples[changed.window] = plane
        whole.append(samples.astype(_STORED[layout.depth]).tobytes())
    kind = Compression(channels[0].compression)
    file.write(compress(b"".join(whole), kind, layout.width, layout.rows, layout.depth, layout.version))


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
