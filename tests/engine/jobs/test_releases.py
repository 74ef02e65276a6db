"""Data folders that earlier releases have left, and one of a later release: a real engine takes them up."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from acetate.client.launcher import engine_command
from acetate.protocol.connection import read_connection
from acetate.protocol.errors import EngineNotInstalled
from acetate.protocol.events import Done, Failed, JobState, JobStatus
from tests.engine.process import EngineProcess, identity_request, problem_of
from tests.releases import RELEASES, unpack_home

pytestmark = pytest.mark.engine
every_release = pytest.mark.parametrize("release", RELEASES, ids=lambda folder: folder.name)


@contextmanager
def engine_in(root: Path) -> Iterator[EngineProcess]:
    engine = EngineProcess(root)
    try:
        yield engine
    finally:
        engine.stop()


@contextmanager
def store_of(root: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(root / "data" / "acetate" / "jobs.sqlite")) as database, database:
        yield database


def jobs_of(engine: EngineProcess) -> list[JobStatus]:
    answer = engine.http.get("/v1/jobs")
    assert answer.status_code == 200, answer.text
    return [engine.status(job["id"]) for job in answer.json()["jobs"]]


@every_release
def test_its_jobs_are_all_there_and_those_that_waited_are_carried_out(tmp_path: Path, release: Path) -> None:
    unpack_home(release, tmp_path / "home")
    kept = kept_in(tmp_path / "home")
    with engine_in(tmp_path / "home") as engine:
        jobs = jobs_of(engine)
        assert {job.id: job.request.task.value for job in jobs if job.request} == kept
        assert {job.state for job in jobs if job.problem or job.request is None} == set()
        for job in jobs:
            if job.state is not JobState.CANCELLED:
                done = engine.wait_for(job.id, JobState.DONE)
                for layer in done.layers:
                    assert engine.http.get(f"/v1/jobs/{job.id}/layers/{layer.index}").status_code == 200


def kept_in(root: Path) -> dict[str, str]:
    """The tasks of its jobs, by their ids."""
    with store_of(root) as database:
        found = database.execute("SELECT id, request FROM jobs").fetchall()
    return {name: json.loads(request)["task"] for name, request in found}


def add(database: sqlite3.Connection, name: str, request: str, state: str = "queued") -> None:
    database.execute(
        "INSERT INTO jobs (id, request, state, created) VALUES (?, ?, ?, ?)", (name, request, state, time.time())
    )


def of_the_future(root: Path) -> dict[str, str]:
    """Adds jobs that only a later release could read; their requests by name."""
    with store_of(root) as database:
        (row,) = database.execute("SELECT request FROM jobs WHERE state = 'done' LIMIT 1").fetchone()
        known = json.loads(row)
        requests = {
            "unknown-field": json.dumps({**known, "mood": "cheerful"}),
            "unknown-task": json.dumps({**known, "task": "a task of later"}),
            "later-form": json.dumps({"version": 2, "what": "a request of another shape"}),
            "no-request": "[1, 2",
        }
        for name, request in requests.items():
            add(database, name, request)
        add(database, "unknown-state", row, "resting")
        add(database, "done-otherwise", row, "done")
        database.execute(
            "INSERT INTO events (job, seq, name, data) SELECT number, 1, 'dreamt', '{}' FROM jobs "
            "WHERE id = 'done-otherwise'"
        )
        database.execute("ALTER TABLE jobs ADD COLUMN mood TEXT NOT NULL DEFAULT 'cheerful'")
        database.execute("PRAGMA user_version = 7")
    return requests


@every_release
def test_what_a_later_release_has_kept_ends_neither_list_nor_queue(tmp_path: Path, release: Path) -> None:
    root = tmp_path / "home"
    unpack_home(release, root)
    kept = len(kept_in(root))
    requests = of_the_future(root)
    with engine_in(root) as engine:
        engine.upload()
        last = engine.submit(identity_request())
        engine.wait_for(last, JobState.DONE)
        for name in (*requests, "unknown-state", "done-otherwise"):
            status = engine.status(name)
            assert status.state is JobState.FAILED
            assert status.problem is not None and status.problem.code == "unreadable-job"
            (*_, (_, final)) = engine.events(name)
            assert isinstance(final, Failed) and final.problem == status.problem
        assert len(jobs_of(engine)) == kept + 6 + 1
        assert engine.status("unknown-field").problem.detail.count("mood") == 1  # type: ignore[union-attr]
        assert problem_of(engine.http.get("/v1/jobs/unknown-task/layers/0"))["code"] == "layer-not-ready"
        assert engine.http.delete("/v1/jobs/unknown-state").json()["state"] == "failed"
        assert engine.health()["worker"] in ("ready", "busy")
    with store_of(root) as database:
        rows = dict(database.execute("SELECT id, request FROM jobs").fetchall())
        assert {name: rows[name] for name in requests} == requests
        assert database.execute("SELECT state FROM jobs WHERE id = 'unknown-state'").fetchone() == ("resting",)
        assert database.execute("PRAGMA user_version").fetchone() == (7,)


def test_a_later_form_of_a_result_still_gives_its_layers(tmp_path: Path) -> None:
    root = tmp_path / "home"
    unpack_home(RELEASES[0], root)
    with store_of(root) as database:
        number, name = database.execute("SELECT number, id FROM jobs WHERE state = 'done' LIMIT 1").fetchone()
        (data,) = database.execute("SELECT data FROM events WHERE job = ? AND name = 'done'", (number,)).fetchone()
        later = json.dumps({**json.loads(data), "watts": 3.5})
        database.execute("UPDATE events SET data = ? WHERE job = ? AND name = 'done'", (later, number))
    with engine_in(root) as engine:
        assert engine.http.get(f"/v1/jobs/{name}/layers/0").status_code == 200
        assert isinstance(list(engine.events(name))[-1][1], Done)


@every_release
def test_its_small_files_are_read(tmp_path: Path, release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "home"
    unpack_home(release, root)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(root / "config"))
    assert read_connection(root / "run" / "acetate" / "connection.json") is not None
    with pytest.raises(EngineNotInstalled, match=r"/opt/acetate/bin/python .* is gone"):
        engine_command()
