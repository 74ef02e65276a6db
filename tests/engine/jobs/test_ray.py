"""Jobs in an actor of a real Ray cluster, which the engine starts on this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil
import pytest

from acetate.protocol.events import Cancelled, JobState, Started
from tests.engine.jobs.test_generating import REQUEST, layer_of, tiny_resources, under_way
from tests.engine.process import PIXELS, EngineProcess, identity_request, private_environment, wait_until
from tests.engine.rounding import are_equal_but_for_rounding

pytestmark = pytest.mark.engine
pytest.importorskip("ray", reason="the extra `cluster` is not installed")


@pytest.fixture(scope="module")
def on_ray(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    """Ray gives its own processes half a minute to start, whatever else the machine does: then it is tried again."""
    resources = str(tiny_resources(tmp_path_factory.mktemp("ray") / "resources"))

    def start() -> EngineProcess:
        root = tmp_path_factory.mktemp("ray")
        return EngineProcess(root, "--executor", "ray", ACETATE_RESOURCES=resources, RAY_ADDRESS="")

    for _ in range(3):
        with suppress(AssertionError):
            engine = start()
            break
    else:
        engine = start()
    yield engine
    assert engine.stop() == -signal.SIGTERM


def pause_actor(engine: EngineProcess) -> int:
    """Stops the process that Ray runs the worker in."""
    children = psutil.Process(engine.process.pid).children
    process = int(wait_until(lambda: list(filter(is_actor, children(recursive=True))), "an actor")[0].pid)
    os.kill(process, signal.SIGSTOP)
    return process


def is_actor(process: psutil.Process) -> bool:
    with suppress(psutil.Error):  # it has just ended
        return "ray::RayWorker" in " ".join(process.cmdline())
    return False


@pytest.fixture
def halted(on_ray: EngineProcess) -> Iterator[tuple[str, int]]:
    """A job under way, and the process of the actor, which stands still in the middle of it."""
    job, process = under_way(on_ray, partial(pause_actor, on_ray))
    yield job, process
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGCONT)


@pytest.fixture
def undisturbed(on_ray: EngineProcess) -> bytes:
    """What REQUEST makes when nobody interferes."""
    return layer_of(on_ray, on_ray.submit(REQUEST))


def test_images_go_to_the_cluster_and_layers_come_back(on_ray: EngineProcess) -> None:
    on_ray.upload()
    assert layer_of(on_ray, on_ray.submit(identity_request())) == PIXELS.encode()


def test_a_killed_actor_costs_a_retry_and_leaves_the_layer_as_it_was(
    on_ray: EngineProcess, undisturbed: bytes, halted: tuple[str, int]
) -> None:
    job, process = halted
    os.kill(process, signal.SIGKILL)
    assert are_equal_but_for_rounding(layer_of(on_ray, job), undisturbed)
    events = [event for _, event in on_ray.events(job)]
    assert [event for event in events if isinstance(event, Started)] == [Started(1), Started(2)]


def test_a_running_job_is_cancelled(on_ray: EngineProcess, halted: tuple[str, int]) -> None:
    job, process = halted
    on_ray.http.delete(f"/v1/jobs/{job}")
    os.kill(process, signal.SIGCONT)
    status = on_ray.wait_for(job, JobState.CANCELLED)
    assert status.step < REQUEST.steps
    assert list(on_ray.events(job))[-1][1] == Cancelled()


def test_a_job_whose_actor_just_died_is_cancelled(on_ray: EngineProcess, halted: tuple[str, int]) -> None:
    job, process = halted
    os.kill(process, signal.SIGKILL)
    assert on_ray.http.delete(f"/v1/jobs/{job}").status_code == 200
    on_ray.wait_for(job, JobState.CANCELLED)


def test_a_cluster_that_is_not_there_is_named_at_once(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "acetate_engine", "serve", "--executor", "ray"],
        env={**private_environment(tmp_path), "RAY_ADDRESS": "127.0.0.1:1"},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert result.returncode == 1
    assert "the Ray cluster cannot be used" in result.stderr and "RAY_ADDRESS" in result.stderr
