"""How much room jobs and pictures take, and which go first when that is too much: by age, and by size.

What waits or runs, and its pictures, never goes, nor what has just been made: a disk that others fill is no reason to
lose it. Of the rest the oldest jobs go first, with the pictures that only they name; those with a star, and results
that were never put into a document, go last, and are counted.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from acetate.protocol.errors import InvalidRequest, MalformedMessage
from acetate.protocol.events import Storage
from acetate.protocol.kept import from_record, read_text, to_record
from acetate.protocol.private import open_private
from acetate.protocol.whole import write_whole
from acetate_engine.jobs.clock import BelievedClock
from acetate_engine.jobs.images import ImageStore
from acetate_engine.jobs.store import JobStore

HOUR, DAY = 3600.0, 24 * 3600.0  # seconds
LEAST_LIMIT = 64 << 20  # bytes
_SPARE, _SPARE_SHARE = 512 << 20, 0.02  # bytes, and share of the disk, that are left free where sweeping can do so
_FRESH, _FRESH_WHEN_SHORT = HOUR, DAY  # so new jobs stay beyond the limit, and where it is the disk that is short
_AT_ONCE = 5  # jobs
_KEEP_UNUSED = 7 * DAY  # pictures that no job names

log = structlog.get_logger("storage")


@dataclass(frozen=True)
class Limits:
    """What the painter has set."""

    bytes: int = 20 << 30
    days: float = 30.0  # that an ended job is kept

    def check(self) -> None:
        """Raises InvalidRequest where they would sweep what has just been made."""
        if self.bytes < LEAST_LIMIT or not 1.0 <= self.days <= 36500.0:
            raise InvalidRequest(
                f"{self.bytes} bytes for {self.days} days cannot be kept",
                f"Choose at least {LEAST_LIMIT} bytes and one day.",
            )


class StorageKeeper:
    """In threads; one call at a time."""

    def __init__(self, folder: Path, store: JobStore, images: ImageStore) -> None:
        self._settings = folder / "storage.json"
        self._store = store
        self._images = images
        self._clock = BelievedClock(folder / "clock.json", store.newest())
        store.clock_shift = self._clock.shift
        self._swept = 0.0  # when ages were last looked at
        self.limits = _read_limits(self._settings)
        self.stored = 0  # bytes, at the last look
        self.missed = 0  # results with a star, or never applied, that had to go

    def describe(self) -> Storage:
        return Storage(self.stored, self.limits.bytes, self.limits.days)

    def set_limits(self, size: int, days: float) -> None:
        """Raises InvalidRequest, OSError."""
        limits = Limits(size, days)
        limits.check()
        self.limits = limits
        write_whole(self._settings, json.dumps(to_record(self.limits)).encode(), is_private=True, synced=True)

    def look(self) -> None:
        """Measures, and makes room where there is too little; old jobs go once a day."""
        now = self._clock.now()
        if now - self._swept > DAY:
            self._swept = now
            self._sweep_old(now)
        self.stored = self._images.size()
        self._make_room(lambda: self.stored > self.limits.bytes, now - _FRESH)
        self._make_room(self._is_short, now - _FRESH_WHEN_SHORT)

    def _sweep_old(self, now: float) -> None:
        gone = self._store.forget(self.limits.days * DAY, now)
        self.missed += gone.missed
        images = self._images.sweep(self._store.used_images(), _KEEP_UNUSED, min(now, time.time()))
        if gone.jobs or images:
            log.info("swept what is old", jobs=gone.jobs, missed=gone.missed, images=images)

    def _make_room(self, is_needed: Callable[[], bool], before: float) -> None:
        """As long as it is needed: forgets the oldest of the ended jobs that were accepted `before`."""
        size, jobs, missed = self.stored, 0, self.missed
        for precious, at_once in ((False, _AT_ONCE), (True, 1)):
            while is_needed() and (gone := self._store.forget_oldest(at_once, before, missed=precious)).jobs:
                jobs += gone.jobs
                self.missed += gone.missed
                self._images.sweep(self._store.used_images(), 0.0, min(before, time.time() - _FRESH))
                self.stored = self._images.size()
        if jobs:
            freed, precious_ones = size - self.stored, self.missed - missed
            log.warning("space is short: the oldest jobs are gone", jobs=jobs, missed=precious_ones, bytes=freed)

    def _is_short(self) -> bool:
        disk = shutil.disk_usage(self._images.root)
        return disk.free < min(_SPARE, _SPARE_SHARE * disk.total)


def _read_limits(path: Path) -> Limits:
    try:
        with open_private(path, "rb") as file:
            limits = from_record(Limits, read_text(file.read()))
        limits.check()
    except FileNotFoundError:
        return Limits()  # none were set
    except (OSError, MalformedMessage, InvalidRequest) as error:
        log.warning("the storage settings cannot be used", reason=str(error))
        return Limits()
    return limits
