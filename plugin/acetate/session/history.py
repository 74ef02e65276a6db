"""What was generated. The pixels stay on the engine, lossless; here is what names them, and a small picture."""

from __future__ import annotations

from dataclasses import dataclass, replace

from acetate.picture import Picture
from acetate.protocol.events import LayerResult
from acetate.protocol.filing import Filing
from acetate.protocol.geometry import Bounds, Extent
from acetate.protocol.pixels import PixelFormat, stride
from acetate.protocol.requests import GenerateRequest
from acetate.session.observable import Observable, Signal

LIMIT = 3000  # results that are listed at most; older ones stay on the engine
THUMBNAIL = 192  # pixels, longest side
SCREEN = 1024  # the same of what is shown on the canvas


@dataclass(frozen=True)
class Alternative:
    """One alternative of a job: a layer, or several that belong together, bottom to top."""

    job: str
    request: GenerateRequest
    layers: tuple[LayerResult, ...]
    document: str = ""  # that it was made for, as the engine knows it

    @property
    def name(self) -> str:
        return self.layers[-1].name


@dataclass(frozen=True)
class HistoryEntry:
    result: Alternative
    thumbnail: Picture  # of the topmost layer
    filing: Filing = Filing()  # noqa: RUF009  # frozen

    @property
    def image(self) -> int:
        """Which alternative of its job."""
        return self.result.layers[-1].image

    @property
    def is_starred(self) -> bool:
        return self.image in self.filing.starred

    @property
    def is_applied(self) -> bool:
        """Whether it was put into a document, be it that undo has taken it out again."""
        return self.image in self.filing.applied


class History:
    def __init__(self) -> None:
        self.entries: list[HistoryEntry] = []  # the newest first
        self.added: Signal[int] = Signal()  # where
        self.removed: Signal[int] = Signal()  # where it was
        self.changed: Signal[int] = Signal()  # where
        self.is_cut = Observable(False)  # older ones than the last are known, which have no room in the list

    def add(self, entry: HistoryEntry) -> None:
        self._insert(0, entry)

    def add_older(self, entry: HistoryEntry) -> None:
        """Than all that are listed."""
        self._insert(len(self.entries), entry)

    @property
    def is_full(self) -> bool:
        return len(self.entries) >= LIMIT

    def resume(self) -> str:
        """The job before which older ones are to be asked for, where the list was cut: the end of it may be half a job.

        Empty where it was not. Afterwards it counts as whole, until something has no room again.
        """
        was_cut, self.is_cut.value = self.is_cut.value, False
        jobs = [entry.result.job for entry in self.entries]
        return next((job for job in reversed(jobs) if job != jobs[-1]), "") if was_cut else ""

    def has(self, result: Alternative) -> bool:
        return any((entry.result.job, entry.result.layers) == (result.job, result.layers) for entry in self.entries)

    def after(self, entry: HistoryEntry) -> Alternative | None:
        """The next older one; None behind the last."""
        results = [other.result for other in self.entries]
        return next(iter(results[results.index(entry.result) + 1 :]), None)

    def put_back(self, entry: HistoryEntry, older: Alternative | None) -> None:
        """Before `older`, where it stood; at the end where that is gone, too. Nothing where it is there."""
        results = [other.result for other in self.entries]
        if entry.result not in results:
            self._insert(results.index(older) if older in results else len(results), entry)

    def of_job(self, job: str) -> list[HistoryEntry]:
        return [entry for entry in self.entries if entry.result.job == job]

    def refile(self, job: str, filing: Filing) -> None:
        """What is kept beside a job has changed; what is thrown away is listed no more."""
        for index in reversed(range(len(self.entries))):
            entry = self.entries[index]
            if entry.result.job != job:
                continue
            if entry.image in filing.discarded:
                del self.entries[index]
                self.removed.emit(index)
            else:
                self.entries[index] = replace(entry, filing=filing)
                self.changed.emit(index)

    def _insert(self, index: int, entry: HistoryEntry) -> None:
        entries = [*self.entries[:index], entry, *self.entries[index:]]
        self.entries = entries[:LIMIT]
        if index < LIMIT:
            self.added.emit(index)
        self.is_cut.value = self.is_cut.value or len(entries) > LIMIT


def thumbnail(picture: Picture, longest: int = THUMBNAIL) -> Picture:
    """Every n-th pixel of every n-th row, at most `longest` large. Becomes RGBA8; A8 white of that alpha."""
    step = stride(picture.extent, longest)
    rows, next_row = [], 0
    for strip, data in picture.rows(Bounds.of(picture.extent)):
        first = (next_row - strip.y) * strip.width
        for start in range(first, strip.height * strip.width, step * strip.width):
            rows.append(_every_nth(data, start, strip.width, step, picture.format))
            next_row += step
    return Picture(Extent(len(rows[0]) // 4, len(rows)), PixelFormat.RGBA8, (b"".join(rows),))


def _every_nth(data: bytes, start: int, width: int, step: int, pixel_format: PixelFormat) -> bytes:
    if pixel_format is PixelFormat.A8:
        return b"".join(b"\xff\xff\xff%c" % coverage for coverage in data[start : start + width : step])
    if pixel_format is PixelFormat.RGBA8:
        return memoryview(data).cast("I")[start : start + width : step].tobytes()
    row = memoryview(data).cast("Q")[start : start + width : step].tobytes()
    return row[1::2]  # the high byte of each channel
