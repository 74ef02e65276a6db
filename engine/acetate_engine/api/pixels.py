"""Pictures as files on their way to a client."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from starlette.responses import FileResponse, Response

from acetate.protocol.geometry import Extent
from acetate.protocol.pixels import header, read_header, stride

_PIECE = 1 << 21  # bytes; what a layer of 700² takes is one
_CODES: Mapping[int, Literal["B", "I", "Q"]] = {1: "B", 4: "I", 8: "Q"}  # memoryview's, of a pixel of so many bytes


class PixelsResponse(FileResponse):
    """Each piece is read in a thread of its own: to ask for 64 KB, as Starlette has it, takes longer than to read."""

    chunk_size = _PIECE


def pixels(path: Path, media_type: str, longest: int | None = None) -> Response:
    """All of them, or some (`thinned`). Asked for in a thread: what is one piece is read at once. Raises OSError."""
    if longest is not None:
        return Response(thinned(path, longest), media_type=media_type)
    if path.stat().st_size <= _PIECE:
        return Response(path.read_bytes(), media_type=media_type)
    return PixelsResponse(path, media_type=media_type)


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
