"""How time grows: exponents fitted to the logarithms of size and processor seconds."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from acetate.protocol.events import Cancelled, encode_event
from acetate.protocol.geometry import Bounds, Extent
from acetate.protocol.requests import GenerateRequest
from acetate.protocol.tasks import Task
from acetate_engine.documents.flatten import flatten
from acetate_engine.documents.reader import read_document
from acetate_engine.documents.tree import LayeredDocument, Memory, PixelLayer
from acetate_engine.documents.writer import write_document
from acetate_engine.jobs.rows import write_request
from acetate_engine.jobs.store import JobStore
from acetate_engine.verification.table.line import Line, in_turn

_REGION = Bounds(0, 0, 256, 256)
_REQUEST = GenerateRequest(Task.FOREGROUND, _REGION, 1, prompt="a fox")
_SLACK = 0.2  # of an exponent


def growth(small: bool) -> Iterator[Line]:
    areas, layers = ([128, 256], [2, 4]) if small else ([512, 1024, 2048, 4096], [4, 8, 16, 32, 64])
    yield _line("canvas area, fixed region", [side**2 for side in areas], [_region_of(side) for side in areas], 0.0)
    yield _line("number of layers", layers, [_layers(count) for count in layers], 1.0)
    with tempfile.TemporaryDirectory() as folder:
        counts = [5, 10] if small else [50, 150, 500]
        yield _line("layers of a PSD document", counts, [_document(Path(folder), count) for count in counts], 1.0)
        jobs = [100, 300] if small else [100, 1000, 10_000]
        yield _line("history", jobs, [_history(Path(folder), count, "cancelled") for count in jobs], 0.0)
        yield _line("waiting jobs", jobs, [_history(Path(folder), count, "queued") for count in jobs], 0.0)


def _line(name: str, sizes: Sequence[int], runs: list[Callable[[], object]], wanted: float) -> Line:
    seconds = in_turn(5, *runs)
    exponent = float(np.polyfit(np.log(sizes), np.log(np.maximum(seconds, 1e-6)), 1)[0])
    figures = ", ".join(f"{size}: {each * 1000:.1f} ms" for size, each in zip(sizes, seconds, strict=True))
    return Line(
        f"growth: {name}", "–", f"exponent {exponent:.2f} ({figures})", f"≤ {wanted:.0f}", exponent <= wanted + _SLACK
    )


def _picture(side: int) -> PixelLayer:
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 4), dtype=np.uint8)
    return PixelLayer("layer", source=Memory.at(0, 0, pixels))


def _region_of(side: int) -> Callable[[], object]:
    layers = [_picture(side)] * 2
    return lambda: flatten(layers, Bounds(0, 0, 128, 128))


def _layers(count: int) -> Callable[[], object]:
    layers = [_picture(256)] * count
    return lambda: flatten(layers, _REGION)


def _document(folder: Path, count: int) -> Callable[[], object]:
    path = folder / f"{count}.psd"
    write_document(LayeredDocument(Extent(256, 256), (_picture(64),) * count), path)

    def run() -> object:
        document = read_document(path)
        return flatten(document.layers, _REGION, space=document.space)

    return run


def _history(folder: Path, count: int, state: str) -> Callable[[], object]:
    """What the docker asks for when it starts, and where a job that is asked about stands."""
    path = folder / f"{state}-{count}.sqlite"
    JobStore(path).close()
    text, ending = write_request(_REQUEST), encode_event(Cancelled())
    with closing(sqlite3.connect(path)) as database, database:
        rows = [(f"{number:x}", text, state, float(number)) for number in range(count)]
        database.executemany("INSERT INTO jobs (id, request, state, created) VALUES (?, ?, ?, ?)", rows)
        if state == "cancelled":
            database.execute("INSERT INTO events SELECT number, 1, 'cancelled', ? FROM jobs", (ending,))
    store = JobStore(path)
    return lambda: (store.recent(50), store.status("0"), store.used_images())
