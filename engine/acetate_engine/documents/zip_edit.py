"""A zip file with some members replaced or added; every other entry is copied as it is (PKWARE's APPNOTE.TXT, 4.3)."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from acetate.protocol.errors import FileError
from acetate_engine.documents.archive import member_name
from acetate_engine.documents.broken import broken_file

_OFFSET_AT = 42  # of the local header, in an entry of the central directory


@dataclass(frozen=True)
class _Entry:
    name: str
    record: bytes  # of the central directory
    local: bytes | tuple[int, int]  # header and data: themselves, or where they lie in the old file


def rewrite(source: Path, target: Path, members: Mapping[str, bytes]) -> None:
    """`source` with these members (name → content) in `target`. Raises FileError."""
    fresh = {entry.name: entry for entry in _entries(io.BytesIO(_zipped(members)), keep=True)}
    with broken_file(source.name), source.open("rb") as old, target.open("wb") as new:
        kept = [fresh.pop(entry.name, entry) for entry in _entries(old, keep=False)]
        records = [_written(entry, old, new) for entry in (*kept, *fresh.values())]
        start = new.tell()
        new.write(b"".join(records))
        size = new.tell() - start
        new.write(struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, len(records), len(records), size, start, 0))


def _zipped(members: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def _entries(stream: BinaryIO, *, keep: bool) -> list[_Entry]:
    """In the order of the central directory; `keep` their bytes."""
    with zipfile.ZipFile(stream) as file:
        infos, start = file.infolist(), file.start_dir
    end = stream.seek(0, 2)
    if end >= 1 << 32 or len(infos) >= 1 << 16:
        raise FileError("the document is too large to be edited in place", "Use a smaller one.")
    stream.seek(start)
    directory = stream.read(end - start)
    edges = sorted([info.header_offset for info in infos] + [start])
    found, position = [], 0
    for info in infos:
        lengths = struct.unpack_from("<3H", directory, position + 28)
        record = directory[position : position + 46 + sum(lengths)]
        position += len(record)
        first, last = info.header_offset, edges[edges.index(info.header_offset) + 1]
        stream.seek(first)
        found.append(_Entry(member_name(info), record, stream.read(last - first) if keep else (first, last)))
    return found


def _written(entry: _Entry, old: BinaryIO, new: BinaryIO) -> bytes:
    """Its record with the place where it lies now."""
    offset = new.tell()
    if isinstance(entry.local, bytes):
        new.write(entry.local)
    else:
        old.seek(entry.local[0])
        left = entry.local[1] - entry.local[0]
        while left:
            piece = old.read(min(left, 1 << 22))
            if not piece:
                raise EOFError("it ends too early")
            new.write(piece)
            left -= len(piece)
    return entry.record[:_OFFSET_AT] + struct.pack("<I", offset) + entry.record[_OFFSET_AT + 4 :]
