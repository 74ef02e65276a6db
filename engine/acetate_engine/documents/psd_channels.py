"""Pixels of one PSD channel, row by row, without decoding the rest of it."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from psd_tools.compression import decode_prediction, decode_rle
from psd_tools.constants import Compression

from acetate.protocol.errors import FileError
from acetate_engine.documents.colour import Samples

_CHUNK = 1 << 22  # samples decoded at a time
_MAX_SIDE = 300_000  # of a PSB
_DTYPES: dict[int, np.dtype[Any]] = {
    1: np.dtype(np.uint8),
    8: np.dtype(np.uint8),
    16: np.dtype(">u2"),
    32: np.dtype(">f4"),
}


@dataclass(frozen=True)
class Layout:
    """Rows as they are stored; `rows` counts those of all channels where one stream holds several."""

    width: int
    rows: int
    depth: int  # 8, 16, 32
    version: int  # 1 PSD, 2 PSB

    @property
    def row_bytes(self) -> int:
        return (self.width * self.depth + 7) // 8


@dataclass(frozen=True)
class Channel:
    path: Path
    start: int  # offset of the first byte behind the compression code
    end: int
    compression: int
    layout: Layout
    first: int = 0  # row of the layout where this channel begins

    @staticmethod
    def at(path: Path, start: int, end: int, layout: Layout) -> Channel:
        """A channel whose compression code is at `start`."""
        with path.open("rb") as file:
            file.seek(start)
            code = struct.unpack(">H", file.read(2))[0]
        return Channel(path, start + 2, end, code, layout)

    def read(self, rows: range, columns: range) -> Samples:
        """(len(rows), len(columns)) uint8, uint16 or float32. Raises FileError where the data is broken."""
        self._check()
        result = np.empty((len(rows), len(columns)), _DTYPES[self.layout.depth].newbyteorder("="))
        step = max(1, _CHUNK // self.layout.width)
        try:
            with self.path.open("rb") as file:
                chunks = [range(top, min(top + step, rows.stop)) for top in range(rows.start, rows.stop, step)]
                for chunk, data in zip(chunks, self._decoded(file, chunks), strict=True):
                    values = self._values(data, len(chunk))
                    part = slice(chunk.start - rows.start, chunk.stop - rows.start)
                    result[part] = values[:, columns.start : columns.stop]
        except (OSError, ValueError, IndexError, zlib.error, struct.error) as error:
            raise self._broken(str(error)) from error
        return result

    def _values(self, data: bytes, rows: int) -> NDArray[Any]:
        """Bits of a bitmap are 0 for white."""
        if self.layout.depth > 1:
            return np.frombuffer(data, _DTYPES[self.layout.depth]).reshape(rows, self.layout.width)
        bits = np.unpackbits(np.frombuffer(data, np.uint8).reshape(rows, -1), axis=1)[:, : self.layout.width]
        return (1 - bits) * np.uint8(255)

    @cached_property
    def row_offsets(self) -> NDArray[np.int64]:
        """Where each RLE row of the layout begins in the file, and the end of the last."""
        layout = self.layout
        kind = np.dtype(">u2" if layout.version == 1 else ">u4")
        table = layout.rows * kind.itemsize
        if self.start + table > self.end:
            raise self._broken("the table of its rows is cut off")
        with self.path.open("rb") as file:
            file.seek(self.start)
            counts = np.frombuffer(file.read(table), kind).astype(np.int64)
        offsets = self.start + table + np.concatenate([[0], np.cumsum(counts)])
        if offsets[-1] > self.end:
            raise self._broken("its rows are longer than the channel")
        return offsets.astype(np.int64)

    def _check(self) -> None:
        layout = self.layout
        if layout.depth not in _DTYPES:
            raise FileError(f"{self.path.name} has {layout.depth} bit a channel", "Save it with 8, 16 or 32 bit.")
        if not 0 < layout.width <= _MAX_SIDE or not 0 < layout.rows <= _MAX_SIDE * 57:
            raise self._broken(f"it claims {layout.width}×{layout.rows} pixels")

    def _decoded(self, file: BinaryIO, chunks: list[range]) -> Iterator[bytes]:
        stored = [range(chunk.start + self.first, chunk.stop + self.first) for chunk in chunks]
        match self.compression:
            case Compression.RAW:
                return (self._raw(file, rows) for rows in stored)
            case Compression.RLE:
                return (self._rle(file, rows) for rows in stored)
            case Compression.ZIP | Compression.ZIP_WITH_PREDICTION:
                return self._zip(file, stored)
        raise self._broken(f"compression {self.compression} is unknown")

    def _raw(self, file: BinaryIO, rows: range) -> bytes:
        size = self.layout.row_bytes
        first, last = self.start + rows.start * size, self.start + rows.stop * size
        if last > self.end:
            raise self._broken("its pixels are cut off")
        file.seek(first)
        return file.read(last - first)

    def _rle(self, file: BinaryIO, rows: range) -> bytes:
        offsets = self.row_offsets[rows.start : rows.stop + 1]
        kind = np.dtype(">u2" if self.layout.version == 1 else ">u4")
        file.seek(int(offsets[0]))
        data = np.diff(offsets).astype(kind).tobytes() + file.read(int(offsets[-1] - offsets[0]))
        layout = self.layout
        return bytes(decode_rle(data, layout.width, len(rows), layout.depth, layout.version))

    def _zip(self, file: BinaryIO, chunks: list[range]) -> Iterator[bytes]:
        """One pass over the stream: deflate cannot be entered in the middle."""
        layout, stream = self.layout, _Inflated(file, self.start, self.end)
        for rows in chunks:
            stream.skip_to(rows.start * layout.row_bytes)
            data = stream.read(len(rows) * layout.row_bytes)
            if self.compression == Compression.ZIP_WITH_PREDICTION:
                data = bytes(decode_prediction(data, layout.width, len(rows), layout.depth))
            yield data

    def _broken(self, reason: str) -> FileError:
        return FileError(f"{self.path.name} has a broken channel: {reason}", "Save it again in its program.")


class _Inflated:
    """A deflate stream, read forwards in bounded pieces."""

    def __init__(self, file: BinaryIO, start: int, end: int) -> None:
        file.seek(start)
        self._file, self._left = file, end - start
        self._inflater = zlib.decompressobj()
        self._position = 0

    def skip_to(self, position: int) -> None:
        while self._position < position:
            self.read(min(_CHUNK, position - self._position))

    def read(self, size: int) -> bytes:
        pieces, missing = [], size
        while missing:
            piece = self._inflater.decompress(self._compressed(), missing)
            if not piece and not self._inflater.unconsumed_tail and not self._left:
                raise ValueError("its pixels are cut off")
            pieces.append(piece)
            missing -= len(piece)
        self._position += size
        return b"".join(pieces)

    def _compressed(self) -> bytes:
        if self._inflater.unconsumed_tail:
            return self._inflater.unconsumed_tail
        data = self._file.read(min(1 << 16, self._left))
        self._left -= len(data)
        return data
