"""What happened to the job under way, in memory: who follows it hears of it without a look into the store."""

from __future__ import annotations

from bisect import bisect_right

from acetate_engine.jobs.rows import SUPERSEDED, StoredEvent


class UnderWay:
    """Of one attempt at a job, from the event on that began it; all of it is in the store, too."""

    def __init__(self, job: str, started: StoredEvent) -> None:
        self._job = job
        self._events = [started]
        self._is_over = False

    def add(self, event: StoredEvent, *, is_last: bool) -> None:
        """As the store does: of some kinds the last one only, and no preview of a job that has ended."""
        gone = "preview" if is_last else event.name
        if gone in SUPERSEDED:
            self._events = [known for known in self._events if known.name != gone]
        self._events.append(event)
        self._is_over = is_last

    def knows(self, job: str, seq: int) -> bool:
        """Whether it has all that happened to `job` behind event `seq`."""
        return job == self._job and seq >= self._events[0].seq - 1

    def events_after(self, seq: int) -> tuple[list[StoredEvent], bool]:
        """As `JobReader.events_after`."""
        return self._events[bisect_right(self._events, seq, key=lambda event: event.seq) :], self._is_over
