"""Long-lived tasks that go on whatever happens to them, and say so in /health meanwhile."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from acetate.protocol.events import JobState
from tests.engine.process import EngineProcess, identity_request, is_gone, wait_until

pytestmark = pytest.mark.engine


def change(engine: EngineProcess, statement: str) -> None:
    """Of the store, behind the engine's back."""
    with closing(sqlite3.connect(engine.root / "data" / "acetate" / "jobs.sqlite", timeout=30)) as database, database:
        database.execute(statement)


def wait_degraded(engine: EngineProcess, what: str) -> None:
    """One answer says both: the next one may be another."""

    def trouble() -> dict[str, Any] | None:
        told = engine.health()
        return told if any(what in reason for reason in told["reasons"]) else None

    assert wait_until(trouble, f"{what} in /health")["status"] == "degraded"


def wait_well(engine: EngineProcess) -> None:
    def well() -> dict[str, Any] | None:
        told = engine.health()
        return told if told["status"] == "ok" else None

    assert wait_until(well, "a healthy engine")["reasons"] == []


def test_a_worker_that_cannot_be_started_is_tried_again(own_engine: EngineProcess) -> None:
    """No descriptor is left for its pipes."""
    own_engine.upload()
    worker, process = own_engine.wait_ready(), own_engine.process.pid
    _, hard = resource.prlimit(process, resource.RLIMIT_NOFILE)
    used = len(list(Path(f"/proc/{process}/fd").iterdir()))
    resource.prlimit(process, resource.RLIMIT_NOFILE, (used - 2, hard))  # the worker's three pipes are about to close
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: is_gone(worker), "its death")
    wait_until(lambda: "Too many open files" in own_engine.log.read_text(), "the trouble in the log")
    assert own_engine.process.poll() is None
    resource.prlimit(process, resource.RLIMIT_NOFILE, (hard, hard))
    own_engine.wait_for(own_engine.submit(identity_request()), JobState.DONE)
    wait_until(lambda: own_engine.health()["worker"] == "ready", "a ready worker")
    wait_well(own_engine)


def test_a_signal_without_a_name_ends_the_worker_only(own_engine: EngineProcess) -> None:
    own_engine.upload()
    job = own_engine.submit(identity_request())
    os.kill(own_engine.pause_worker(), signal.SIGRTMIN + 1)
    os.kill(own_engine.paused[-1], signal.SIGCONT)
    own_engine.wait_for(job, JobState.DONE)
    own_engine.wait_for(own_engine.submit(identity_request(seed=2)), JobState.DONE)


def test_the_queue_goes_on_when_the_store_works_again(own_engine: EngineProcess) -> None:
    own_engine.upload()
    own_engine.wait_ready()
    job = own_engine.submit(identity_request())
    own_engine.wait_for(job, JobState.DONE)
    waiting = own_engine.pause_worker()
    jobs = [own_engine.submit(identity_request(seed=seed)) for seed in range(2, 5)]
    change(own_engine, "ALTER TABLE events RENAME TO elsewhere")
    os.kill(waiting, signal.SIGCONT)
    wait_degraded(own_engine, "no such table")
    change(own_engine, "ALTER TABLE elsewhere RENAME TO events")
    for job in jobs:
        own_engine.wait_for(job, JobState.DONE)
    wait_well(own_engine)


def test_what_cannot_be_swept_keeps_nothing_else(tmp_path: Path) -> None:
    images = tmp_path / "data" / "acetate" / "images"
    names = [character * 64 for character in "abc"]
    for name in names:
        (images / name[:2]).mkdir(parents=True)
    (images / "aa" / names[0]).symlink_to("nowhere")
    (images / "bb" / names[1]).mkdir()
    (images / "cc" / names[2]).write_bytes(b"old")
    for name in names:
        os.utime(images / name[:2] / name, (1.0, 1.0), follow_symlinks=False)
    engine = EngineProcess(tmp_path)
    try:
        wait_until(lambda: not (images / "cc" / names[2]).exists(), "the sweep")
        wait_until(lambda: not (images / "aa" / names[0]).is_symlink(), "the sweep of a link to nowhere")
        assert (images / "bb" / names[1]).is_dir()
        wait_well(engine)
    finally:
        engine.stop()
