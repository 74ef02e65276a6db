"""New layers into an existing PSD or PSB. Every byte of it is copied, except the layer count, three lengths,
and the rows of the merged preview that the new layers change."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import BinaryIO

from psd_tools.constants import Clipping, ColorMode, SectionDivider, Tag

from acetate.protocol.errors import FileError
from acetate.protocol.geometry import Bounds
from acetate_engine.documents.broken import broken_file
from acetate_engine.documents.psd_file import PsdFile, Record, Span, open_psd
from acetate_engine.documents.psd_layers import divider, layer_name
from acetate_engine.documents.psd_merged import write_merged
from acetate_engine.documents.psd_read import colour_space, document_of
from acetate_engine.documents.psd_records import Entry, Target, entries
from acetate_engine.documents.tree import Layer, extent_of, resolve


def insert_layers(
    source: Path, target: Path, layers: Sequence[Layer], *, above: str | None = None, below: str | None = None
) -> tuple[str, ...]:
    """`layers` (bottom to top) above or below a layer or group of `source`, on top where None; the result in `target`.

    Returns what the preview leaves out of other layers (effects, adjustments). Raises FileError.
    """
    if source.exists() and target.exists() and source.samefile(target):
        raise FileError(f"{target} is the document itself", "Write to another file.")
    file = open_psd(source)
    with broken_file(source.name):
        _check_mode(file)
        document = document_of(file)
        space = colour_space(file)
        shape = Target(space, file.header.depth, file.header.version)
        flat = not file.section.records  # its only picture is the merged one: it becomes the bottom layer
        added = (*document.layers, *layers) if flat else layers
        fresh = entries(added, shape, Bounds.of(document.extent), _free_ids(file.section.records))
        index = 0 if flat else _index(file.section.records, above, below, source.name)
    with source.open("rb") as old, target.open("wb") as new:
        _write_layers(file, old, new, index, fresh)
    changed = extent_of(layers).intersection(Bounds.of(document.extent))
    with broken_file(source.name):
        return write_merged(file, target, layers, changed)


def _check_mode(file: PsdFile) -> None:
    """Raises FileError for the modes in which Photoshop knows no layers, and those whose colours have no answer."""
    mode = ColorMode(file.header.color_mode)
    if mode not in (ColorMode.RGB, ColorMode.GRAYSCALE, ColorMode.CMYK):
        name = mode.name.capitalize()
        raise FileError(
            f"{file.path.name} is in the mode {name}, into which Acetate inserts no layers",
            "Convert it to RGB, greyscale or CMYK.",
        )


def _free_ids(records: Sequence[Record]) -> Iterator[int]:
    """The numbers that no layer has: counting on from the largest may leave its four bytes."""
    taken = {entry.record.tagged_blocks.get_data(Tag.LAYER_ID) for entry in records}
    return (number for number in count(1) if number not in taken)


@dataclass(frozen=True)
class _Node:
    """A layer or group as a range of the flat list."""

    start: int
    stop: int
    entry: Record
    children: tuple[_Node, ...] = ()

    @property
    def is_clipped(self) -> bool:
        return bool(self.entry.record.clipping == Clipping.NON_BASE)


def _index(records: Sequence[Record], above: str | None, below: str | None, where: str) -> int:
    """Where in the flat list new layers go; what is clipped to a layer stays with it."""
    anchor = above if above is not None else below
    if anchor is None:
        return len(records)
    siblings, position = resolve(anchor, list(_places(_nodes(records), "")), where)
    if above is None:
        while position and siblings[position].is_clipped:
            position -= 1
        return siblings[position].start
    position += 1
    while position < len(siblings) and siblings[position].is_clipped:
        position += 1
    return siblings[position - 1].stop


def _nodes(records: Sequence[Record]) -> tuple[_Node, ...]:
    """Groups pair up: reading the document has checked it."""
    stack: list[tuple[list[_Node], int]] = [([], 0)]
    for index, entry in enumerate(records):
        kind = divider(entry.record)
        if kind == SectionDivider.BOUNDING_SECTION_DIVIDER:
            stack.append(([], index))
        elif kind == SectionDivider.OTHER:
            stack[-1][0].append(_Node(index, index + 1, entry))
        else:
            children, start = stack.pop()
            stack[-1][0].append(_Node(start, index + 1, entry, tuple(children)))
    return tuple(stack[0][0])


def _places(nodes: tuple[_Node, ...], prefix: str) -> Iterator[tuple[str, str, tuple[tuple[_Node, ...], int]]]:
    for position, node in enumerate(nodes):
        name = layer_name(node.entry.record)
        yield prefix + name, name, (nodes, position)
        yield from _places(node.children, f"{prefix}{name}/")


def _write_layers(file: PsdFile, old: BinaryIO, new: BinaryIO, index: int, fresh: list[Entry]) -> None:
    """Everything up to the merged image."""
    outer, section = file.layer_and_mask, file.section
    body = _body(file, old, index, fresh)
    wide = 8 if file.is_large else 4
    lengths_at = outer.start - wide  # the length of the section in front of it
    if section.length_at == outer.start and outer.length == 0:  # no section yet
        _copy(old, new, Span(0, lengths_at))
        _write_length(new, wide + len(body) + 4, wide)
        _write_length(new, len(body), wide)
        new.write(body + bytes(4))  # and an empty global layer mask
        return
    is_block = section.length_at != outer.start
    kept = section.body.start + (section.body.length + 3) // 4 * 4 if is_block else section.body.end
    tail = Span(min(kept, outer.end), outer.end)
    _copy(old, new, Span(0, lengths_at))
    _write_length(new, section.body.start - outer.start + len(body) + tail.length, wide)
    _copy(old, new, Span(outer.start, section.length_at))
    _write_length(new, len(body), 8 if section.long else 4)
    new.write(body)
    _copy(old, new, tail)


def _body(file: PsdFile, old: BinaryIO, index: int, fresh: list[Entry]) -> bytes:
    """Count, records, channel data; what was there is copied byte by byte."""
    section, stream = file.section, io.BytesIO()
    total = len(section.records) + len(fresh)
    stream.write(struct.pack(">h", -total if section.count < 0 else total))
    before, after = section.records[:index], section.records[index:]
    for entry in before:
        _copy(old, stream, entry.raw)
    for record, _ in fresh:
        record.write(stream, version=file.header.version)
    for entry in after:
        _copy(old, stream, entry.raw)
    for entry in before:
        _copy(old, stream, entry.pixels)
    for _, channels in fresh:
        channels.write(stream)
    for entry in after:
        _copy(old, stream, entry.pixels)
    stream.write(bytes(-stream.tell() % 4))
    return stream.getvalue()


def _write_length(new: BinaryIO, length: int, wide: int) -> None:
    new.write(struct.pack(">Q" if wide == 8 else ">I", length))


def _copy(old: BinaryIO, new: BinaryIO, span: Span) -> None:
    old.seek(span.start)
    left = span.length
    while left:
        piece = old.read(min(left, 1 << 22))
        if not piece:
            raise FileError("the document became shorter while it was copied", "Try again.")
        new.write(piece)
        left -= len(piece)
