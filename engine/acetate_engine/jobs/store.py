"""Jobs and their events in SQLite, in WAL mode: what a call has returned outlives every process.

It is on the disk, too, but for what the job under way has come to: a power cut may forget the last of that, as the job
begins anew then. How a job ended no power cut forgets; nor that it was accepted, once `sync` has returned, for which
whoever tells of that waits.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from acetate.protocol.errors import KeyReused, UnreadableJob, WorkerDied
from acetate.protocol.events import (
    Accepted,
    Cancelled,
    Done,
    Event,
    Failed,
    JobState,
    Problem,
    Progress,
    Queued,
    Started,
    encode_event,
    event_name,
    final_state,
)
from acetate.protocol.filing import Filing, Refiling
from acetate.protocol.private import check_own_file
from acetate.protocol.requests import GenerateRequest
from acetate_engine.jobs.migrations import migrate
from acetate_engine.jobs.reader import ACCEPTED, JobReader, connect, position_of, row_of
from acetate_engine.jobs.rows import SUPERSEDED, StoredEvent, bits_of, read_request, state_of, write_request
from acetate_engine.jobs.trouble import of_store

MAX_WORKER_DEATHS = 3  # a job that kills this many workers is not tried again
MAX_ATTEMPTS = 10  # nor one that was under way at so many deaths of whatever process
_ENGINE_DIED = WorkerDied("the engine died each time that this job was under way", "See the log, then try again.")
_START = (
    "UPDATE jobs SET state = 'running', attempt = attempt + 1, step = 0, steps = 0 WHERE number = "
    "(SELECT number FROM jobs WHERE state = 'queued' ORDER BY priority DESC, number LIMIT 1) RETURNING *"
)
_UNLISTED = 24 * 3600.0  # seconds
_LONGER = 2.0  # so many times the age of others a result reaches that was never applied
_ENDED = "('done', 'failed', 'cancelled')"
_UNAPPLIED = "(state = 'done' AND listed AND NOT applied)"
_MISSED = f"(starred > 0 OR {_UNAPPLIED})"


@dataclass(frozen=True)
class StartedJob:
    id: str
    request: GenerateRequest
    started: StoredEvent


@dataclass(frozen=True)
class Forgotten:
    """What a sweep has deleted."""

    jobs: int
    missed: int  # of these: results with a star, or that nobody had applied

    @staticmethod
    def of(rows: Sequence[sqlite3.Row]) -> Forgotten:
        return Forgotten(len(rows), sum(bool(row["missed"]) for row in rows))


class JobStore(JobReader):
    """What is asked (JobReader) has a connection of its own: it never waits for what is written.

    `takes_newer`: also a file of a newer release, where it has all that this one needs.
    Raises FileError where the file is none of ours, StoreUnusable or NoSpace where it cannot be used now, OSError
    where it is a link, or another user's.
    """

    def __init__(self, path: Path, *, takes_newer: bool = False) -> None:
        self._lock = threading.RLock()
        self._log = path.with_name(path.name + "-wal")
        self.clock_shift: Callable[[], float] = lambda: 0.0  # by how many seconds the clock is wrong now (jobs.clock)
        for ending in ("", "-wal", "-shm", "-journal"):  # SQLite follows links, and waits for pipes
            check_own_file(path.with_name(path.name + ending))
        try:
            self._database = connect(path)
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA foreign_keys = ON")
            # some builds of SQLite write zeros over what is deleted: the end of a job waited for those of its previews
            self._database.execute("PRAGMA secure_delete = FAST")
            migrate(self._database, takes_newer=takes_newer)
            super().__init__(path)
        except sqlite3.Error as error:
            raise of_store(error, path) from error

    def close(self) -> None:
        super().close()
        with self._lock:
            self._database.close()

    @contextmanager
    def _transaction(self, *, is_synced: bool = True) -> Iterator[sqlite3.Connection]:
        """Whole or not at all, also where it is the end of it that fails.

        One that `is_synced` waits until it is on the disk, with all that came before it.
        """
        with self._lock:
            self._database.execute(f"PRAGMA synchronous = {'FULL' if is_synced else 'NORMAL'}")
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:  # a full disk may have ended it
                    self._database.execute("ROLLBACK")
                raise

    def sync(self) -> None:
        """All that calls have returned is on the disk behind this; it keeps no other call waiting. Raises OSError."""
        log = os.open(self._log, os.O_RDWR)
        try:
            os.fsync(log)
        finally:
            os.close(log)

    # accepting

    def add(
        self,
        request: GenerateRequest,
        key: str | None = None,
        filing: Filing = Filing(),  # noqa: B008  # frozen
        made: Done | None = None,
    ) -> Accepted:
        """Queues a job, or finds the one that the same `key` queued before; one that was `made` is done at once.

        On the disk behind `sync`. Raises KeyReused where the key came with another request.
        """
        with self._transaction(is_synced=False) as database:
            row = database.execute("SELECT * FROM jobs WHERE key = ?", (key,)).fetchone()
            if row is not None:
                _require_same(row, request)
            else:
                row = self._insert(request, key, filing)
                if made is not None:
                    self._record(row["number"], made)
            return Accepted(row["id"], position_of(database, row))

    def _insert(self, request: GenerateRequest, key: str | None, filing: Filing) -> sqlite3.Row:
        row: sqlite3.Row = self._database.execute(
            "INSERT INTO jobs (id, key, request, state, created, clock_shift, document, priority, listed) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id, number, priority",
            (
                *(uuid.uuid4().hex, key, write_request(request), JobState.QUEUED.value),
                *(time.time(), self.clock_shift()),
                *(filing.document, filing.priority, filing.listed),
            ),
        ).fetchone()
        self._refer(row["number"], request.image_digests)
        self._append(row["number"], Queued(position_of(self._database, row)))
        return row

    def refile(self, job: str, change: Refiling) -> None:
        """Raises UnknownJob."""
        with self._transaction() as database:
            number = row_of(database, job)["number"]
            for name, value in change.changes.items():
                kept = bits_of(value) if isinstance(value, tuple) else value
                database.execute(f"UPDATE jobs SET {name} = ? WHERE number = ?", (kept, number))

    def _refer(self, number: int, digests: tuple[str, ...]) -> None:
        self._database.executemany(
            "INSERT OR IGNORE INTO images (job, digest) VALUES (?, ?)", [(number, digest) for digest in digests]
        )

    # carrying out

    def start_next(self) -> StartedJob | None:
        """Takes the oldest queued job: it is running from now on. None where nothing is queued.

        One that cannot be read is failed, and the next one taken. On the disk behind `sync`.
        """
        with self._transaction(is_synced=False) as database:
            while row := database.execute(_START).fetchone():
                started = self._append(row["number"], Started(row["attempt"]))
                try:
                    return StartedJob(row["id"], read_request(row), started)
                except UnreadableJob as error:
                    self._record(row["number"], Failed(Problem.of(error)))
            return None

    def note_made(self, job: str, identity: str) -> None:
        """That what `job` gave is the result of `identity`; a power cut may forget it. Raises UnknownJob."""
        with self._transaction(is_synced=False) as database:
            number = row_of(database, job)["number"]
            database.execute("INSERT OR REPLACE INTO results (job, made_as) VALUES (?, ?)", (number, identity))

    def record(self, job: str, event: Event) -> StoredEvent:
        """Adds what happened; an event that ends the job ends it, and is on the disk."""
        with self._transaction(is_synced=final_state(event) is not None):
            return self._record(row_of(self._database, job)["number"], event)

    def _record(self, number: int, event: Event) -> StoredEvent:
        stored = self._append(number, event)
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
        return stored

    def _append(self, number: int, event: Event) -> StoredEvent:
        name = event_name(event)
        (seq,) = self._database.execute("SELECT max(seq) FROM events WHERE job = ?", (number,)).fetchone()
        if name in SUPERSEDED:
            self._database.execute("DELETE FROM events WHERE job = ? AND name = ?", (number, name))
        stored = StoredEvent((seq or 0) + 1, name, encode_event(event))
        self._database.execute(
            "INSERT INTO events (job, seq, name, data) VALUES (?, ?, ?, ?)",
            (number, stored.seq, stored.name, stored.data),
        )
        return stored

    def cancel(self, job: str) -> JobState:
        """A queued job is cancelled at once, a running one marked; gives the state after that."""
        with self._transaction() as database:
            row = row_of(self._database, job)
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
            number = row_of(self._database, job)["number"]
            database.execute("UPDATE jobs SET deaths = deaths + 1 WHERE number = ?", (number,))
            self._give_back(row_of(self._database, job), death)

    def release(self, job: str) -> None:
        """Queues a running job again that was broken off for no fault of its own."""
        with self._transaction() as database:
            database.execute("UPDATE jobs SET attempt = attempt - 1 WHERE id = ? AND state = 'running'", (job,))
            self._give_back(row_of(self._database, job), _ENGINE_DIED)

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

    # sweeping

    def forget(self, older_than: float, now: float | None = None) -> Forgotten:
        """Deletes ended jobs that were accepted more than `older_than` seconds ago.

        Starred ones stay, and for a while longer results that were never applied; of what is not listed nobody misses
        anything after a day.
        """
        end = time.time() if now is None else now
        with self._transaction() as database:
            rows = database.execute(
                f"DELETE FROM jobs WHERE state IN {_ENDED} AND NOT starred AND {ACCEPTED} < CASE "
                f"WHEN NOT listed THEN :unlisted WHEN {_UNAPPLIED} THEN :unapplied ELSE :others END "
                f"RETURNING {_MISSED} AS missed",
                {
                    "unlisted": end - min(older_than, _UNLISTED),
                    "unapplied": end - _LONGER * older_than,
                    "others": end - older_than,
                },
            )
            return Forgotten.of(rows.fetchall())

    def forget_oldest(self, count: int, before: float, *, missed: bool) -> Forgotten:
        """Deletes as many ended jobs, the oldest of those that were accepted `before`; those that nobody misses, what
        is not listed first, or (`missed`) those with a star and results that were never applied, these first.
        """
        with self._transaction() as database:
            rows = database.execute(
                f"DELETE FROM jobs WHERE number IN (SELECT number FROM jobs WHERE state IN {_ENDED} AND {ACCEPTED} < ? "
                f"AND {_MISSED} = ? ORDER BY starred > 0, listed, number LIMIT ?) RETURNING {_MISSED} AS missed",
                (before, missed, count),
            )
            return Forgotten.of(rows.fetchall())


def _require_same(row: sqlite3.Row, request: GenerateRequest) -> None:
    """Raises KeyReused; what cannot be read counts as the same."""
    with suppress(UnreadableJob):  # another release's
        if read_request(row) != request:
            raise KeyReused("another request came with it before", "Send each request with a key of its own.")
