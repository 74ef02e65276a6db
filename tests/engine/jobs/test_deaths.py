"""What an accepted job survives: the death of its worker, of the engine, of both; and what it does not."""

from __future__ import annotations

import os
import signal
import time

import pytest

from acetate.protocol.events import Cancelled, Done, JobState, Started
from tests.engine.process import EngineProcess, identity_request, is_gone, wait_until

pytestmark = pytest.mark.engine


def running_job(engine: EngineProcess, *, in_a_ready_one: bool = False) -> tuple[str, int]:
    """A job under way in a worker that has stopped in the middle of it, and that worker; it may still be starting."""
    engine.upload()
    if in_a_ready_one:
        engine.wait_ready()
    worker = engine.pause_worker()
    job = engine.submit(identity_request())
    engine.wait_for(job, JobState.RUNNING)
    return job, worker


def test_the_death_of_a_worker_costs_one_retry(own_engine: EngineProcess) -> None:
    job, worker = running_job(own_engine)
    os.kill(worker, signal.SIGKILL)
    assert own_engine.wait_for(job, JobState.DONE).attempt == 2
    events = [event for _, event in own_engine.events(job)]
    assert [event for event in events if isinstance(event, Started)] == [Started(1), Started(2)]
    assert isinstance(events[-1], Done)
    assert own_engine.worker != worker
    assert own_engine.process.poll() is None


def test_an_idle_worker_that_dies_is_replaced(own_engine: EngineProcess) -> None:
    worker = own_engine.worker
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: own_engine.worker != worker, "a new worker")
    own_engine.upload()
    own_engine.wait_for(own_engine.submit(identity_request()), JobState.DONE)


def test_a_job_that_kills_three_workers_fails_and_the_next_one_runs(own_engine: EngineProcess) -> None:
    job, worker = running_job(own_engine)
    other = own_engine.submit(identity_request(seed=2))
    for attempt in (2, 3):
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda dead=worker: is_gone(dead), "its death")  # type: ignore[misc]
        worker = own_engine.pause_worker()
        wait_until(lambda n=attempt: own_engine.status(job).attempt == n, f"attempt {attempt}")  # type: ignore[misc]
    os.kill(worker, signal.SIGKILL)
    status = own_engine.wait_for(job, JobState.FAILED)
    assert status.problem is not None
    assert status.problem.code == "worker-died"
    assert "SIGKILL" in status.problem.detail
    assert str(own_engine.log) in status.problem.remedy
    own_engine.wait_for(other, JobState.DONE)


def test_the_death_of_the_engine_loses_no_accepted_job(own_engine: EngineProcess) -> None:
    running, worker = running_job(own_engine)
    waiting = [own_engine.submit(identity_request(seed=seed)) for seed in range(2, 7)]
    own_engine.kill()
    os.kill(worker, signal.SIGCONT)
    wait_until(lambda: is_gone(worker), "the worker to go with its engine")
    own_engine.start()
    assert own_engine.wait_for(running, JobState.DONE).attempt == 2
    for job in waiting:
        assert own_engine.wait_for(job, JobState.DONE).attempt == 1


def test_a_polite_end_costs_no_attempt(own_engine: EngineProcess) -> None:
    job, _ = running_job(own_engine)
    own_engine.stop()
    own_engine.start()
    assert own_engine.wait_for(job, JobState.DONE).attempt == 1


def test_a_running_job_is_cancelled_at_its_next_step(own_engine: EngineProcess) -> None:
    """By a worker that is ready: one that has to import torch first may take longer than a cancel is waited for."""
    job, worker = running_job(own_engine, in_a_ready_one=True)
    assert own_engine.http.delete(f"/v1/jobs/{job}").json()["state"] == "running"
    os.kill(worker, signal.SIGCONT)
    own_engine.wait_for(job, JobState.CANCELLED)
    assert [event for _, event in own_engine.events(job)][-1] == Cancelled()
    next_job = own_engine.submit(identity_request())
    own_engine.wait_for(next_job, JobState.DONE)
    assert own_engine.worker == worker


@pytest.mark.parametrize("victim", ["worker", "engine"])
def test_a_cancelled_job_is_not_tried_again(own_engine: EngineProcess, victim: str) -> None:
    job, worker = running_job(own_engine)
    own_engine.http.delete(f"/v1/jobs/{job}")
    if victim == "worker":
        os.kill(worker, signal.SIGKILL)
    else:
        own_engine.kill()
        own_engine.start()
    own_engine.wait_for(job, JobState.CANCELLED)


def test_a_stream_that_broke_goes_on_behind_the_restart(own_engine: EngineProcess) -> None:
    job, _ = running_job(own_engine)
    seen = []
    for number, event in own_engine.events(job):
        seen.append(number)
        if isinstance(event, Started):
            break
    own_engine.kill()
    own_engine.start()
    later = list(own_engine.events(job, seen[-1]))
    assert [number for number, _ in later] == list(range(seen[-1] + 1, seen[-1] + 1 + len(later)))
    assert isinstance(later[-1][1], Done)


def test_engines_and_workers_that_die_again_and_again(own_engine: EngineProcess) -> None:
    """Two deaths of workers and four of engines, at moments that nobody chose, under twenty jobs.

    A third worker would be one too many where all three die of the same job, as they do on a slow machine.
    """
    own_engine.upload()
    jobs = [own_engine.submit(identity_request(seed=seed)) for seed in range(20)]
    for moment, victim in ((0.05, "worker"), (0.3, "engine"), (0.6, "worker"), (0.9, "engine")):
        time.sleep(moment)
        if victim == "worker":
            os.kill(own_engine.worker, signal.SIGKILL)
        time.sleep(moment)
        own_engine.kill()
        own_engine.start()
    for job in jobs:
        own_engine.wait_for(job, JobState.DONE)
