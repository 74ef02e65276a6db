"""Whether there is memory for a job's pictures, before any is unpacked: a small file may hold a huge picture."""

from __future__ import annotations

import struct
from pathlib import Path

import psutil

from acetate.protocol.errors import OutOfMemory
from acetate.protocol.geometry import Extent
from acetate.protocol.pixels import read_header
from acetate.protocol.requests import GenerateRequest
from acetate_engine.jobs.images import ImageStore

_WORKING = 24  # bytes a pixel of the region: some copies of RGBA, float ones of parts
_UNPACKED = 12  # bytes a pixel of each picture: as Pillow and as numpy hold it
_SHARE = 0.8  # of the memory that is free now
_GIB = 2**30


def check_memory(request: GenerateRequest, images: ImageStore) -> None:
    """Raises OutOfMemory, UnknownImage, MalformedMessage."""
    extents = [extent_of(images.found(digest)) for digest in request.image_digests]
    needed = _WORKING * request.covered.extent.area + _UNPACKED * sum(extent.area for extent in extents)
    free = psutil.virtual_memory().available
    if needed > _SHARE * free:
        there = f"about {needed / _GIB:.1f} GiB, and {free / _GIB:.1f} are free"
        raise OutOfMemory(
            f"the pictures of {request.covered.extent} take {there}",
            "Choose a smaller region, or close other programs.",
        )


def extent_of(path: Path) -> Extent:
    """By the first bytes of a body. Raises MalformedMessage."""
    with path.open("rb") as file:
        start = file.read(64)
    if start.startswith(b"\x89PNG") and len(start) >= 24:
        return Extent(*struct.unpack(">II", start[16:24]))
    return read_header(start)[0]
