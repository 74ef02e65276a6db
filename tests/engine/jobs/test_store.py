"""The job store on its own."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from acetate.protocol.errors import FileError, KeyReused, LayerNotReady, UnknownJob, UnknownLayer, WorkerDied
from acetate.protocol.events import (
    Accepted,
    Cancelled,
    Done,
    Failed,
    JobState,
    LayerResult,
    LayerRole,
    Preview,
    Problem,
    Progress,
    Stage,
    Started,
)
from acetate.protocol.filing import Filing, Refiling
from acetate.protocol.geometry import Bounds
from acetate_engine.jobs.migrations import MIGRATIONS
from acetate_engine.jobs.store import MAX_ATTEMPTS, Forgotten, JobStore
from tests.engine.process import identity_request

DEATH = WorkerDied("it died", "Try again.")
LAYER = LayerResult(0, 0, LayerRole.FOREGROUND, "x", Bounds(0, 0, 1, 1), "a" * 64, 1)


@pytest.fixture
def store(tmp_path: Path) -> JobStore:
    return JobStore(tmp_path / "jobs.sqlite")


def names(store: JobStore, job: str) -> list[str]:
    return [event.name for event in store.events_after(job, 0)[0]]


def start(store: JobStore) -> str:
    started = store.start_next()
    assert started is not None
    return started.id


def test_jobs_start_in_the_order_of_their_acceptance(store: JobStore) -> None:
    accepted = [store.add(identity_request(seed=seed)) for seed in range(3)]
    assert [job.position for job in accepted] == [0, 1, 2]
    assert [start(store) for _ in accepted] == [job.id for job in accepted]
    assert store.start_next() is None


def test_what_is_added_is_there_for_every_process(tmp_path: Path, store: JobStore) -> None:
    job = store.add(identity_request())
    (journal,) = store._database.execute("PRAGMA journal_mode").fetchone()
    assert journal == "wal"
    with sqlite3.connect(tmp_path / "jobs.sqlite") as other:
        assert other.execute("SELECT id, state FROM jobs").fetchall() == [(job.id, "queued")]


WAITING_FOR_THE_DISK: dict[str, tuple[Callable[[JobStore, str], object], bool]] = {
    "accepted": (lambda store, job: store.add(identity_request()), False),
    "filed": (lambda store, job: store.refile(job, Refiling(starred=(0,))), True),
    "cancelled": (lambda store, job: store.cancel(job), True),
    "begun": (lambda store, job: store.start_next(), False),
    "progress": (lambda store, job: store.record(job, Progress(1, 2, Stage.DENOISE)), False),
    "preview": (lambda store, job: store.record(job, Preview(1, "AAAA")), False),
    "done": (lambda store, job: store.record(job, Done((LAYER,), (), 1.0)), True),
    "failed": (lambda store, job: store.record(job, Failed(Problem.of(DEATH))), True),
    "ended": (lambda store, job: store.record(job, Cancelled()), True),
    "died": (lambda store, job: store.worker_died(job, DEATH), True),
    "released": (lambda store, job: store.release(job), True),
    "recovered": (lambda store, job: store.recover(), True),
    "made": (lambda store, job: store.note_made(job, "x"), False),
    "forgotten": (lambda store, job: store.forget(-1.0), True),
    "oldest": (lambda store, job: store.forget_oldest(1, 1e12, missed=True), True),
}


@pytest.mark.parametrize(("call", "waits"), WAITING_FOR_THE_DISK.values(), ids=WAITING_FOR_THE_DISK)
def test_only_what_a_power_cut_may_forget_does_not_wait_for_the_disk(
    store: JobStore, call: Callable[[JobStore, str], object], waits: bool
) -> None:
    call(store, store.add(identity_request()).id)
    (synchronous,) = store._database.execute("PRAGMA synchronous").fetchone()
    assert synchronous == (2 if waits else 1)  # FULL, NORMAL


def test_a_sync_is_one_of_the_log_that_has_it(store: JobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda file: synced.append(str(Path(f"/proc/self/fd/{file}").readlink())))
    store.add(identity_request())
    store.start_next()
    store.sync()
    (_, _, path) = store._database.execute("PRAGMA database_list").fetchone()
    assert synced == [f"{path}-wal"]


def test_the_end_of_a_job_writes_nothing_over_its_previews(store: JobStore) -> None:
    """Every build of SQLite does as much of that as it was built with, unless it is told."""
    job = store.add(identity_request()).id
    start(store)
    store.record(job, Preview(1, "A" * 400_000))
    (_, _, path) = store._database.execute("PRAGMA database_list").fetchone()
    log = Path(f"{path}-wal")
    before = log.stat().st_size
    store.record(job, Done((LAYER,), (), 1.0))
    assert log.stat().st_size - before < 100_000


def test_a_key_finds_its_job_again(store: JobStore) -> None:
    first = store.add(identity_request(), "key")
    assert store.add(identity_request(), "key") == first
    with pytest.raises(KeyReused):
        store.add(identity_request(seed=9), "key")
    assert store.add(identity_request()) != store.add(identity_request())


def test_positions_move_up(store: JobStore) -> None:
    jobs = [store.add(identity_request(seed=seed)).id for seed in range(3)]
    start(store)
    assert store.add(identity_request()) == Accepted(store.recent(1)[0].id, 2)
    store.cancel(jobs[1])
    assert [event.data for event in store.events_after(jobs[2], 0)[0]] == ['{"position":0}']


def test_only_the_last_preview_is_kept_and_none_of_an_ended_job(store: JobStore) -> None:
    job = store.add(identity_request()).id
    start(store)
    for step in range(1, 4):
        store.record(job, Progress(step, 3, "denoise"))
        store.record(job, Preview(step, "cGln"))
    assert names(store, job).count("preview") == 1
    assert names(store, job).count("progress") == 3
    last = store.events_after(job, 0)[0][-1]
    assert (last.name, last.seq) == ("preview", 8)
    store.record(job, Done((LAYER,)))
    assert "preview" not in names(store, job)
    assert store.events_after(job, 8)[0][0].seq == 9


def test_status_follows_the_events(store: JobStore) -> None:
    job = store.add(identity_request()).id
    assert store.status(job).state is JobState.QUEUED
    start(store)
    store.record(job, Progress(2, 5, "denoise"))
    assert (store.status(job).step, store.status(job).steps) == (2, 5)
    with pytest.raises(LayerNotReady):
        store.layer(job, 0)
    store.record(job, Done((LAYER,), ("a note",)))
    status = store.status(job)
    assert (status.state, status.layers, status.notes) == (JobState.DONE, (LAYER,), ("a note",))
    assert store.layer(job, 0) == LAYER
    for index in (-1, 1):
        with pytest.raises(UnknownLayer):
            store.layer(job, index)
    with pytest.raises(UnknownJob):
        store.status("x")


def test_a_started_job_is_started_again_by_the_next_engine(tmp_path: Path, store: JobStore) -> None:
    job = store.add(identity_request()).id
    start(store)
    store.close()
    reopened = JobStore(tmp_path / "jobs.sqlite")
    assert reopened.recover() == 1
    assert start(reopened) == job
    assert names(reopened, job) == ["queued", "started", "started"]
    assert reopened.status(job).attempt == 2


def test_three_dead_workers_fail_a_job(store: JobStore) -> None:
    job = store.add(identity_request()).id
    for _ in range(3):
        assert start(store) == job
        store.worker_died(job, DEATH)
    status = store.status(job)
    assert status.state is JobState.FAILED
    assert status.problem is not None and status.problem.detail == "it died"
    assert store.start_next() is None


def test_a_job_that_takes_the_engine_along_is_not_tried_for_ever(store: JobStore) -> None:
    job = store.add(identity_request()).id
    for _ in range(MAX_ATTEMPTS):
        assert start(store) == job
        store.recover()
    assert store.status(job).state is JobState.FAILED


def test_cancelling(store: JobStore) -> None:
    waiting, running = store.add(identity_request()).id, None
    assert store.cancel(waiting) is JobState.CANCELLED
    assert store.cancel(waiting) is JobState.CANCELLED
    running = store.add(identity_request()).id
    start(store)
    assert store.cancel(running) is JobState.RUNNING
    store.worker_died(running, DEATH)
    assert store.status(running).state is JobState.CANCELLED
    assert names(store, running)[-1] == "cancelled"


def test_a_broken_off_job_counts_no_attempt_and_a_cancelled_one_does_not_come_back(store: JobStore) -> None:
    job = store.add(identity_request()).id
    start(store)
    store.release(job)
    assert (store.status(job).state, store.status(job).attempt) == (JobState.QUEUED, 0)
    start(store)
    store.cancel(job)
    store.release(job)
    assert store.status(job).state is JobState.CANCELLED


def test_a_job_that_ended_meanwhile_stays_ended(store: JobStore) -> None:
    job = store.add(identity_request()).id
    start(store)
    store.record(job, Done((LAYER,)))
    store.release(job)
    store.worker_died(job, DEATH)
    assert (store.status(job).state, store.status(job).attempt) == (JobState.DONE, 1)


def test_old_ended_jobs_are_forgotten_with_their_images(store: JobStore) -> None:
    ended, waiting = store.add(identity_request()).id, store.add(identity_request(foreground="b" * 64)).id
    start(store)
    store.record(ended, Done((LAYER,)))
    assert {LAYER.digest, "b" * 64} <= store.used_images()
    assert store.forget(older_than=1000.0).jobs == 0
    assert store.forget(older_than=-1.0).jobs == 1
    with pytest.raises(UnknownJob):
        store.status(ended)
    assert store.status(waiting)
    assert store.used_images() == {"b" * 64}


def test_a_failed_call_changes_nothing(store: JobStore) -> None:
    job = store.add(identity_request()).id
    with pytest.raises(UnknownJob):
        store.record("x", Cancelled())
    start(store)
    assert names(store, job) == ["queued", "started"]
    assert Started(1)


def test_a_file_of_a_newer_release_is_left_alone(tmp_path: Path, store: JobStore) -> None:
    store.close()
    with sqlite3.connect(tmp_path / "jobs.sqlite") as database:
        database.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    with pytest.raises(FileError, match="newer"):
        JobStore(tmp_path / "jobs.sqlite")


def test_the_highest_priority_goes_first_and_positions_follow(store: JobStore) -> None:
    first, second, third = (store.add(identity_request(seed=seed)).id for seed in range(3))
    store.refile(third, Refiling(priority=1))
    assert [_position(store, job) for job in (first, second, third)] == [1, 2, 0]
    sketch = store.add(identity_request(), filing=Filing(priority=-1, listed=False))
    assert sketch.position == 3
    assert [start(store) for _ in range(4)] == [third, first, second, sketch.id]


def _position(store: JobStore, job: str) -> int:
    (event,) = store.events_after(job, 0)[0]
    position: int = json.loads(event.data)["position"]
    return position


def test_what_is_kept_beside_a_job_changes_one_by_one(store: JobStore) -> None:
    job = store.add(identity_request(), filing=Filing(document="{1}")).id
    store.refile(job, Refiling(starred=(0, 15)))
    store.refile(job, Refiling(listed=False))
    store.refile(job, Refiling(discarded=(3,)))
    store.refile(job, Refiling(applied=(2, 4)))
    assert store.status(job).filing == Filing("{1}", 0, False, (0, 15), (3,), (2, 4))
    with pytest.raises(UnknownJob):
        store.refile("nothing", Refiling(listed=True))


def test_what_is_listed_is_asked_for_in_pages(store: JobStore) -> None:
    jobs = [store.add(identity_request(seed=seed), filing=Filing(listed=seed != 2)).id for seed in range(5)]
    newest = store.recent(2, listed=True)
    assert [status.id for status in newest] == [jobs[4], jobs[3]]
    assert [status.id for status in store.recent(9, newest[-1].id, listed=True)] == [jobs[1], jobs[0]]
    assert len(store.recent(9)) == 5


def _ended(store: JobStore, *filings: Filing) -> list[str]:
    """Done jobs, one starred, one as it came, one applied, and a sketch."""
    jobs = [store.add(identity_request(), filing=Filing(listed=listed)).id for listed in (True, True, True, False)]
    store.refile(jobs[0], Refiling(starred=(2,)))
    store.refile(jobs[2], Refiling(applied=(0,)))
    for job in jobs:
        start(store)
        store.record(job, Done((LAYER,)))
    return jobs


def test_with_age_sketches_go_first_and_what_was_never_applied_late(store: JobStore) -> None:
    starred, unapplied, _, _ = _ended(store)
    now, day = time.time(), 86400.0
    assert store.forget(30 * day, now + 2 * day) == Forgotten(1, 0)  # a sketch is not missed after a day
    assert store.forget(30 * day, now + 40 * day) == Forgotten(1, 0)
    assert {status.id for status in store.recent(9)} == {starred, unapplied}
    assert store.forget(30 * day, now + 70 * day) == Forgotten(1, 1)
    assert [status.id for status in store.recent(9)] == [starred]


def test_for_room_starred_and_unapplied_results_go_last(store: JobStore) -> None:
    jobs = _ended(store)
    failed = store.add(identity_request()).id
    start(store)
    store.record(failed, Failed(Problem.of(DEATH)))
    starred, unapplied, applied, sketch = jobs
    order = [sketch, applied, failed, unapplied, starred]
    for job, missed in zip(order, (False, False, False, True, True), strict=True):
        assert store.forget_oldest(1, time.time() + 1, missed=missed) == Forgotten(1, missed)
        with pytest.raises(UnknownJob):
            store.status(job)
    assert store.forget_oldest(1, time.time() + 1, missed=True) == Forgotten(0, 0)


def test_a_store_of_the_first_form_gets_its_columns(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "old.sqlite")) as database:
        database.executescript(f"{MIGRATIONS[0]}; PRAGMA user_version = 1")
        database.execute("INSERT INTO jobs (id, request, state, created) VALUES ('a', '{}', 'queued', 1.0)")
        database.commit()
    assert JobStore(tmp_path / "old.sqlite").status("a").filing == Filing()
