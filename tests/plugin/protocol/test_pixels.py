"""Image bodies."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acetate.protocol.errors import MalformedMessage
from acetate.protocol.geometry import Extent
from acetate.protocol.pixels import PixelBuffer, PixelFormat, digest, is_digest, read_header


@st.composite
def buffers(draw: st.DrawFn) -> PixelBuffer:
    extent = Extent(draw(st.integers(0, 9)), draw(st.integers(0, 9)))
    pixel_format = draw(st.sampled_from(PixelFormat))
    size = extent.area * pixel_format.bytes_per_pixel
    return PixelBuffer(extent, pixel_format, draw(st.binary(min_size=size, max_size=size)))


@given(buffers())
def test_round_trip(buffer: PixelBuffer) -> None:
    body = buffer.encode()
    assert PixelBuffer.decode(body) == buffer
    assert digest(body) == hashlib.sha256(body).hexdigest()
    assert is_digest(digest(body))


@given(buffers(), st.binary(min_size=1, max_size=3))
def test_a_body_of_another_length_is_malformed(buffer: PixelBuffer, more: bytes) -> None:
    with pytest.raises(MalformedMessage):
        PixelBuffer.decode(buffer.encode() + more)
    if buffer.data:
        with pytest.raises(MalformedMessage):
            PixelBuffer.decode(buffer.encode()[:-1])


@given(st.binary(max_size=200))
def test_other_bytes_are_malformed_never_a_crash(body: bytes) -> None:
    with pytest.raises(MalformedMessage):
        PixelBuffer.decode(body)


@given(st.binary(max_size=40))
def test_nor_do_other_bytes_behind_the_magic(rest: bytes) -> None:
    try:
        extent, pixel_format, offset = read_header(b"ACETATE1 RGBA8 " + rest)
    except MalformedMessage:
        return
    assert extent.area >= 0 and pixel_format is PixelFormat.RGBA8 and offset <= 64


@pytest.mark.parametrize(
    "header", [b"ACETATE1 RGBA8 16385 16384\n", b"ACETATE1 RGBA8 -1 -1\n", b"ACETATE1 rgb 1 1\n", b"ACETATE1 A8 1 1"]
)
def test_bad_headers(header: bytes) -> None:
    with pytest.raises(MalformedMessage):
        read_header(header)


@pytest.mark.parametrize("name", ["", "a" * 63, "a" * 65, "A" * 64, "g" * 64, "٠" * 64])
def test_what_is_no_digest(name: str) -> None:
    assert not is_digest(name)
