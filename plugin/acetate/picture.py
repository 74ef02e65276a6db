"""A picture in strips of whole rows.

One buffer of 16 MiB costs the thread that first touches it tens of milliseconds of page faults, with Python's
interpreter lock held; strips of a mebibyte never hold up Krita's GUI thread.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from acetate.protocol.geometry import Bounds, Extent
from acetate.protocol.pixels import PixelFormat, header

STRIP_BYTES = 1 << 20


@dataclass(frozen=True)
class Picture:
    """Straight alpha, sRGB, row-major: the pixels of a `PixelBuffer`, cut as `row_strips` cuts them."""

    extent: Extent
    format: PixelFormat
    strips: tuple[bytes, ...]

    def body(self) -> Iterator[bytes]:
        """The body that travels, in pieces."""
        yield header(self.extent, self.format)
        yield from self.strips

    @cached_property
    def length(self) -> int:
        """Bytes of the body."""
        return sum(map(len, self.body()))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the body, which names the image. The first call hashes: make it in a thread."""
        hashed = hashlib.sha256()
        for piece in self.body():
            hashed.update(piece)
        return hashed.hexdigest()

    def rows(self, bounds: Bounds) -> Iterator[tuple[Bounds, bytes]]:
        """Each strip with the part of `bounds` that it fills. `bounds` is as large as the picture."""
        return zip(row_strips(bounds, self.format.bytes_per_pixel), self.strips, strict=True)

    def cropped(self, area: Bounds) -> Picture:
        """The part within `area`, pixels from the corner."""
        pixel, parts = self.format.bytes_per_pixel, []
        for strip, data in self.rows(Bounds.of(self.extent)):
            for y in range(max(strip.y, area.y), min(strip.bottom, area.bottom)):
                start = ((y - strip.y) * strip.width + area.x) * pixel
                parts.append(data[start : start + area.width * pixel])
        strips = row_strips(Bounds.of(area.extent), pixel)
        joined = tuple(b"".join(parts[strip.y : strip.bottom]) for strip in strips)
        return Picture(area.extent, self.format, joined)

    def opaque(self) -> Picture:
        """The same colours, all of them fully there. Takes long: in a thread."""
        return Picture(self.extent, self.format, tuple(map(self._opaque, self.strips)))

    def _opaque(self, strip: bytes) -> bytes:
        pixel, full = self.format.bytes_per_pixel, bytearray(strip)
        for byte in range(3 * pixel // 4, pixel):
            full[byte::pixel] = b"\xff" * (len(strip) // pixel)
        return bytes(full)

    def coverage(self) -> Picture:
        """Its alpha alone, A8. Takes long: in a thread."""
        pixel, area = self.format.bytes_per_pixel, Bounds.of(self.extent)
        alpha = b"".join(strip[pixel - 1 :: pixel] for strip in self.strips)  # of 16 bits the high byte comes last
        strips = (alpha[strip.y * area.width : strip.bottom * area.width] for strip in row_strips(area, 1))
        return Picture(self.extent, PixelFormat.A8, tuple(strips))


def row_strips(bounds: Bounds, bytes_per_pixel: int) -> Iterator[Bounds]:
    """`bounds` cut into strips of whole rows, each about `STRIP_BYTES` large."""
    rows = max(1, STRIP_BYTES // max(1, bounds.width * bytes_per_pixel))
    for y in range(bounds.y, bounds.bottom, rows):
        yield Bounds(bounds.x, y, bounds.width, min(rows, bounds.bottom - y))


def swap_red_blue(data: bytes, bytes_per_channel: int = 1) -> bytes:
    """RGBA ↔ BGRA, 1 or 2 bytes a channel; Krita's integer pixels are BGRA."""
    if bytes_per_channel == 2:
        return _swapped(memoryview(data).cast("H")).tobytes()
    swapped = bytearray(data)
    swapped[0::4], swapped[2::4] = data[2::4], data[0::4]
    return bytes(swapped)


def _swapped(channels: memoryview) -> memoryview:
    swapped = memoryview(bytearray(channels)).cast("H")
    swapped[0::4], swapped[2::4] = channels[2::4], channels[0::4]
    return swapped
