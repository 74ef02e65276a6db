"""The same request again: its layers at once, and never others than those that would be made."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from acetate.protocol.events import Done, JobState, LayerResult, LayerRole
from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import GenerateRequest, Task
from acetate_engine.jobs.images import ImageStore
from acetate_engine.jobs.reuse import NOTE, OFF, Reuse
from acetate_engine.jobs.store import JobStore
from tests.engine.jobs.test_generating import REQUEST, tiny_resources
from tests.engine.process import EngineProcess, identity_request


@pytest.fixture
def resources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tiny_resources(tmp_path / "resources")
    monkeypatch.setenv("ACETATE_RESOURCES", str(folder))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv(OFF, raising=False)
    return folder


@pytest.fixture
def images(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "images")


@pytest.fixture
def store(tmp_path: Path) -> JobStore:
    return JobStore(tmp_path / "jobs.sqlite")


@pytest.fixture
def reuse(resources: Path, store: JobStore, images: ImageStore) -> Reuse:
    return Reuse(store, images)


@pytest.fixture
def made(reuse: Reuse, store: JobStore, images: ImageStore) -> str:
    """The digest of the layer that REQUEST gave."""
    digest = images.add(np.arange(60, dtype=np.uint8).tobytes())
    job, identity = store.add(REQUEST).id, reuse.identity(REQUEST)
    store.start_next()
    layer = LayerResult(0, 0, LayerRole.FOREGROUND, "a fox", REQUEST.bounds, digest, 7)
    store.record(job, Done((layer,), ("a note",), 3.0))
    reuse.keep(job, REQUEST, identity)
    return digest


def test_an_equal_request_is_found_with_its_notes_and_says_what_it_is(reuse: Reuse, made: str) -> None:
    found = reuse.find(reuse.identity(REQUEST))
    assert found is not None
    assert [layer.digest for layer in found.layers] == [made]
    assert found.notes == ("a note", NOTE)


def test_a_job_of_it_is_done_at_once_and_found_again(reuse: Reuse, store: JobStore, made: str) -> None:
    job = store.add(REQUEST, made=reuse.find(reuse.identity(REQUEST))).id
    assert store.status(job).state is JobState.DONE
    assert store.start_next() is None
    events, is_over = store.events_after(job, 0)
    assert [event.name for event in events] == ["queued", "done"] and is_over
    assert made in store.used_images()


@pytest.mark.parametrize("changes", [{"seed": 8}, {"prompt": "a fox "}, {"images": 2}, {"steps": 59}])
def test_another_request_is_another(reuse: Reuse, made: str, changes: dict[str, object]) -> None:
    assert reuse.find(reuse.identity(replace(REQUEST, **changes))) is None  # type: ignore[arg-type]


def _damage(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1] + b"x")


@pytest.mark.parametrize("harm", [_damage, Path.unlink])
def test_a_layer_that_is_damaged_or_gone_is_not_served(
    reuse: Reuse, images: ImageStore, made: str, harm: Callable[[Path], None]
) -> None:
    harm(images.path(made))
    assert reuse.find(reuse.identity(REQUEST)) is None


def test_other_files_make_another_result(reuse: Reuse, resources: Path, made: str) -> None:
    weights = next((resources / "models" / "mini" / "unet").glob("*.safetensors"))
    told = weights.stat()
    os.utime(weights, ns=(told.st_atime_ns, told.st_mtime_ns + 1))
    assert reuse.find(reuse.identity(REQUEST)) is None
    os.utime(weights, ns=(told.st_atime_ns, told.st_mtime_ns))
    assert reuse.find(reuse.identity(REQUEST)) is not None
    weights.write_bytes(weights.read_bytes() + b" ")
    os.utime(weights, ns=(told.st_atime_ns, told.st_mtime_ns))
    assert reuse.find(reuse.identity(REQUEST)) is None


def test_what_changed_while_it_was_made_is_not_kept(reuse: Reuse, store: JobStore, resources: Path) -> None:
    identity, job = reuse.identity(REQUEST), store.add(REQUEST).id
    (resources / "presets" / "draft.json").touch()
    reuse.keep(job, REQUEST, identity)
    assert identity is not None and store.made_as(identity) is None


def test_what_is_forgotten_is_made_again(reuse: Reuse, store: JobStore, made: str) -> None:
    assert store.forget(-1.0).jobs == 1
    assert reuse.find(reuse.identity(REQUEST)) is None


def test_tests_of_the_path_and_unknown_models_have_no_identity(
    reuse: Reuse, store: JobStore, images: ImageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reuse.identity(identity_request()) is None
    assert reuse.identity(replace(REQUEST, model="nonesuch")) is None
    monkeypatch.setenv(OFF, "1")
    assert Reuse(store, images).identity(REQUEST) is None


@pytest.mark.engine
def test_over_http(tmp_path: Path) -> None:
    request = GenerateRequest(Task.FOREGROUND, Bounds(-3, 5, 40, 33), 7, prompt="a fox", steps=2)
    engine = EngineProcess(tmp_path, ACETATE_RESOURCES=str(tiny_resources(tmp_path / "resources")), **{OFF: ""})
    try:
        first = engine.submit(request)
        layers = engine.wait_for(first, JobState.DONE).layers
        assert NOTE not in engine.status(first).notes
        engine.wait_ready()  # the first is done before it is known how to find it again
        worker = engine.pause_worker()  # nothing can be carried out from here on
        second = engine.submit(request)
        status = engine.status(second)
        assert (status.state, status.layers) == (JobState.DONE, layers)
        assert NOTE in status.notes
        assert engine.http.get(f"/v1/jobs/{second}/layers/0").content
        assert engine.status(engine.submit(replace(request, seed=8))).state is not JobState.DONE
        assert worker
    finally:
        engine.stop()
