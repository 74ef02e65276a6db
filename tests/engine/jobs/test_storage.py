"""How much room is taken: what goes first, what stays, and what a damaged file or a clock that jumps does to it."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from acetate.protocol.events import JobState
from acetate.protocol.geometry import Bounds, Extent
from acetate.protocol.pixels import PixelBuffer, PixelFormat
from acetate_engine.jobs.clock import BelievedClock
from tests.chaos.clock import Clock
from tests.engine.process import PIXELS, EngineProcess, identity_request, problem_of, wait_until
from tests.releases import RELEASES, unpack_home

engine_test = pytest.mark.engine
SIDE = 2048
DAY = 24 * 3600.0


def large(number: int) -> PixelBuffer:
    return PixelBuffer(Extent(SIDE, SIDE), PixelFormat.RGBA8, bytes([number, 0, 0, 255]) * SIDE**2)


def make_old(root: Path, jobs: list[str]) -> None:
    """As if they had been made two hours ago."""
    then = time.time() - 7200
    with closing(sqlite3.connect(root / "data" / "acetate" / "jobs.sqlite", timeout=30)) as database, database:
        database.executemany("UPDATE jobs SET created = ? WHERE id = ?", [(then, job) for job in jobs])
    for path in (root / "data" / "acetate" / "images").glob("??/*"):
        os.utime(path, (then, then))


@engine_test
def test_what_was_just_made_stays_whatever_the_limit(own_engine: EngineProcess) -> None:
    """A disk that others fill, or a limit that is too small, takes no result from a painter who has not seen it yet."""
    for number in range(5):
        picture = own_engine.upload(large(number))
        job = own_engine.submit(identity_request(foreground=picture, bounds=Bounds(0, 0, SIDE, SIDE)))
        own_engine.wait_for(job, JobState.DONE)
    own_engine.http.put("/v1/storage", json={"limit": 64 << 20, "days": 30})
    wait_until(lambda: own_engine.health()["stored"] > 64 << 20, "the size to be known")
    assert len(own_engine.http.get("/v1/jobs").json()["jobs"]) == 5
    assert own_engine.http.get(f"/v1/jobs/{job}/layers/0").status_code == 200


@engine_test
def test_beyond_the_limit_the_oldest_jobs_go_while_it_runs(own_engine: EngineProcess) -> None:
    jobs = []
    for number in range(5):
        picture = own_engine.upload(large(number))
        request = identity_request(foreground=picture, bounds=Bounds(0, 0, SIDE, SIDE))
        jobs.append(own_engine.submit(request))
        own_engine.wait_for(jobs[-1], JobState.DONE)
    make_old(own_engine.root, jobs[:4])
    own_engine.upload()
    problem = problem_of(own_engine.http.put("/v1/storage", json={"limit": 1, "days": 30}))
    assert problem["code"] == "invalid-request"
    limit = 64 << 20
    assert own_engine.http.put("/v1/storage", json={"limit": limit, "days": 30}).json()["limit"] == limit
    wait_until(lambda: 0 < own_engine.health()["stored"] <= limit, "room")
    assert own_engine.health()["limit"] == limit
    assert [own_engine.http.get(f"/v1/jobs/{job}").status_code for job in jobs[::4]] == [404, 200]
    assert own_engine.http.get(f"/v1/jobs/{jobs[-1]}/layers/0").status_code == 200
    assert "the oldest jobs are gone" in own_engine.log.read_text()
    own_engine.wait_for(own_engine.submit(identity_request()), JobState.DONE)  # what was just sent is kept, too
    own_engine.stop()
    own_engine.start()
    assert own_engine.http.get("/v1/storage").json()["limit"] == limit


@engine_test
def test_results_that_were_never_applied_go_after_those_that_were_and_are_counted(own_engine: EngineProcess) -> None:
    jobs = []
    for number in range(6):
        picture = own_engine.upload(large(number))
        jobs.append(own_engine.submit(identity_request(foreground=picture, bounds=Bounds(0, 0, SIDE, SIDE))))
        own_engine.wait_for(jobs[-1], JobState.DONE)
    for job in jobs[1:4]:
        assert own_engine.http.patch(f"/v1/jobs/{job}", json={"applied": [0]}).status_code == 200
    make_old(own_engine.root, jobs)
    own_engine.http.put("/v1/storage", json={"limit": 64 << 20, "days": 30})
    wait_until(lambda: 0 < own_engine.health()["stored"] <= 64 << 20, "room")
    left = [own_engine.http.get(f"/v1/jobs/{job}").status_code for job in jobs]
    assert left == [200, 404, 404, 404, 200, 200] and own_engine.health()["missed"] == 0
    pictures = [own_engine.upload(large(number)) for number in (6, 7)]
    for picture in pictures:
        last = own_engine.submit(identity_request(foreground=picture, bounds=Bounds(0, 0, SIDE, SIDE)))
        own_engine.wait_for(last, JobState.DONE)
    own_engine.http.patch(f"/v1/jobs/{jobs[0]}", json={"starred": [0]})
    own_engine.http.put("/v1/storage", json={"limit": 64 << 20, "days": 30})
    wait_until(lambda: own_engine.health()["missed"], "a result to be missed")
    wait_until(lambda: own_engine.health()["stored"] <= 64 << 20, "room")
    left = [own_engine.http.get(f"/v1/jobs/{job}").status_code for job in (jobs[0], jobs[4], jobs[5])]
    assert left == [200, 404, 404] and own_engine.health()["missed"] == 2  # one that was just made stays


@engine_test
def test_a_clock_that_jumps_by_a_year_erases_nothing(tmp_path: Path) -> None:
    """The engine has last run a year ago, as far as the clock says."""
    root = tmp_path / "home"
    unpack_home(RELEASES[0], root)
    then = time.time() - 365 * DAY
    with closing(sqlite3.connect(root / "data" / "acetate" / "jobs.sqlite")) as database, database:
        database.execute("UPDATE jobs SET created = ?", (then,))
        (count,) = database.execute("SELECT count(*) FROM jobs").fetchone()
    pictures = list((root / "data" / "acetate" / "images").glob("??/*"))
    for path in pictures:
        os.utime(path, (then, then))
    engine = EngineProcess(root)
    try:
        wait_until(lambda: engine.health()["stored"], "the first look at the storage")
        assert len(engine.http.get("/v1/jobs").json()["jobs"]) == count
        assert all(path.exists() for path in pictures)
    finally:
        engine.stop()


@engine_test
def test_jobs_that_come_while_the_clock_is_wrong_are_not_old_when_it_is_right_again(tmp_path: Path) -> None:
    """An empty battery: the machine wakes up ten years ago, and hears the time from the net a little later."""
    clock = Clock(tmp_path / "clock")
    engine = EngineProcess(tmp_path / "home", **clock.environment)
    try:
        picture = engine.upload()
        engine.stop()
        clock.set(days=-3650)
        engine.start()
        engine.wait_for(job := engine.submit(identity_request(foreground=picture)), JobState.DONE)
        assert engine.status(job).created < time.time() - 3000 * DAY
        engine.stop()
        clock.set(days=0)
        engine.start()
        wait_until(lambda: engine.health()["stored"], "the first look at the storage")
        assert engine.status(job).state is JobState.DONE
        assert engine.http.get(f"/v1/jobs/{job}/layers/0").status_code == 200
    finally:
        engine.stop()


def test_days_that_pass_are_believed_and_jumps_are_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wall, steady = 1_000_000_000.0, 50.0
    monkeypatch.setattr(time, "time", lambda: wall)
    monkeypatch.setattr(time, "monotonic", lambda: steady)
    clock = BelievedClock(tmp_path / "clock.json", newest=wall)
    assert clock.now() == wall
    for _ in range(40):
        wall, steady = wall + DAY, steady + DAY
        day = clock.now()
    assert day == wall
    wall += 1000 * DAY  # the battery of the clock is empty, or the painter plays with it
    assert clock.now() == day
    wall -= 2000 * DAY
    assert clock.now() == day
    wall += 1000 * DAY
    assert clock.now() == day == wall
    wall += 400 * DAY
    assert BelievedClock(tmp_path / "clock.json", newest=None).now() == pytest.approx(day + 2 * DAY)


@engine_test
def test_a_damaged_layer_is_named_and_not_served(own_engine: EngineProcess) -> None:
    own_engine.upload()
    job = own_engine.submit(identity_request())
    (layer,) = own_engine.wait_for(job, JobState.DONE).layers
    assert own_engine.http.get(f"/v1/jobs/{job}/layers/0").status_code == 200
    path = own_engine.root / "data" / "acetate" / "images" / layer.digest[:2] / layer.digest
    body = bytearray(path.read_bytes())
    body[-1] ^= 1
    path.write_bytes(body)
    for accept in ("image/png", "*/*"):
        problem = problem_of(own_engine.http.get(f"/v1/jobs/{job}/layers/0", headers={"Accept": accept}))
        assert (problem["code"], problem["status"]) == ("layer-damaged", 410)
    failed = own_engine.wait_for(own_engine.submit(identity_request(foreground=layer.digest, seed=3)), JobState.FAILED)
    assert failed.problem is not None and "damaged" in failed.problem.detail
    own_engine.upload(PIXELS)  # sending it again mends it
    again = own_engine.submit(identity_request(seed=4))
    own_engine.wait_for(again, JobState.DONE)
    assert own_engine.http.get(f"/v1/jobs/{again}/layers/0").content == PIXELS.encode()
