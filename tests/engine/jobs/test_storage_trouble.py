"""A store that another program holds, a disk that is full: jobs wait, and end as they would have."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from acetate.protocol.events import JobState
from acetate.protocol.geometry import Bounds, Extent
from acetate.protocol.pixels import PixelBuffer, PixelFormat
from tests.engine.disks import fill
from tests.engine.process import EngineProcess, identity_request, problem_of, wait_until

pytestmark = pytest.mark.engine
LOCKED = 7.0  # seconds: longer than a call waits


@contextmanager
def locked(engine: EngineProcess) -> Iterator[None]:
    with closing(sqlite3.connect(engine.root / "data" / "acetate" / "jobs.sqlite", isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        yield
        database.execute("ROLLBACK")


def test_a_store_that_is_locked_for_long_cancels_nothing(own_engine: EngineProcess) -> None:
    own_engine.upload()
    own_engine.wait_ready()
    worker = own_engine.pause_worker()
    jobs = [own_engine.submit(identity_request(seed=seed)) for seed in range(3)]
    own_engine.wait_for(jobs[0], JobState.RUNNING)
    with locked(own_engine):
        os.kill(worker, signal.SIGCONT)
        began = time.monotonic()
        problem = problem_of(own_engine.post(identity_request(seed=9)))
        assert (problem["status"], problem["code"]) == (503, "store-unusable")
        assert own_engine.status(jobs[0]).state is JobState.RUNNING  # who only asks does not wait
        wait_until(lambda: "job store" in " ".join(own_engine.health()["reasons"]), "the store in /health")
        time.sleep(max(0.0, began + LOCKED - time.monotonic()))
    for job in jobs:
        assert own_engine.wait_for(job, JobState.DONE).attempt == 1
    wait_until(lambda: own_engine.health()["status"] == "ok", "a healthy engine")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 16 MB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "acetate-test", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("no disk can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


PICTURE = PixelBuffer(Extent(256, 256), PixelFormat.RGBA8, bytes(range(256)) * 1024)


@pytest.mark.parametrize("free", [0, *(pytest.param(free, marks=pytest.mark.long) for free in (8 << 10, 100 << 10))])
def test_a_full_disk_ends_no_job(small_disk: Path, free: int) -> None:
    engine = EngineProcess(small_disk)
    try:
        picture = engine.upload(PICTURE)
        engine.wait_ready()
        request = identity_request(foreground=picture, bounds=Bounds(0, 0, 200, 200), context=Bounds(0, 0, 256, 256))
        worker = engine.pause_worker()
        job = engine.submit(request)
        engine.wait_for(job, JobState.RUNNING)
        filler = fill(small_disk, free)
        os.kill(worker, signal.SIGCONT)
        plain = identity_request(foreground=picture, bounds=Bounds(0, 0, 256, 256))
        answers = [engine.post(replace(plain, seed=seed)) for seed in range(9)]
        for answer in answers:
            assert answer.status_code == 202 or problem_of(answer)["code"] == "no-space"
        accepted = [found["id"] for found in engine.http.get("/v1/jobs").json()["jobs"]]
        time.sleep(1.5)
        threading.Timer(0.5, filler.unlink).start()
        for name in accepted:
            assert engine.wait_for(name, JobState.DONE).attempt == 1
        assert len(accepted) == 1 + [answer.status_code for answer in answers].count(202)
        engine.wait_for(engine.submit(request), JobState.DONE)
    finally:
        engine.stop()
