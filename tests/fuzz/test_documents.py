"""Broken documents: an error that names the file and the reason, or pixels; nothing else, in bounded memory and time.

200 mutated files here; ACETATE_FUZZ=10000 makes it that many (`make fuzz`), --hypothesis-seed the same ones again.
"""

from __future__ import annotations

import io
import os
import resource
import signal
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from acetate.protocol.errors import FileError
from acetate.protocol.geometry import Bounds
from acetate_engine.documents.edit import insert_layers
from acetate_engine.documents.flatten import flatten
from acetate_engine.documents.reader import read_document
from acetate_engine.documents.shown import shown
from acetate_engine.documents.tree import Memory, PixelLayer
from acetate_engine.documents.writer import write_document
from tests.engine.documents.pictures import REFERENCES, noise, sample

EXAMPLES = int(os.environ.get("ACETATE_FUZZ", "200"))
IS_DRAWN = "ACETATE_FUZZ" in os.environ  # by the seed; else they are the same ones each time
SECONDS = 10  # of processor time for one file
GIB = 1 << 20  # in the KiB of getrusage
WINDOW = 256  # pixels: what is composited of a file, whatever size it claims

Edit = tuple[str, float, bytes]
edits = st.lists(
    st.tuples(
        st.sampled_from(["overwrite", "overwrite", "insert", "delete", "truncate", "repeat"]),
        st.floats(0, 1, exclude_max=True),
        st.one_of(st.binary(min_size=1, max_size=12), st.sampled_from([b"\xff" * 4, bytes(8), b"\x7f\xff\xff\xff"])),
    ),
    min_size=1,
    max_size=6,
)


def mutated(data: bytes, changes: list[Edit]) -> bytes:
    out = bytearray(data)
    for kind, place, piece in changes:
        # half of the changes hit the first 2 KB, where the structure is
        where = int(place * 2 * 2048) if place < 0.5 else int(place * len(out))
        where = min(where, len(out))
        if kind == "overwrite":
            out[where : where + len(piece)] = piece
        elif kind == "insert":
            out[where:where] = piece
        elif kind == "delete":
            del out[where : where + len(piece) * 7]
        elif kind == "repeat":
            out[where:where] = out[where : where + 64 * len(piece)]
        else:
            del out[max(where, 8) :]
    return bytes(out)


def mutated_inside(data: bytes, changes: list[Edit]) -> bytes:
    """A whole zip file with one broken member: damage that the zip's own checksums would hide."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(stream, "w") as new:
        members = [name for name in old.namelist() if not name.endswith(("icc", "thumbnail.png", "preview.png"))]
        chosen = members[int(changes[0][1] * len(members))]
        for name in old.namelist():
            new.writestr(zipfile.ZipInfo(name), mutated(old.read(name), changes) if name == chosen else old.read(name))
    return stream.getvalue()


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("seeds")
    for depth in (8, 16):
        write_document(sample(depth), folder / f"sample{depth}.psd")
    write_document(sample(), folder / "sample.psb")
    for suffix in ("ora", "png", "webp"):
        plain = PixelLayer("one", source=Memory.at(2, 3, noise(20, 30)))
        write_document(type(sample())(sample().extent, (plain,)), folder / f"plain.{suffix}")
    kept = [
        REFERENCES / name
        for name in ("masks-u8.psd", "clipping-u16.psd", "masks-u16.kra", "clipping-u8.kra", "groups-u8.ora")
    ]
    return {path.name: path.read_bytes() for path in (*sorted(folder.iterdir()), *kept)}


NAMES = ("clipping-u16.psd", "clipping-u8.kra", "groups-u8.ora", "masks-u16.kra", "masks-u8.psd", "plain.ora",
         "plain.png", "plain.webp", "sample.psb", "sample16.psd", "sample8.psd")  # fmt: skip


@contextmanager
def time_limit(seconds: int) -> Iterator[None]:
    def late(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"not done within {seconds} s")

    before = signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def used(path: Path) -> None:
    """All that commands do with a document, on a window of it."""
    document = read_document(path)
    window = Bounds(0, 0, min(document.extent.width, WINDOW), min(document.extent.height, WINDOW))
    flatten(document.layers, window, depth=document.depth)
    assert all(isinstance(key, str) for key, _ in document.walk())
    document.notes()
    if document.merged is not None:
        document.merged.read(window)
    shown(document, window)
    if path.suffix in (".psd", ".psb", ".kra", ".ora"):
        new = PixelLayer("new", source=Memory.at(1, 1, noise(4, 4)))
        insert_layers(path, path.with_name(f"out{path.suffix}"), [new])


@pytest.mark.timeout(0)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=not IS_DRAWN,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)
@given(name=st.sampled_from(NAMES), changes=edits, inside=st.booleans())
def test_broken_documents_are_named(
    name: str, changes: list[Edit], inside: bool, seeds: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = seeds[name]
    broken = mutated_inside(data, changes) if inside and data.startswith(b"PK") else mutated(data, changes)
    path = tmp_path_factory.getbasetemp() / f"broken-{name}"
    path.write_bytes(broken)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with time_limit(SECONDS), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            used(path)
        except FileError as error:
            assert path.name in error.detail or "colour profile" in error.detail, error
            assert error.remedy
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < GIB
