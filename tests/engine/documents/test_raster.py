"""Pictures that libraries leave half done, as viewers show them: hand-made bytes, values by the specifications."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from acetate_engine.documents.raster import SEVERAL
from acetate_engine.documents.reader import read_document
from acetate_engine.documents.shown import shown


def png(depth: int, colour: int, row: bytes, clear: bytes) -> bytes:
    """Two pixels beside each other, one of whose colours is clear (PNG specification, 11.3.2.1)."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", 2, 1, depth, colour, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"tRNS", clear), (b"IDAT", zlib.compress(b"\0" + row)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*one) for one in chunks)


def tiff(bits: int, photometric: int, data: bytes, samples: int = 1) -> bytes:
    """Two pixels beside each other of one or two samples, alpha being associated (TIFF 6.0)."""
    depth = (258, 3, samples, bits if samples == 1 else bits | bits << 16)
    tags = [(256, 4, 1, 2), (257, 4, 1, 1), depth, (259, 3, 1, 1), (262, 3, 1, photometric), (273, 4, 1, 0),
            (277, 3, 1, samples), (278, 4, 1, 1), (279, 4, 1, len(data))]  # fmt: skip
    tags += [(338, 3, 1, 1)] if samples == 2 else []
    start = 8 + 2 + 12 * len(tags) + 4
    entries = b"".join(struct.pack("<HHII", *tag[:3], start if tag[0] == 273 else tag[3]) for tag in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + data


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("a clear grey.png", png(16, 0, struct.pack(">2H", 1000, 60000), struct.pack(">H", 1000)),
         [(1000, 0), (60000, 65535)]),
        ("white is zero.tif", tiff(16, 0, struct.pack("<2H", 0, 60000)), [(65535, 65535), (5535, 65535)]),
        ("12 bit.tif", tiff(12, 1, bytes([0xFF, 0xF8, 0x00])), [(65535, 65535), (32776, 65535)]),
        ("32 bit.tif", tiff(32, 1, struct.pack("<2I", 0xFFFFFFFF, 0x80000000)), [(65535, 65535), (32767, 65535)]),
        ("associated.tif", tiff(8, 1, bytes([100, 200, 255, 255]), 2), [(127, 200), (255, 255)]),
    ],
)  # fmt: skip
def test_grey_is_as_viewers_show_it(name: str, data: bytes, expected: list[tuple[int, int]], tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    row = shown(read_document(path)).pixels[0].tolist()
    assert [(grey, alpha) for _, _, grey, alpha in row] == [(pytest.approx(g, abs=1), a) for g, a in expected]
    assert all(red == green == blue for red, green, blue, _ in row)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_of_several_pictures_the_first_is_used_and_that_is_said(kind: str, tmp_path: Path) -> None:
    stream = io.BytesIO()
    options = {"lossless": True} if kind == "WEBP" else {}
    red, blue = Image.new("RGB", (2, 1), (255, 0, 0)), Image.new("RGB", (2, 1), (0, 0, 255))
    red.save(stream, kind, save_all=True, append_images=[blue], **options)
    path = tmp_path / "several"
    path.write_bytes(stream.getvalue())
    seen = shown(read_document(path))
    assert seen.pixels[0, 0].tolist() == [255, 0, 0, 255]
    assert seen.notes == (f"several: {SEVERAL}",)
    red.save(path, kind)
    assert shown(read_document(path)).notes == ()
