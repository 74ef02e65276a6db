"""A new format is a reader and a writer, and a line for each in a table: here farbfeld (suckless.org), a real one."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from tests.engine.additions.house import House

FARBFELD = "acetate_engine.documents.farbfeld"
DOCUMENTS = "engine/acetate_engine/documents/"
FORMAT = '''"""farbfeld: straight sRGB, 16 bit a channel, big-endian."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from acetate.protocol.geometry import Bounds, Extent
from acetate_engine.compositing.pixels import sixteen
from acetate_engine.documents.broken import broken_file
from acetate_engine.documents.flatten import flatten
from acetate_engine.documents.tree import LayeredDocument, Memory, PixelLayer

BEGINS = b"farbfeld"


def read_farbfeld(path: Path) -> LayeredDocument:
    with broken_file(path.name):
        data = path.read_bytes()
        width, height = np.frombuffer(data, ">u4", 2, len(BEGINS)).tolist()
        pixels = np.frombuffer(data, ">u2", width * height * 4, 16).reshape(height, width, 4).astype(np.uint16)
    layer = PixelLayer(path.stem, source=Memory.at(0, 0, pixels))
    return LayeredDocument(Extent(width, height), (layer,), 16, merged=layer.source, path=path)


def write_farbfeld(document: LayeredDocument, path: Path) -> None:
    pixels = sixteen(flatten(document.layers, Bounds.of(document.extent)))
    extent = np.array([document.extent.width, document.extent.height], ">u4")
    path.write_bytes(BEGINS + extent.tobytes() + pixels.astype(">u2").tobytes())
'''
USE = """
import sys
from pathlib import Path
from acetate_engine.documents.reader import read_document
from acetate_engine.documents.writer import write_document
folder = Path(sys.argv[1])
write_document(read_document(folder / "given.ff"), folder / "made.ff")
"""


def test_a_reader_and_a_writer_are_a_format(tmp_path: Path) -> None:
    house = House(tmp_path / "house")
    house.add(f"{DOCUMENTS}farbfeld.py", FORMAT)
    house.insert(f"{DOCUMENTS}reader.py", 'b"PK": _read_archive', "    BEGINS: read_farbfeld,\n")
    house.insert(
        f"{DOCUMENTS}reader.py",
        "from acetate_engine.documents.formats",
        f"from {FARBFELD} import BEGINS, read_farbfeld\n",
    )
    house.insert(f"{DOCUMENTS}writer.py", '".psd": write_psd', '    ".ff": write_farbfeld,\n')
    house.insert(
        f"{DOCUMENTS}writer.py", "from acetate_engine.documents.flatten", f"from {FARBFELD} import write_farbfeld\n"
    )
    colours = (257 * np.random.default_rng(1).integers(0, 256, (5, 7, 4))).astype(">u2")
    colours[..., 3] = 65535
    (tmp_path / "given.ff").write_bytes(b"farbfeld" + struct.pack(">II", 7, 5) + colours.tobytes())
    done = house.run("-c", USE, str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "made.ff").read_bytes() == (tmp_path / "given.ff").read_bytes()
