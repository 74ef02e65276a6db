"""Whether there is memory for a job's pictures, before any is unpacked: a small file may hold a huge picture."""

from __future__ import annotations

import struct
from pathlib import Path

import psutil

from acetate.protocol.errors import OutOfMemory
from acetate.protocol.geometry import Extent
from acetate.protocol.pixels import read_header
from acetate.protocol.requests import GenerateRequest, Task
from acetate_engine.jobs.images import ImageStore

# Bytes a pixel, as measured at their peak.
_UNPACKED = 8  # of each picture: as Pillow has read it, and as numpy holds it
_PASSED_ON = 8  # of the region, where pictures are only given back: in another depth
_WORKING = 42  # of the region: RGBA of several stages, float ones too
_ALTERNATIVE = 6  # of each further picture of the result
_SHARE = 0.8  # of the memory that is free now
_GIB = 2**30


def check_memory(request: GenerateRequest, images: ImageStore) -> None:
    """Raises OutOfMemory, UnknownImage, MalformedMessage."""
    needed = needed_memory(request, [extent_of(images.found(digest)) for digest in request.image_digests])
    free = psutil.virtual_memory().available
    if needed > _SHARE * free:
        there = f"about {needed / _GIB:.1f} GiB, and {free / _GIB:.1f} are free"
        raise OutOfMemory(
            f"the pictures of {request.covered.extent} take {there}",
            "Choose a smaller region, or close other programs.",
        )


def needed_memory(request: GenerateRequest, pictures: list[Extent]) -> int:
    """Bytes beside the model."""
    unpacked = _UNPACKED * sum(extent.area for extent in pictures)
    if request.task is Task.IDENTITY:
        return unpacked + _PASSED_ON * request.bounds.extent.area
    area = request.covered.extent.area
    if request.task is Task.UPSCALE:
        area *= request.factor**2
    return unpacked + (_WORKING + _ALTERNATIVE * (request.images - 1)) * area


def extent_of(path: Path) -> Extent:
    """By the first bytes of a body. Raises MalformedMessage."""
    with path.open("rb") as file:
        start = file.read(64)
    if start.startswith(b"\x89PNG") and len(start) >= 24:
        return Extent(*struct.unpack(">II", start[16:24]))
    return read_header(start)[0]
