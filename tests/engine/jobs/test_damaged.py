"""Kept data that a disk, another program or a person has damaged: one bad record is named, all else goes on."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from acetate.protocol.events import Done, JobState
from tests.engine.api.test_server import serve
from tests.engine.process import EngineProcess, identity_request, wait_until

pytestmark = pytest.mark.engine
NO_TEXT = "CAST(x'7b22ff227d' AS TEXT)"
DEEP = "[" * 100_000
SPOILT = {  # what is set in a row of jobs, or of its last event
    "no UTF-8": f"request = {NO_TEXT}",
    "nested without end": f"request = '{DEEP}'",
    "no number": 'request = replace(request, \'"seed": 1\', \'"seed": 1, "strength": NaN\')',
    "no end": 'request = replace(request, \'"seed": 1\', \'"seed": 1, "strength": Infinity\')',
    "beyond a double": f'request = replace(request, \'"seed": 1\', \'"seed": 1, "strength": 1{"0" * 400}\')',
    "accepted at no time": "created = 9e999",
    "another state": f"state = {NO_TEXT}",
    "a document without a name": f"document = {NO_TEXT}",
    "every bit": "starred = -1, discarded = 9223372036854775807, priority = -9223372036854775808",
    "steps": "step = 9223372036854775807, steps = -1, attempt = -5",
}
ENDINGS = {"ends in no text": NO_TEXT, "ends nested without end": f"'{DEEP}'", "ends in a list": "'[]'"}


def store_of(root: Path) -> Path:
    return root / "data" / "acetate" / "jobs.sqlite"


def spoil(root: Path, jobs: dict[str, str]) -> None:
    """`jobs`: by what is done to them."""
    with closing(sqlite3.connect(store_of(root))) as database, database:
        for how, job in jobs.items():
            if how in SPOILT:
                database.execute(f"UPDATE jobs SET {SPOILT[how]} WHERE id = ?", (job,))
            else:
                database.execute(
                    f"UPDATE events SET data = {ENDINGS[how]} WHERE name = 'done' "
                    "AND job = (SELECT number FROM jobs WHERE id = ?)",
                    (job,),
                )


def test_a_damaged_row_hides_no_other(tmp_path: Path) -> None:
    engine = EngineProcess(tmp_path)
    engine.upload()
    good, *rest = [engine.submit(identity_request()) for _ in range(1 + len(SPOILT) + len(ENDINGS))]
    jobs = dict(zip((*SPOILT, *ENDINGS), rest, strict=True))
    for job in (good, *jobs.values()):
        engine.wait_for(job, JobState.DONE)
    engine.stop()
    spoil(tmp_path, jobs)
    engine.start()
    try:
        answer = engine.http.get("/v1/jobs", params={"limit": 100})
        assert answer.status_code == 200, answer.text
        assert {row["id"] for row in answer.json()["jobs"]} == {good, *jobs.values()}
        for how, job in jobs.items():
            status = engine.status(job)
            assert status.state is JobState.DONE or (status.problem and status.problem.code == "unreadable-job"), how
            assert list(engine.events(job)), how
        assert engine.status(good).state is JobState.DONE
        assert isinstance(list(engine.events(good))[-1][1], Done)
        wait_until(lambda: engine.health()["status"] == "ok", "a healthy engine")
    finally:
        engine.stop()


def test_a_damaged_row_that_waits_is_failed_and_the_next_one_taken(tmp_path: Path) -> None:
    engine = EngineProcess(tmp_path)
    engine.upload()
    engine.pause_worker()
    first = engine.submit(identity_request())
    engine.wait_for(first, JobState.RUNNING)
    jobs = {how: engine.submit(identity_request()) for how in SPOILT}
    last = engine.submit(identity_request())
    engine.kill()
    spoil(tmp_path, jobs)
    engine.start()
    try:
        for job in (first, last):
            engine.wait_for(job, JobState.DONE)
        for how, job in jobs.items():
            wait_until(lambda job=job: engine.status(job).state.is_final, f"the end of one with {how}")
    finally:
        engine.stop()


KEPT = {
    "no bytes": {"storage.json": '{"bytes": 0, "days": 30.0}'},
    "days to come": {"storage.json": '{"bytes": 20000000000, "days": -1.0}'},
    "no settings": {"storage.json": DEEP},
    "a clock ahead of all": {"clock.json": '{"wall": 1e999, "shift": 0.0}'},
    "a clock far ahead": {"clock.json": '{"wall": 0.0, "shift": -1e300}'},
    "no clock": {"clock.json": '{"wall": NaN, "shift": NaN}'},
    "other kinds": {"clock.json": DEEP, "storage.json": "\0"},
}


@pytest.fixture(scope="module")
def aged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one job, which is done, of five days ago."""
    root = tmp_path_factory.mktemp("aged")
    engine = EngineProcess(root)
    engine.upload()
    engine.wait_for(engine.submit(identity_request()), JobState.DONE)
    engine.stop()
    with closing(sqlite3.connect(store_of(root))) as database, database:
        database.execute("UPDATE jobs SET created = ?", (time.time() - 5 * 86400,))
    return root


@pytest.mark.parametrize("kept", KEPT.values(), ids=KEPT)
def test_damaged_limits_and_clocks_make_nothing_old(aged: Path, tmp_path: Path, kept: dict[str, str]) -> None:
    shutil.copytree(aged, tmp_path / "home")
    for name, text in kept.items():
        (store_of(tmp_path / "home").with_name(name)).write_text(text)
    engine = EngineProcess(tmp_path / "home")
    try:
        wait_until(lambda: engine.health()["stored"] > 0, "the first look at the storage")
        (job,) = engine.http.get("/v1/jobs").json()["jobs"]
        assert job["state"] == "done"
        assert engine.post(identity_request(seed=2)).status_code == 202
        assert engine.health()["reasons"] == []
    finally:
        engine.stop()


def fifo(path: Path) -> None:
    os.mkfifo(path)


def listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        here = Path.cwd()
        os.chdir(path.parent)  # names of sockets are short
        listener.bind(path.name)
        os.chdir(here)


def folder(path: Path) -> None:
    path.mkdir()


def text(path: Path) -> None:
    path.write_text("Dear diary, " * 999)


def of_others(path: Path) -> None:
    """Another program's, with a table of the same name."""
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE jobs (salary INTEGER)")


def emptied(path: Path) -> None:
    """It says that it is up to date, and holds nothing."""
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA user_version = 3")


def of_before(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE jobs (salary INTEGER)")
        database.execute("PRAGMA user_version = -3")


def half(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE a (b)")
        database.executemany("INSERT INTO a VALUES (zeroblob(9000))", [()] * 9)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
    "put", [fifo, listening, folder, text, of_others, of_before, emptied, half], ids=lambda put: put.__name__
)
def test_what_is_no_store_of_ours_is_refused_by_name(tmp_path: Path, put: Callable[[Path], None]) -> None:
    store_of(tmp_path).parent.mkdir(parents=True)
    put(store_of(tmp_path))
    result = serve(tmp_path)
    assert result.returncode == 1, result.stderr
    assert "jobs.sqlite" in result.stderr and "Traceback" not in result.stderr, result.stderr


@pytest.mark.parametrize("ending", ["-wal", "-shm", "-journal"])
@pytest.mark.parametrize("put", [fifo, listening, folder], ids=lambda put: put.__name__)
def test_what_lies_in_the_way_of_a_store_is_refused_by_name(
    tmp_path: Path, ending: str, put: Callable[[Path], None]
) -> None:
    path = store_of(tmp_path).with_name(f"jobs.sqlite{ending}")
    path.parent.mkdir(parents=True)
    put(path)
    result = serve(tmp_path)
    assert result.returncode == 1, result.stderr
    assert path.name in result.stderr and "Traceback" not in result.stderr, result.stderr
