"""A region of a document that does not fit into memory."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from psd_tools.compression import encode_rle
from psd_tools.constants import ChannelID, ColorMode, Compression
from psd_tools.psd.header import FileHeader
from psd_tools.psd.layer_and_mask import ChannelInfo, LayerRecord

from acetate.protocol.geometry import Bounds
from acetate_engine.documents.reader import read_document
from acetate_engine.documents.tree import PixelLayer

SIDE = 30_000
PATTERNS = 97  # rows that repeat
CHANNELS = (ChannelID.TRANSPARENCY_MASK, 0, 1, 2)
REGION = Bounds(14_000, 21_000, 1024, 1024)


def pattern(channel: int) -> np.ndarray:
    """Rows of steps 40 pixels wide: RLE makes about 1.5 KB of each."""
    rng = np.random.default_rng(channel + 5)
    return np.repeat(rng.integers(0, 256, (PATTERNS, SIDE // 40), np.uint8), 40, axis=1)


def encoded_rows(channel: int) -> list[bytes]:
    rows = pattern(channel) if channel >= 0 else np.full((PATTERNS, SIDE), 255, np.uint8)
    return [encode_rle(row.tobytes(), SIDE, 1, 8, 2)[4:] for row in rows]


def stream(rows: list[bytes]) -> Iterator[bytes]:
    yield np.array([len(rows[index % PATTERNS]) for index in range(SIDE)], ">u4").tobytes()
    block = b"".join(rows)
    yield from (block for _ in range(SIDE // PATTERNS))
    yield b"".join(rows[: SIDE % PATTERNS])


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """30,000² pixels, three colours and alpha, a merged image: 3.6 GB of pixels."""
    path = tmp_path_factory.mktemp("large") / "large.psb"
    rows = {int(channel): encoded_rows(int(channel)) for channel in CHANNELS}
    record = LayerRecord(bottom=SIDE, right=SIDE, name="all")
    for channel, encoded in rows.items():
        record.channel_info.append(ChannelInfo(channel, 2 + sum(map(len, stream(encoded)))))
    with path.open("wb") as file:
        FileHeader(version=2, channels=3, width=SIDE, height=SIDE, color_mode=ColorMode.RGB).write(file)
        file.write(bytes(8))
        lengths = file.tell()
        file.write(bytes(16))
        file.write(struct.pack(">h", 1))
        record.write(file, version=2)
        for encoded in rows.values():
            write(file, encoded)
        end = file.tell()
        file.write(struct.pack(">H", Compression.RLE))
        parts = [list(stream(rows[channel])) for channel in (0, 1, 2)]
        file.writelines([*(part[0] for part in parts), *(piece for part in parts for piece in part[1:])])
        file.seek(lengths)
        file.write(struct.pack(">QQ", end - lengths - 8, end - lengths - 16))
    return path


def write(file: BinaryIO, encoded: list[bytes]) -> None:
    file.write(struct.pack(">H", Compression.RLE))
    file.writelines(stream(encoded))


def test_a_region_is_read_exactly(large: Path) -> None:
    layer = read_document(large).layers[0]
    assert isinstance(layer, PixelLayer)
    part = layer.source.read(Bounds(REGION.x, REGION.y, 50, 300))
    rows = np.arange(REGION.y, REGION.y + 300) % PATTERNS
    for channel in range(3):
        assert (part[..., channel] == pattern(channel)[rows][:, REGION.x : REGION.x + 50]).all()


MEASURE = """
import resource, subprocess, sys, time
began = time.monotonic()
subprocess.run([sys.executable, "-m", "acetate_engine", *sys.argv[1:]], check=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(time.monotonic() - began, used.ru_utime + used.ru_stime, used.ru_maxrss)
"""  # in a process of its own: what a process starts begins with the memory of the one that starts it


@pytest.mark.timed
def test_a_region_within_ten_seconds_and_one_and_a_half_gib(large: Path, tmp_path: Path) -> None:
    """The bounds of issue 6, on the command line: open, read 1024², composite, insert, update the preview."""
    out = tmp_path / "out.psb"
    region = f"{REGION.x},{REGION.y},{REGION.width}x{REGION.height}"
    command = ["psd", str(large), "--task", "identity", "--foreground", "all", "--region", region, "-o", str(out)]
    measured = subprocess.run([sys.executable, "-c", MEASURE, *command], capture_output=True, text=True, check=True)
    wall, busy, most = map(float, measured.stdout.split()[-3:])
    print(f"{wall:.1f} s, {busy:.1f} s of processor time, {most / 2**20:.2f} GiB")
    assert busy < 10.0, "processor time: the machine may be busy with something else"
    assert most < 1.5 * 2**20  # KiB
    layer = read_document(out).layers[1]
    assert isinstance(layer, PixelLayer)
    assert layer.bounds == REGION
