"""What day it is, as far as that can be believed: a clock that jumps makes nothing older than it is.

Nothing is swept because of its age unless the engine has seen the days pass, or they may have passed between two runs
of it. What a jump adds is taken off again; after long disuse that keeps things longer, which harms nobody.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from acetate.protocol.errors import MalformedMessage
from acetate.protocol.kept import from_record, read_text, to_record
from acetate.protocol.private import open_private
from acetate.protocol.whole import write_whole

_TOLERANCE = 3600.0  # seconds: a summer time, a correction
_FARTHEST = 200 * 365 * 24 * 3600.0  # that no clock is off, nor ahead of 1970: such a record is damaged
_BETWEEN_RUNS = 2 * 24 * 3600.0  # that are believed while no engine ran


@dataclass(frozen=True)
class _Seen:
    wall: float  # seconds since 1970, of the last look
    shift: float  # seconds that the clock has jumped ahead in all


class BelievedClock:
    """`path`: where it is kept. `newest`: when something was last made here, where no clock was kept yet."""

    def __init__(self, path: Path, newest: float | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._steady: float | None = None  # of the last look of this process
        self._seen = _read(path) or _Seen(newest if newest is not None else time.time(), 0.0)

    def now(self) -> float:
        """Seconds since 1970, without the jumps; keeps what it has seen. Raises OSError where it cannot."""
        with self._lock:
            seen = self._look()
            write_whole(self._path, json.dumps(to_record(seen)).encode(), is_private=True)
        return seen.wall - seen.shift

    def shift(self) -> float:
        """How many seconds the clock is ahead of what is believed."""
        with self._lock:
            return self._look().shift

    def _look(self) -> _Seen:
        wall, steady = time.time(), time.monotonic()
        passed = wall - self._seen.wall
        believed = _BETWEEN_RUNS if self._steady is None else steady - self._steady
        expected = min(max(passed, 0.0), believed) if self._steady is None else believed
        jumped = passed - expected if abs(passed - expected) > _TOLERANCE else 0.0
        self._seen, self._steady = _Seen(wall, self._seen.shift + jumped), steady
        return self._seen


def _read(path: Path) -> _Seen | None:
    try:
        with open_private(path, "rb") as file:
            seen = from_record(_Seen, read_text(file.read()))
    except (OSError, MalformedMessage):
        return None  # as if nothing had been noted: time counts from now
    return seen if max(abs(seen.wall), abs(seen.shift)) < _FARTHEST else None
