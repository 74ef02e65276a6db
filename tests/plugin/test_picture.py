from __future__ import annotations

import hashlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acetate.picture import STRIP_BYTES, Picture, row_strips, swap_red_blue
from acetate.protocol.geometry import Bounds, Extent
from acetate.protocol.pixels import PixelBuffer, PixelFormat, digest

BOUNDS = st.builds(Bounds, st.integers(-50, 50), st.integers(-50, 50), st.integers(1, 20000), st.integers(1, 3000))


@given(BOUNDS, st.sampled_from([1, 4, 8]))
def test_strips_cover_the_bounds_without_gap_or_overlap(bounds: Bounds, bytes_per_pixel: int) -> None:
    strips = list(row_strips(bounds, bytes_per_pixel))
    assert strips[0].y == bounds.y
    assert strips[-1].bottom == bounds.bottom
    assert all(upper.bottom == lower.y for upper, lower in itertools.pairwise(strips))
    assert all((strip.x, strip.width) == (bounds.x, bounds.width) for strip in strips)
    assert all(
        strip.extent.area * bytes_per_pixel <= max(STRIP_BYTES, bounds.width * bytes_per_pixel) for strip in strips
    )


def cut(extent: Extent, data: bytes) -> Picture:
    """RGBA8 pixels as a picture."""
    strips = []
    for strip in row_strips(Bounds.of(extent), 4):
        strips.append(data[strip.y * extent.width * 4 : strip.bottom * extent.width * 4])
    return Picture(extent, PixelFormat.RGBA8, tuple(strips))


@pytest.mark.parametrize("extent", [Extent(1, 1), Extent(700, 900), Extent(16384, 64)], ids=str)
def test_the_body_is_that_of_the_protocol(extent: Extent) -> None:
    data = hashlib.shake_128(b"pixels").digest(extent.area * 4)
    picture = cut(extent, data)
    body = PixelBuffer(extent, PixelFormat.RGBA8, data).encode()
    assert b"".join(picture.body()) == body
    assert picture.length == len(body)
    assert picture.digest == digest(body)


def test_rows_say_where_each_strip_goes() -> None:
    picture = cut(Extent(1000, 600), bytes(1000 * 600 * 4))
    rows = list(picture.rows(Bounds(-7, 30, 1000, 600)))
    assert len(rows) > 1
    assert [len(data) for _, data in rows] == [strip.extent.area * 4 for strip, _ in rows]
    assert (rows[0][0].x, rows[0][0].y, rows[-1][0].bottom) == (-7, 30, 630)


def test_red_and_blue_change_places() -> None:
    assert swap_red_blue(bytes([1, 2, 3, 4, 5, 6, 7, 8])) == bytes([3, 2, 1, 4, 7, 6, 5, 8])
    assert swap_red_blue(bytes([1, 0, 2, 0, 3, 0, 4, 0]), 2) == bytes([3, 0, 2, 0, 1, 0, 4, 0])


@given(st.binary(max_size=64).map(lambda data: data[: len(data) // 8 * 8]), st.sampled_from([1, 2]))
def test_swapping_twice_changes_nothing(data: bytes, channel: int) -> None:
    assert swap_red_blue(swap_red_blue(data, channel), channel) == data


@pytest.mark.parametrize("pixel_format", list(PixelFormat))
def test_a_part_of_a_picture(pixel_format: PixelFormat) -> None:
    width, height, pixel = 2100, 700, pixel_format.bytes_per_pixel
    rows = [bytes((y * 7 + i) % 251 for i in range(width * pixel)) for y in range(height)]
    strips = row_strips(Bounds(0, 0, width, height), pixel)
    picture = Picture(Extent(width, height), pixel_format, tuple(b"".join(rows[s.y : s.bottom]) for s in strips))
    area = Bounds(13, 101, 1500, 590)
    part = picture.cropped(area)
    expected = b"".join(row[area.x * pixel : area.right * pixel] for row in rows[area.y : area.bottom])
    assert b"".join(part.strips) == expected and part.extent == area.extent
    assert [len(data) for _, data in part.rows(Bounds.of(part.extent))] == [len(data) for data in part.strips]


@pytest.mark.parametrize("pixel_format", [PixelFormat.RGBA8, PixelFormat.RGBA16])
def test_coverage_is_alpha_alone_cut_into_its_own_strips(pixel_format: PixelFormat) -> None:
    extent, size = Extent(300, 2000), pixel_format.bytes_per_pixel
    alpha = bytes(number % 251 for number in range(extent.area))
    pixels = bytearray(size * extent.area)
    pixels[size - 1 :: size] = alpha
    strips = row_strips(Bounds.of(extent), size)
    row = extent.width * size
    picture = Picture(extent, pixel_format, tuple(bytes(pixels[s.y * row : s.bottom * row]) for s in strips))
    coverage = picture.coverage()
    assert (coverage.extent, coverage.format) == (extent, PixelFormat.A8) and b"".join(coverage.strips) == alpha
    assert [len(strip) for strip in coverage.strips] == [
        strip.extent.area for strip in row_strips(Bounds.of(extent), 1)
    ]


@pytest.mark.parametrize(("pixel_format", "full"), [(PixelFormat.RGBA8, b"\xff"), (PixelFormat.RGBA16, b"\xff\xff")])
def test_opaque_keeps_colours_and_coverage_is_the_alpha_that_goes(pixel_format: PixelFormat, full: bytes) -> None:
    pixel, extent = pixel_format.bytes_per_pixel, Extent(700, 500)
    data = hashlib.shake_128(b"pixels").digest(extent.area * pixel)
    strips = tuple(
        data[strip.y * extent.width * pixel : strip.bottom * extent.width * pixel]
        for strip in row_strips(Bounds.of(extent), pixel)
    )
    picture = Picture(extent, pixel_format, strips)
    made, colour = b"".join(picture.opaque().strips), 3 * pixel // 4
    for at in (0, 1, extent.area - 1):
        assert made[at * pixel : (at + 1) * pixel] == data[at * pixel : at * pixel + colour] + full
    assert b"".join(picture.coverage().strips) == data[pixel - 1 :: pixel]
