"""Jobs that take many steps, on a tiny model of random weights in the real format, in the real worker."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from acetate.protocol.events import Cancelled, Done, JobState, Preview, Progress, Started
from acetate.protocol.geometry import Bounds
from acetate.protocol.pixels import PixelBuffer, PixelFormat
from acetate.protocol.requests import GenerateRequest, Task
from acetate_engine.paths import resources_dir
from tests.engine.models.tiny import write_mini
from tests.engine.process import EngineProcess, is_gone, wait_until
from tests.engine.rounding import are_equal_but_for_rounding

pytestmark = pytest.mark.engine

LOOKS = 30  # one after the other
REQUEST = GenerateRequest(Task.FOREGROUND, Bounds(-3, 5, 40, 33), 7, prompt="a fox", steps=60)


def tiny_resources(folder: Path) -> Path:
    shutil.copytree(resources_dir(), folder, ignore=shutil.ignore_patterns("models", "samples", "train"))
    write_mini(folder / "models" / "mini")
    return folder


@pytest.fixture(scope="module")
def generating(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    root = tmp_path_factory.mktemp("generating")
    engine = EngineProcess(root, ACETATE_RESOURCES=str(tiny_resources(root / "resources")))
    yield engine
    engine.stop()


def layer_of(engine: EngineProcess, job: str) -> bytes:
    engine.wait_for(job, JobState.DONE)
    return engine.http.get(f"/v1/jobs/{job}/layers/0").content


@pytest.fixture(scope="module")
def undisturbed(generating: EngineProcess) -> bytes:
    """What REQUEST makes when nobody interferes."""
    return layer_of(generating, generating.submit(REQUEST))


def under_way(engine: EngineProcess, pause: Callable[[], int]) -> tuple[str, int]:
    """A job that has taken some of its steps and has more before it, and the process that it is carried out in: `pause`
    has stopped that, so that the job gets no further however long this process has to wait.
    """

    def begun() -> tuple[str, int] | None:
        job = engine.submit(REQUEST)
        wait_until(lambda: engine.status(job).step >= 3, "some steps")
        process = pause()
        if last_step(engine, job) < 40:
            return job, process
        os.kill(process, signal.SIGCONT)
        return None

    job, process = wait_until(begun, "a job with steps before it")
    return str(job), int(process)


def last_step(engine: EngineProcess, job: str) -> int:
    """Of a job whose worker stands still, once all that it had said before is written down: no look finds more."""
    seen: list[int] = []

    def is_all() -> bool:
        seen.append(engine.status(job).step)
        return len(seen) > LOOKS and len(set(seen[-LOOKS:])) == 1

    wait_until(is_all, "what the worker has said")
    return seen[-1]


def test_a_job_reports_steps_and_previews_and_gives_exactly_its_bounds(generating: EngineProcess) -> None:
    layer_of(generating, generating.submit(replace(REQUEST, steps=1)))
    for seed in range(5):  # previews are prepared behind the first layer, which may take longer than the next one
        job = generating.submit(replace(REQUEST, seed=REQUEST.seed + seed))
        events = [event for _, event in generating.events(job)]
        if any(isinstance(event, Preview) for event in events):
            break
    fractions = [event.fraction for event in events if isinstance(event, Progress) and event.stage == "denoise"]
    assert fractions == sorted(fractions) and len(fractions) >= 55
    assert any(isinstance(event, Preview) for event in events)
    done = events[-1]
    assert isinstance(done, Done) and done.seconds > 0
    assert done.layers[0].bounds == REQUEST.bounds
    pixels = PixelBuffer.decode(layer_of(generating, job))
    assert (pixels.extent, pixels.format) == (REQUEST.bounds.extent, PixelFormat.RGBA8)


def test_a_killed_worker_costs_a_retry_and_leaves_the_layer_as_it_was(
    generating: EngineProcess, undisturbed: bytes
) -> None:
    job, worker = under_way(generating, generating.pause_worker)
    os.kill(worker, signal.SIGKILL)
    assert are_equal_but_for_rounding(layer_of(generating, job), undisturbed)
    assert [event for _, event in generating.events(job) if isinstance(event, Started)] == [Started(1), Started(2)]


def test_a_killed_engine_costs_a_retry_and_leaves_the_layer_as_it_was(
    generating: EngineProcess, undisturbed: bytes
) -> None:
    job, worker = under_way(generating, generating.pause_worker)
    generating.kill()
    wait_until(lambda: is_gone(worker), "the worker to go with its engine")
    generating.start()
    assert are_equal_but_for_rounding(layer_of(generating, job), undisturbed)


def test_cancelling_takes_one_step_and_leaves_the_next_job_as_it_should_be(
    generating: EngineProcess, undisturbed: bytes
) -> None:
    job, worker = under_way(generating, generating.pause_worker)
    before = last_step(generating, job)
    generating.http.delete(f"/v1/jobs/{job}")
    os.kill(worker, signal.SIGCONT)
    status = generating.wait_for(job, JobState.CANCELLED)
    assert status.step <= before + 3  # the step under way, and what it says
    assert list(generating.events(job))[-1][1] == Cancelled()
    assert are_equal_but_for_rounding(layer_of(generating, generating.submit(REQUEST)), undisturbed)
    assert generating.worker == worker


def test_a_broken_model_is_the_jobs_problem_not_the_workers(tmp_path: Path) -> None:
    resources = tiny_resources(tmp_path / "resources")
    for weights in (resources / "models" / "mini" / "unet").glob("*.safetensors"):
        weights.write_bytes(weights.read_bytes()[:1000])
    engine = EngineProcess(tmp_path, ACETATE_RESOURCES=str(resources))
    worker = engine.wait_ready()
    problem = engine.wait_for(engine.submit(REQUEST), JobState.FAILED).problem
    assert problem is not None
    print(problem)
    assert problem.detail and problem.remedy
    assert engine.worker == worker
    engine.stop()
