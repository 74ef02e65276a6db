"""A stored layer as PNG, some rows at a time (https://www.w3.org/TR/png-3/).

Pillow would hold all of it, several times over.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from acetate.protocol.errors import InvalidRequest
from acetate.protocol.geometry import Extent
from acetate.protocol.pixels import MEDIA_TYPE, PixelFormat, read_header

_MAGIC = b"\x89PNG\r\n\x1a\n"
_RGBA, _UP = 6, 2  # colour type; filter: each byte less the one above
_XMP = b"XML:com.adobe.xmp" + bytes(5)  # end of the keyword, not compressed, no language, no translation
_STRIP = 1 << 20  # bytes
_LEVEL = 1  # fast rather than small


def as_png(path: Path, xmp: bytes = b"") -> Iterator[bytes]:
    """The pieces of the file, with the packet `xmp` in it. Raises InvalidRequest where there are 16 bits a channel."""
    file = path.open("rb")
    extent, pixel_format, offset = read_header(file.read(64))
    if pixel_format is not PixelFormat.RGBA8:
        file.close()
        raise InvalidRequest("the layer has 16 bits a channel", f"Ask for {MEDIA_TYPE}.")
    file.seek(offset)
    return _pieces(file, extent, xmp)


def _pieces(file: BinaryIO, extent: Extent, xmp: bytes) -> Iterator[bytes]:
    with file:
        yield _MAGIC + _chunk(b"IHDR", struct.pack(">IIBBBBB", extent.width, extent.height, 8, _RGBA, 0, 0, 0))
        if xmp:
            yield _chunk(b"iTXt", _XMP + xmp)
        packer = zlib.compressobj(_LEVEL)
        for rows in _filtered(file, extent):
            if packed := packer.compress(rows):
                yield _chunk(b"IDAT", packed)
        yield _chunk(b"IDAT", packer.flush()) + _chunk(b"IEND", b"")


def _filtered(file: BinaryIO, extent: Extent) -> Iterator[bytes]:
    import numpy as np

    length = 4 * extent.width
    above = np.zeros((1, length), np.uint8)
    at_once = max(1, _STRIP // length)
    for start in range(0, extent.height, at_once):
        count = min(at_once, extent.height - start)
        rows = np.frombuffer(file.read(count * length), np.uint8).reshape(count, length)
        kinds = np.full((count, 1), _UP, np.uint8)
        yield np.hstack([kinds, np.diff(np.vstack([above, rows]), axis=0)]).tobytes()
        above = rows[-1:]


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
