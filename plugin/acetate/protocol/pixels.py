"""Pixels on the wire: RGBA8, RGBA16LE or A8, straight alpha, sRGB-encoded, row-major, no padding between rows.

An image travels as one body, a header line and the bytes of its pixels:

    ACETATE1 RGBA8 640 480\\n<640 · 480 · 4 bytes>

and is named by the SHA-256 of that body. PNG bodies are accepted too and named the same way.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum

from acetate.protocol.errors import MalformedMessage
from acetate.protocol.geometry import Extent

MEDIA_TYPE = "application/vnd.acetate.pixels"
MAX_PIXELS = 16384 * 16384  # beyond this a body is refused before it is read

_MAGIC = b"ACETATE1"
_HEADER_LIMIT = 64


class PixelFormat(str, Enum):
    RGBA8 = "RGBA8"  # uint8, 0..255
    RGBA16 = "RGBA16LE"  # uint16, little-endian, 0..65535
    A8 = "A8"  # uint8 coverage: a selection or mask

    @property
    def bytes_per_pixel(self) -> int:
        return {"RGBA8": 4, "RGBA16LE": 8, "A8": 1}[self.value]


@dataclass(frozen=True)
class PixelBuffer:
    """Pixels of one image. Raises MalformedMessage where the data is not as long as extent and format say."""

    extent: Extent
    format: PixelFormat
    data: bytes  # row-major, straight alpha, sRGB

    def __post_init__(self) -> None:
        check_length(self.extent, self.format, len(self.data))

    def encode(self) -> bytes:
        """The body: header line and pixels."""
        return header(self.extent, self.format) + self.data

    @staticmethod
    def decode(body: bytes) -> PixelBuffer:
        """Raises MalformedMessage where the header or the length is wrong."""
        extent, pixel_format, offset = read_header(body[:_HEADER_LIMIT])
        return PixelBuffer(extent, pixel_format, body[offset:])


def header(extent: Extent, pixel_format: PixelFormat) -> bytes:
    return b"%s %s %d %d\n" % (_MAGIC, pixel_format.value.encode(), extent.width, extent.height)


def read_header(start: bytes) -> tuple[Extent, PixelFormat, int]:
    """Extent, format and the offset of the first pixel, from the first 64 bytes of a body."""
    line, newline, _ = start[:_HEADER_LIMIT].partition(b"\n")
    words = line.split(b" ")
    if not newline or len(words) != 4 or words[0] != _MAGIC:
        raise MalformedMessage("the image has no ACETATE1 header", "Send raw pixels with the header, or PNG.")
    try:
        pixel_format = PixelFormat(words[1].decode())
        extent = Extent(int(words[2]), int(words[3]))
    except ValueError as error:
        raise MalformedMessage(f"the image header {line!r} is wrong: {error}", "Correct the header.") from error
    if extent.area > MAX_PIXELS:
        raise MalformedMessage(f"the image is {extent}", f"Send at most {MAX_PIXELS} pixels.")
    return extent, pixel_format, len(line) + 1


def stride(extent: Extent, longest: int) -> int:
    """Every which pixel of every which row is taken where no side shall be longer than `longest`."""
    return max(1, -(-max(extent.width, extent.height) // longest))


def check_length(extent: Extent, pixel_format: PixelFormat, length: int) -> None:
    """Raises MalformedMessage where so many bytes of pixels are too many, or too few."""
    expected = extent.area * pixel_format.bytes_per_pixel
    if length != expected:
        raise MalformedMessage(
            f"{extent} pixels of {pixel_format.value} are {expected} bytes, and {length} came", "Send the image again."
        )


def digest(body: bytes) -> str:
    """The name of an image: SHA-256 of its body, 64 lower-case hexadecimal digits."""
    return hashlib.sha256(body).hexdigest()


def is_digest(name: str) -> bool:
    return len(name) == 64 and all(character in "0123456789abcdef" for character in name)
