"""Splitting by Qwen-Image-Layered: the real pipeline on small random weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from acetate.protocol.errors import CheckpointError
from acetate.protocol.geometry import Bounds
from acetate.protocol.pictures import Subject
from acetate.protocol.requests import GenerateRequest, Task
from acetate.protocol.tasks import LayerRole
from acetate_engine.compositing.alpha import over, to_float
from acetate_engine.models.families import find_model
from acetate_engine.paths import models_dir
from acetate_engine.pipelines.contract import JobCancelled
from acetate_engine.pipelines.recipes.layered import together
from acetate_engine.pipelines.tasks import TaskGenerator
from tests.engine.models.qwen import write_qwen
from tests.engine.pictures.scenes import SIDE, pixels, scene
from tests.engine.pipelines.reporters import Recorder

PICTURE = "a" * 64


@pytest.fixture(scope="module")
def layered_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("data")
    write_qwen(home / "acetate" / "models" / "checkpoints" / "qwen")
    return home


def request_of(**fields: object) -> GenerateRequest:
    named = {"prompt": "a ball", "model": "qwen", "steps": 2, "foreground": PICTURE, "subject": Subject(most=2)}
    return GenerateRequest(Task.DECOMPOSE, Bounds(0, 0, SIDE, SIDE), 3, **{**named, **fields})  # type: ignore[arg-type]


def composite(layers: list[np.ndarray]) -> np.ndarray:
    seen = layers[0]
    for layer in layers[1:]:
        seen = over(layer, seen)
    return seen


def test_its_layers_are_the_picture_and_it_can_be_cancelled(
    layered_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(layered_home))
    assert models_dir().is_relative_to(layered_home)
    assert find_model("qwen", Task.DECOMPOSE).info.family == "qwen_layered"
    picture, recorder, generator = pixels(scene()), Recorder(), TaskGenerator()
    made = generator.generate(request_of(), {PICTURE: picture}, recorder)
    assert [layer.role for layer in made.layers] == [LayerRole.BACKGROUND, *[LayerRole.FOREGROUND] * 2]
    seen = composite([to_float(layer.pixels) for layer in made.layers])
    assert np.abs(seen - to_float(picture)).max() <= 1.001 / 255
    assert recorder.stages[-1][:2] == (2, 2)
    with pytest.raises(JobCancelled):
        generator.generate(request_of(), {PICTURE: picture}, Recorder(cancel_after=0))
    with pytest.raises(CheckpointError, match="nothing else"):
        find_model("qwen", Task.DECOMPOSE).load()


@pytest.mark.parametrize("count", [1, 2, 5])
def test_any_layers_are_brought_together_to_the_picture(count: int) -> None:
    rng = np.random.default_rng(count)
    layers = [rng.random((20, 30, 4), np.float32) for _ in range(count)]
    picture = np.dstack([rng.random((20, 30, 3)), np.ones((20, 30))]).astype(np.float32)
    made = together(picture, layers)
    assert len(made) == count and np.abs(composite(made) - picture).max() < 2e-3
