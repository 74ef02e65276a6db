"""Jobs and their events in SQLite. What a call has returned is on the disk: WAL with synchronous=FULL."""

from __future__ import annotations

import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from acetate.protocol.errors import FileError, LayerNotReady, UnknownJob, UnknownLayer, UnreadableJob, WorkerDied
from acetate.protocol.events import (
    Accepted,
    Cancelled,
    Done,
    Event,
    Failed,
    JobState,
    JobStatus,
    LayerResult,
    Problem,
    Progress,
    Queued,
    Started,
    encode_event,
    event_name,
    final_state,
)
from acetate.protocol.requests import GenerateRequest
from acetate_engine.jobs.migrations import migrate
from acetate_engine.jobs.rows import (
    StoredEvent,
    is_readable,
    made_up_ending,
    read_request,
    state_of,
    status_of,
    write_request,
)

MAX_WORKER_DEATHS = 3  # a job that kills this many workers is not tried again
MAX_ATTEMPTS = 10  # nor one that was under way at so many deaths of whatever process
_ENGINE_DIED = WorkerDied("the engine died each time that this job was under way", "See the log, then try again.")
_START = (
    "UPDATE jobs SET state = 'running', attempt = attempt + 1, step = 0, steps = 0 WHERE number = "
    "(SELECT min(number) FROM jobs WHERE state = 'queued') RETURNING *"
)
_SUPERSEDED = ("queued", "preview")  # of these a job keeps the last one only


@dataclass(frozen=True)
class StartedJob:
    id: str
    request: GenerateRequest


class JobStore:
    """One connection, used by any thread, one call at a time. Raises FileError where the file is none of ours.

    `takes_newer`: also a file of a newer release, where it has all that this one needs.
    """

    def __init__(self, path: Path, *, takes_newer: bool = False) -> None:
        self._lock = threading.RLock()
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.row_factory = sqlite3.Row
        try:
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")
            self._database.execute("PRAGMA foreign_keys = ON")
            migrate(self._database, takes_newer=takes_newer)
        except sqlite3.DatabaseError as error:
            raise FileError(
                f"the job store {path} cannot be read: {error}", "Move it away; jobs in it are lost."
            ) from error

    def close(self) -> None:
        with self._lock:
            self._database.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    # accepting

    def add(self, request: GenerateRequest, key: str | None = None) -> Accepted:
        """Queues a job, or finds the one that the same `key` queued before."""
        with self._transaction() as database:
            row = database.execute("SELECT id, number FROM jobs WHERE key = ?", (key,)).fetchone()
            if row is None:
                row = self._insert(request, key)
            return Accepted(row["id"], self._position(row["number"]))

    def _insert(self, request: GenerateRequest, key: str | None) -> sqlite3.Row:
        row: sqlite3.Row = self._database.execute(
            "INSERT INTO jobs (id, key, request, state, created) VALUES (?, ?, ?, ?, ?) RETURNING id, number",
            (uuid.uuid4().hex, key, write_request(request), JobState.QUEUED.value, time.time()),
        ).fetchone()
        self._refer(row["number"], request.image_digests)
        self._append(row["number"], Queued(self._position(row["number"])))
        return row

    def _refer(self, number: int, digests: tuple[str, ...]) -> None:
        self._database.executemany(
            "INSERT OR IGNORE INTO images (job, digest) VALUES (?, ?)", [(number, digest) for digest in digests]
        )

    def _position(self, number: int) -> int:
        """How many queued jobs are before this one."""
        (count,) = self._database.execute(
            "SELECT count(*) FROM jobs WHERE state = 'queued' AND number < ?", (number,)
        ).fetchone()
        return int(count)

    # carrying out

    def start_next(self) -> StartedJob | None:
        """Takes the oldest queued job: it is running from now on. None where nothing is queued.

        One that cannot be read is failed, and the next one taken.
        """
        with self._transaction() as database:
            while row := database.execute(_START).fetchone():
                self._append(row["number"], Started(row["attempt"]))
                try:
                    return StartedJob(row["id"], read_request(row))
                except UnreadableJob as error:
                    self._record(row["number"], Failed(Problem.of(error)))
            return None

    def record(self, job: str, event: Event) -> None:
        """Adds what happened; an event that ends the job ends it."""
        with self._transaction():
            self._record(self._row(job)["number"], event)

    def _record(self, number: int, event: Event) -> None:
        self._append(number, event)
        if isinstance(event, Progress):
            self._database.execute(
                "UPDATE jobs SET step = ?, steps = ? WHERE number = ?", (event.step, event.steps, number)
            )
        if isinstance(event, Done):
            self._refer(number, tuple(layer.digest for layer in event.layers))
        state = final_state(event)
        if state is not None:
            self._database.execute("UPDATE jobs SET state = ? WHERE number = ?", (state.value, number))
            self._database.execute("DELETE FROM events WHERE job = ? AND name = 'preview'", (number,))

    def _append(self, number: int, event: Event) -> None:
        name = event_name(event)
        (seq,) = self._database.execute("SELECT max(seq) FROM events WHERE job = ?", (number,)).fetchone()
        if name in _SUPERSEDED:
            self._database.execute("DELETE FROM events WHERE job = ? AND name = ?", (number, name))
        self._database.execute(
            "INSERT INTO events (job, seq, name, data) VALUES (?, ?, ?, ?)",
            (number, (seq or 0) + 1, name, encode_event(event)),
        )

    def cancel(self, job: str) -> JobState:
        """A queued job is cancelled at once, a running one marked; gives the state after that."""
        with self._transaction() as database:
            row = self._row(job)
            state = state_of(row)
            if state.is_final:
                return state
            database.execute("UPDATE jobs SET cancelling = 1 WHERE number = ?", (row["number"],))
            if state is JobState.RUNNING:
                return state
            self._record(row["number"], Cancelled())
            return JobState.CANCELLED

    # what goes wrong

    def worker_died(self, job: str, death: WorkerDied) -> None:
        """Queues the job again, unless it was being cancelled or has killed too many workers."""
        with self._transaction() as database:
            number = self._row(job)["number"]
            database.execute("UPDATE jobs SET deaths = deaths + 1 WHERE number = ?", (number,))
            self._give_back(self._row(job), death)

    def release(self, job: str) -> None:
        """Queues a running job again that was broken off for no fault of its own."""
        with self._transaction() as database:
            database.execute("UPDATE jobs SET attempt = attempt - 1 WHERE id = ? AND state = 'running'", (job,))
            self._give_back(self._row(job), _ENGINE_DIED)

    def recover(self) -> int:
        """After the death of an engine: queues again what was under way; how many jobs wait now."""
        with self._transaction() as database:
            for row in database.execute("SELECT * FROM jobs WHERE state = 'running'").fetchall():
                self._give_back(row, _ENGINE_DIED)
            (count,) = database.execute("SELECT count(*) FROM jobs WHERE state = 'queued'").fetchone()
            return int(count)

    def _give_back(self, row: sqlite3.Row, death: WorkerDied) -> None:
        if row["state"] != JobState.RUNNING.value:  # its last event came in meanwhile
            return
        if row["cancelling"]:
            self._record(row["number"], Cancelled())
        elif row["deaths"] >= MAX_WORKER_DEATHS or row["attempt"] >= MAX_ATTEMPTS:
            self._record(row["number"], Failed(Problem.of(death)))
        else:
            self._database.execute("UPDATE jobs SET state = 'queued' WHERE number = ?", (row["number"],))

    # asking

    def _row(self, job: str) -> sqlite3.Row:
        row: sqlite3.Row | None = self._database.execute("SELECT * FROM jobs WHERE id = ?", (job,)).fetchone()
        if row is None:
            raise UnknownJob(f"no job is called {job[:80]!r}", "It may have been swept away: send it again.")
        return row

    def status(self, job: str) -> JobStatus:
        with self._lock:
            return self._status(self._row(job))

    def recent(self, limit: int) -> tuple[JobStatus, ...]:
        """The newest jobs first."""
        with self._lock:
            rows = self._database.execute("SELECT * FROM jobs ORDER BY number DESC LIMIT ?", (limit,)).fetchall()
            return tuple(self._status(row) for row in rows)

    def _status(self, row: sqlite3.Row) -> JobStatus:
        return status_of(row, self._last_event(row["number"]) if state_of(row).is_final else None)

    def _last_event(self, number: int) -> StoredEvent | None:
        event = self._database.execute(
            "SELECT seq, name, data FROM events WHERE job = ? ORDER BY seq DESC LIMIT 1", (number,)
        ).fetchone()
        return StoredEvent(*event) if event else None

    def layer(self, job: str, index: int) -> LayerResult:
        """Raises UnknownJob, LayerNotReady before the job is done, UnknownLayer."""
        status = self.status(job)
        if status.state is not JobState.DONE:
            raise LayerNotReady(f"job {job} is {status.state.value}", "Follow its events until it is done.")
        if not 0 <= index < len(status.layers):
            raise UnknownLayer(f"job {job} has {len(status.layers)} layers, and no layer {index}", "Ask for another.")
        return status.layers[index]

    def events_after(self, job: str, seq: int) -> tuple[list[StoredEvent], bool]:
        """What happened behind event `seq`, in order (superseded previews are gone), and whether that is all.

        A waiting job tells its position as it is now.
        """
        with self._lock:
            row = self._row(job)
            found = self._database.execute(
                "SELECT seq, name, data FROM events WHERE job = ? AND seq > ? ORDER BY seq", (row["number"], seq)
            ).fetchall()
            events = [event for event in (StoredEvent(*columns) for columns in found) if is_readable(event)]
            last = self._last_event(row["number"])
            if row["state"] == JobState.QUEUED.value:
                events = self._with_position(events, row["number"], last)
        ending = made_up_ending(row, last)
        if ending and ending.seq > seq:
            events.append(ending)
        return events, state_of(row).is_final

    def _with_position(self, events: list[StoredEvent], number: int, last: StoredEvent | None) -> list[StoredEvent]:
        """Of a waiting job: where it stands now, not where it stood when it was accepted."""
        queued = StoredEvent(last.seq if last else 0, "queued", encode_event(Queued(self._position(number))))
        if any(event.name == "queued" for event in events):
            return [replace(event, data=queued.data) if event.name == "queued" else event for event in events]
        return [*events, queued]

    # sweeping

    def forget(self, older_than: float) -> int:
        """Deletes ended jobs that were accepted more than `older_than` seconds ago; how many."""
        with self._transaction() as database:
            return database.execute(
                "DELETE FROM jobs WHERE created < ? AND state IN ('done', 'failed', 'cancelled')",
                (time.time() - older_than,),
            ).rowcount

    def used_images(self) -> set[str]:
        """Every digest that a job names or made."""
        with self._lock:
            return {row["digest"] for row in self._database.execute("SELECT DISTINCT digest FROM images")}
