"""The tiles of one Krita paint device: text headers, 64×64 tiles, LZF-compressed byte planes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from acetate.protocol.errors import FileError
from acetate.protocol.geometry import Bounds
from acetate_engine.documents import lzf
from acetate_engine.documents.archive import Archive, opened
from acetate_engine.documents.broken import broken_file

_HEADER = re.compile(rb"VERSION 2\nTILEWIDTH (\d{1,4})\nTILEHEIGHT (\d{1,4})\nPIXELSIZE (\d{1,2})\nDATA (\d{1,8})\n")
_TILE = re.compile(rb"(-?\d{1,9}),(-?\d{1,9}),LZF,(\d{1,9})\n")
_FAR = 1 << 24  # canvas pixels: no painter's tile lies further out


@dataclass(frozen=True)
class _Tile:
    x: int
    y: int
    start: int  # of its data in the member
    end: int


@dataclass(frozen=True, eq=False)
class Tiles:
    """Where the tiles of a device lie; their bytes are read again when pixels are asked for."""

    path: Path
    member: str
    default: bytes  # one pixel: what lies outside the tiles
    width: int
    height: int
    tiles: tuple[_Tile, ...]

    @property
    def bounds(self) -> Bounds:
        """Of all tiles, in the device's own coordinates."""
        return Bounds.around(Bounds(tile.x, tile.y, self.width, self.height) for tile in self.tiles)

    def read(self, region: Bounds) -> NDArray[np.uint8]:
        """(h, w, pixel size) bytes of pixels. Raises FileError where a tile is broken."""
        result = np.empty((region.height, region.width, len(self.default)), np.uint8)
        result[:] = np.frombuffer(self.default, np.uint8)
        with broken_file(f"{self.member} in {self.path.name}"):
            for tile in self.tiles:
                part = Bounds(tile.x, tile.y, self.width, self.height).intersection(region)
                if not part.is_empty:
                    to, of = part.relative_to(region), Bounds(part.x - tile.x, part.y - tile.y, part.width, part.height)
                    pixels = self._pixels(tile)[of.window]
                    result[to.window] = pixels
        return result

    def _pixels(self, tile: _Tile) -> NDArray[np.uint8]:
        data, size = self._data[tile.start : tile.end], len(self.default)
        area = self.width * self.height
        if data[:1] == b"\0":  # stored as it is
            return np.frombuffer(data[1:], np.uint8).reshape(self.height, self.width, size)
        planes = np.frombuffer(lzf.decompress(data[1:], area * size), np.uint8).reshape(size, self.height, self.width)
        return planes.transpose(1, 2, 0)

    @cached_property
    def _data(self) -> bytes:
        with opened(self.path) as archive:
            return archive.read(self.member)


def tiles_of(archive: Archive, member: str) -> Tiles:
    """Raises FileError where the member is not a tile list of version 2."""
    data, default = archive.read(member), archive.read(f"{member}.defaultpixel", 64)
    header = _HEADER.match(data)
    if header is None:
        raise FileError(f"{member} in {archive.path.name} is not a list of tiles", "Save it again with Krita 4 or 5.")
    width, height, size, count = (int(group) for group in header.groups())
    if size != len(default) or not 0 < width <= 256 or not 0 < height <= 256:
        raise FileError(f"{member} in {archive.path.name} contradicts its default pixel", "Save it again with Krita.")
    found = tuple(_scanned(data, header.end(), count, f"{member} in {archive.path.name}"))
    return Tiles(archive.path, member, default, width, height, found)


def _scanned(data: bytes, position: int, count: int, name: str) -> Iterator[_Tile]:
    for _ in range(count):
        header = _TILE.match(data, position)
        if header is None:
            raise FileError(f"{name} has a broken tile", "Save it again with Krita.")
        x, y, size = (int(group) for group in header.groups())
        if header.end() + size > len(data) or abs(x) > _FAR or abs(y) > _FAR:
            raise FileError(f"{name} has a tile that is cut off or out of reach", "Save it again with Krita.")
        position = header.end() + size
        yield _Tile(x, y, header.end(), position)
