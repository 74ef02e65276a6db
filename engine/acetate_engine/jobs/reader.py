"""What the job store is asked, by a connection of its own: whoever writes into the store keeps nobody from reading."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

from acetate.protocol.errors import LayerNotReady, UnknownJob, UnknownLayer
from acetate.protocol.events import JobState, JobStatus, LayerResult, Queued, encode_event
from acetate.protocol.labels import label_of
from acetate_engine.jobs.rows import StoredEvent, is_readable, made_up_ending, state_of, status_of

_NEWEST = 2**63 - 1  # no job has a higher number
ACCEPTED = "(created - clock_shift)"  # when, in seconds since 1970 by the clock that is believed
BUSY = 5.0  # seconds that a call waits for another program that holds the store


def connect(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=BUSY, check_same_thread=False, isolation_level=None)
    database.row_factory = sqlite3.Row
    database.text_factory = _text
    return database


def _text(kept: bytes) -> str:
    """What is no UTF-8 comes as an escape that no JSON has: one damaged row is unreadable, and ends no listing."""
    return kept.decode(errors="backslashreplace")


class JobReader:
    """Used by any thread, one call at a time."""

    def __init__(self, path: Path) -> None:
        self._reading = threading.Lock()
        self._source = connect(path)
        self._source.execute("PRAGMA query_only = ON")

    def close(self) -> None:
        with self._reading:
            self._source.close()

    def status(self, job: str) -> JobStatus:
        """Raises UnknownJob."""
        with self._reading:
            return self._status(row_of(self._source, job))

    def recent(self, limit: int, before: str = "", *, listed: bool = False) -> tuple[JobStatus, ...]:
        """The newest jobs first; `before`: those older than this one; `listed`: without what is not listed.

        Raises UnknownJob.
        """
        with self._reading:
            end = row_of(self._source, before)["number"] if before else _NEWEST
            rows = self._source.execute(
                "SELECT * FROM jobs WHERE number < ? AND listed >= ? ORDER BY number DESC LIMIT ?", (end, listed, limit)
            ).fetchall()
            return tuple(self._status(row) for row in rows)

    def _status(self, row: sqlite3.Row) -> JobStatus:
        return status_of(row, last_event_of(self._source, row["number"]) if state_of(row).is_final else None)

    def layer(self, job: str, index: int) -> LayerResult:
        """Raises UnknownJob, LayerNotReady before the job is done, UnknownLayer."""
        status = self.status(job)
        if status.state is not JobState.DONE:
            raise LayerNotReady(f"job {job} is {label_of(status.state)}", "Follow its events until it is done.")
        if not 0 <= index < len(status.layers):
            raise UnknownLayer(f"job {job} has {len(status.layers)} layers, and no layer {index}", "Ask for another.")
        return status.layers[index]

    def events_after(self, job: str, seq: int) -> tuple[list[StoredEvent], bool]:
        """What happened behind event `seq`, in order (superseded previews are gone), and whether that is all.

        A waiting job tells its position as it is now.
        """
        with self._reading:
            row = row_of(self._source, job)
            found = self._source.execute(
                "SELECT seq, name, data FROM events WHERE job = ? AND seq > ? ORDER BY seq", (row["number"], seq)
            ).fetchall()
            last = last_event_of(self._source, row["number"])
            position = position_of(self._source, row) if row["state"] == JobState.QUEUED.value else None
        events = [event for event in (StoredEvent(*columns) for columns in found) if is_readable(event)]
        if position is not None:
            events = _with_position(events, position, last.seq if last else 0)
        ending = made_up_ending(row, last)
        if ending and ending.seq > seq:
            events.append(ending)
        return events, state_of(row).is_final

    def made_as(self, identity: str) -> str | None:
        """The newest job that gave the result of `identity`."""
        with self._reading:
            row = self._source.execute(
                "SELECT id FROM jobs JOIN results ON jobs.number = results.job WHERE made_as = ? "
                "ORDER BY number DESC LIMIT 1",
                (identity,),
            ).fetchone()
            return row["id"] if row else None

    def newest(self) -> float | None:
        """When the last job was accepted, in seconds since 1970."""
        with self._reading:
            (created,) = self._source.execute(f"SELECT max({ACCEPTED}) FROM jobs").fetchone()
            return created if isinstance(created, float) else None

    def used_images(self) -> set[str]:
        """Every digest that a job names or made."""
        with self._reading:
            return {row["digest"] for row in self._source.execute("SELECT DISTINCT digest FROM images")}


def _with_position(events: list[StoredEvent], position: int, last: int) -> list[StoredEvent]:
    """Of a waiting job: where it stands now, not where it stood when it was accepted."""
    queued = StoredEvent(last, "queued", encode_event(Queued(position)))
    if any(event.name == "queued" for event in events):
        return [replace(event, data=queued.data) if event.name == "queued" else event for event in events]
    return [*events, queued]


def row_of(database: sqlite3.Connection, job: str) -> sqlite3.Row:
    row: sqlite3.Row | None = database.execute("SELECT * FROM jobs WHERE id = ?", (job,)).fetchone()
    if row is None:
        raise UnknownJob(f"no job is called {job[:80]!r}", "It may have been swept away: send it again.")
    return row


def position_of(database: sqlite3.Connection, row: sqlite3.Row) -> int:
    """How many queued jobs are before this one."""
    found = database.execute(
        "SELECT count(*) FROM jobs WHERE state = 'queued' AND (priority > :priority "
        "OR (priority = :priority AND number < :number))",
        {"priority": row["priority"], "number": row["number"]},
    )
    (count,) = found.fetchone()
    return int(count)


def last_event_of(database: sqlite3.Connection, number: int) -> StoredEvent | None:
    event = database.execute(
        "SELECT seq, name, data FROM events WHERE job = ? ORDER BY seq DESC LIMIT 1", (number,)
    ).fetchone()
    return StoredEvent(*event) if event else None
