"""A short form of `make soak`: what is counted, not what is timed."""

from __future__ import annotations

import pytest

from tests.engine.process import EngineProcess
from tests.soak.load import Load, fill_queue, run_jobs, time_calls, timing_health

pytestmark = pytest.mark.engine

POOL = 32  # threads that asyncio's has at most


def test_descriptors_and_threads_do_not_grow_with_jobs(own_engine: EngineProcess) -> None:
    processes = (own_engine.process.pid, own_engine.wait_ready())
    assert run_jobs(own_engine, 60, 8) == 60
    before = [Load.of(pid) for pid in processes]
    with timing_health(own_engine) as seconds:
        assert run_jobs(own_engine, 120, 8, 60) == 120
    after = [Load.of(pid) for pid in processes]
    assert seconds
    for early, late in zip(before, after, strict=True):
        assert late.threads <= early.threads + POOL  # which may still have grown: not by one a job
        assert late.descriptors <= early.descriptors + 16  # connections that are kept alive


def test_beside_a_long_queue_jobs_are_still_taken_cancelled_and_listed(own_engine: EngineProcess) -> None:
    own_engine.wait_ready()
    own_engine.pause_worker()
    queue = fill_queue(own_engine, 300, 8)
    assert len(set(queue)) == 300
    assert {len(cost.seconds) for cost in time_calls(own_engine, queue, 20).values()} == {20}
    position = next(own_engine.events(queue[-1]))[1]
    assert vars(position)["position"] > 200
