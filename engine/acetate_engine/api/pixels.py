"""Pictures as files on their way to a client."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from starlette.responses import FileResponse

from acetate.protocol.geometry import Extent
from acetate.protocol.pixels import header, read_header, stride

_CODES: Mapping[int, Literal["B", "I", "Q"]] = {1: "B", 4: "I", 8: "Q"}  # memoryview's, of a pixel of so many bytes


class PixelsResponse(FileResponse):
    """In large pieces: each is read in a thread of its own, and 64 KB, as Starlette has it, take longer to ask for than
    to read; what a layer of 700² takes is one.
    """

    chunk_size = 1 << 21  # bytes


def thinned(path: Path, longest: int) -> bytes:
    """The body of a stored picture, no side longer than `longest`: every n-th pixel of every n-th row."""
    with path.open("rb") as file:
        extent, pixel_format, offset = read_header(file.read(64))
        step, length = stride(extent, longest), extent.width * pixel_format.bytes_per_pixel
        rows = []
        for y in range(0, extent.height, step):
            file.seek(offset + y * length)
            rows.append(memoryview(file.read(length)).cast(_CODES[pixel_format.bytes_per_pixel])[::step].tobytes())
    return header(Extent(-(-extent.width // step), len(rows)), pixel_format) + b"".join(rows)
