"""Pictures as files on their way to a client."""

from __future__ import annotations

from starlette.responses import FileResponse


class PixelsResponse(FileResponse):
    """In large pieces: each is read in a thread of its own, and 64 KB, as Starlette has it, take longer to ask for than
    to read; what a layer of 700² takes is one.
    """

    chunk_size = 1 << 21  # bytes
