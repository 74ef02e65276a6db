"""One row that somebody else has written, between two of ours: lists and queue go on, and it stays as it is."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from starlette.responses import JSONResponse

from acetate.protocol.codec import to_json
from acetate.protocol.events import Done, JobList, JobState, LayerResult, LayerRole, encode_event
from acetate.protocol.geometry import Bounds
from acetate_engine.jobs.store import JobStore
from tests.engine.process import identity_request

DONE = Done((LayerResult(0, 0, LayerRole.FOREGROUND, "x", Bounds(0, 0, 1, 1), "a" * 64, 1),))
_REQUEST, _DONE = json.dumps(to_json(identity_request())), encode_event(DONE)
_BROKEN = [b"", b"{", b"null", b"7", b"[]", b"{}", b"\xff\xfe\x00", b"[" * 100_000, b'{"version":2}', b'{"version":{}}']
REQUESTS = [
    *_BROKEN,
    *(
        f"{_REQUEST[:-1]},{more}}}".encode()
        for more in (
            *('"mood":1', '"strength":1e999', '"strength":NaN', '"seed":' + "9" * 5000, '"prompt":"\\ud800"'),
            *('"bounds":{"x":0,"y":0,"width":-1,"height":1}', '"task":{}', '"control":[{}]', '"prompt":null'),
        )
    ),
]
ENDINGS = [*_BROKEN, _DONE.replace('[{"index"', '[7,{"index"').encode(), f'{_DONE[:-1]},"seconds":1e999}}'.encode()]


def shown(text: bytes) -> str:
    return text[-24:].decode(errors="replace")


@contextmanager
def three_jobs(folder: Path, change: str, *values: object) -> Iterator[tuple[JobStore, list[str]]]:
    """The second one is changed behind the store's back; `?` is what it is changed to, `?2` its id."""
    path = folder / "jobs.sqlite"
    store = JobStore(path)
    jobs = [store.add(identity_request(seed=seed)).id for seed in range(3)]
    store.close()
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(change, (*values, jobs[1]))
    with closing(JobStore(path)) as store:
        yield store, jobs


def check_lists(store: JobStore) -> None:
    """As they are answered."""
    listed = store.recent(10)
    assert len(listed) == 3
    assert json.loads(JSONResponse(to_json(JobList(listed))).body)


def carry_out_all(store: JobStore) -> list[str]:
    done = []
    while job := store.start_next():
        store.record(job.id, DONE)
        done.append(job.id)
    return done


@pytest.mark.parametrize("request_text", REQUESTS, ids=shown)
def test_a_request_that_cannot_be_read_fails_alone(tmp_path: Path, request_text: bytes) -> None:
    with three_jobs(tmp_path, "UPDATE jobs SET request = CAST(? AS TEXT) WHERE id = ?", request_text) as (store, jobs):
        check_lists(store)
        assert carry_out_all(store) == [jobs[0], jobs[2]]
        check_lists(store)
        failed = store.status(jobs[1])
        assert failed.state is JobState.FAILED and failed.problem is not None and failed.request is None
        assert failed.problem.code == "unreadable-job"
        kept = store._database.execute("SELECT CAST(request AS BLOB) FROM jobs WHERE id = ?", (jobs[1],)).fetchone()[0]
        assert kept == request_text


@pytest.mark.parametrize("ending", ENDINGS, ids=shown)
def test_an_ending_that_cannot_be_read_fails_alone(tmp_path: Path, ending: bytes) -> None:
    change = "INSERT INTO events SELECT number, 9, 'done', CAST(? AS TEXT) FROM jobs WHERE id = ?"
    with three_jobs(tmp_path, change, ending) as (store, jobs):
        store._database.execute("UPDATE jobs SET state = 'done' WHERE id = ?", (jobs[1],))
        check_lists(store)
        assert store.status(jobs[1]).state is JobState.FAILED
        assert store.events_after(jobs[1], 0)[0][-1].name == "failed"
        assert carry_out_all(store) == [jobs[0], jobs[2]]


@pytest.mark.parametrize("column", ["document", "key", "state"])
def test_bytes_that_are_no_text_end_no_list(tmp_path: Path, column: str) -> None:
    change = f"UPDATE jobs SET {column} = CAST(? AS TEXT) WHERE id = ?"
    with three_jobs(tmp_path, change, b"\xff\xfe") as (store, jobs):
        check_lists(store)
        assert set(carry_out_all(store)) >= {jobs[0], jobs[2]}


@pytest.mark.parametrize("created", [float("inf"), float("-inf"), -1.0, 1e300])
def test_a_day_that_never_was_ends_no_list(tmp_path: Path, created: float) -> None:
    with three_jobs(tmp_path, "UPDATE jobs SET created = ? WHERE id = ?", created) as (store, jobs):
        check_lists(store)
        assert carry_out_all(store) == jobs
