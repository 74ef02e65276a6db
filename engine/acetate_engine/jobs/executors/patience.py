"""How long a worker may say nothing, or ignore a cancel, before it counts as hanging.

Its heartbeat comes every second from a thread of its own, so that silence means that the process is stopped, or stuck
with Python's lock held. Between two reports of a job lies whatever a step takes on this machine: how long that is is
learnt, and only a multiple of it is a hang. Times are those of the event loop, in seconds.
"""

from __future__ import annotations

import os

BEAT = 1.0  # seconds between two heartbeats
LOOK = 0.5  # seconds between two looks at the clock
SILENCE = float(os.environ.get("ACETATE_HANG_SECONDS", "60"))  # without a heartbeat
_IMPORTING = 3.0  # times as long, before the worker is ready: a cold disk has to bring in torch
_CANCEL = SILENCE / 8  # that a cancel may be ignored at least,
_SLOW_CANCEL = 3.0  # and how many times the longest step
_FIRST_STEP = 20 * SILENCE  # between two reports as long as nothing is learnt: a model may have to be read
_SLOW_STEP = 20.0  # how many times the longest step is a hang


class Patience:
    """With one worker, and the job that it carries out."""

    def __init__(self) -> None:
        self._heard = 0.0
        self._reported: float | None = None  # None: no job is under way
        self._cancelled: float | None = None
        self._longest = 0.0  # between two reports of a job
        self._is_ready = False

    def start(self, now: float) -> None:
        """There is a new worker."""
        self._heard, self._reported, self._cancelled, self._is_ready = now, None, None, False

    def ready(self) -> None:
        self._is_ready = True

    def begin(self, now: float) -> None:
        """It was given a job."""
        self._reported, self._cancelled = now, None

    def hear(self, now: float) -> None:
        self._heard = now

    def report(self, now: float) -> None:
        """Of the job: a step is done."""
        if self._reported is not None:
            self._longest = max(self._longest, now - self._reported)
            self._reported = now

    def cancel(self, now: float) -> None:
        self._cancelled = now

    def end(self) -> None:
        self._reported = self._cancelled = None

    def forgive(self, seconds: float) -> None:
        """Nobody listened for so long, because this process was stopped itself."""
        self._heard += seconds
        self._reported = None if self._reported is None else self._reported + seconds
        self._cancelled = None if self._cancelled is None else self._cancelled + seconds

    def lost(self, now: float) -> str:
        """What the worker does wrong, for a person; empty where nothing is."""
        silence = SILENCE if self._is_ready else _IMPORTING * SILENCE
        if now - self._heard > silence:
            return f"said nothing for {now - self._heard:.0f} s"
        if self._cancelled is not None and now - self._cancelled > max(_CANCEL, _SLOW_CANCEL * self._longest):
            return f"went on for {now - self._cancelled:.0f} s after it was told to stop"
        if self._reported is not None and now - self._reported > self._slowest:
            return f"came no step further in {now - self._reported:.0f} s"
        return ""

    @property
    def _slowest(self) -> float:
        return max(SILENCE, _SLOW_STEP * self._longest) if self._longest else _FIRST_STEP
