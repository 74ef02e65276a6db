"""A family whose denoiser is no UNet, and which makes all layers in one run, is a family file and a method file."""

from __future__ import annotations

import numpy as np
import pytest

from acetate.protocol.errors import UnsupportedTask
from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import GenerateRequest
from acetate.protocol.tasks import LayerRole, Task
from acetate_engine.models import families
from acetate_engine.models.families import describe_models
from acetate_engine.pipelines.contract import GeneratedLayer, Silent
from acetate_engine.pipelines.tasks import TaskGenerator
from tests.engine.new_family import family


@pytest.fixture
def generator(monkeypatch: pytest.MonkeyPatch) -> TaskGenerator:
    monkeypatch.setattr(families, "FAMILIES", (*families.FAMILIES, family))
    return TaskGenerator()


def layers_of(generator: TaskGenerator, task: Task, prompt: str, behind: str = "") -> tuple[GeneratedLayer, ...]:
    request = GenerateRequest(
        task, Bounds(3, -4, 90, 70), 7, prompt, background_prompt=behind, model="together", steps=2, images=2
    )
    return generator.generate(request, {}, Silent()).layers


def test_it_is_listed_and_makes_both_layers_in_one_run(generator: TaskGenerator) -> None:
    assert "together" in [info.name for info in describe_models()]
    layers = layers_of(generator, Task.JOINT, "a kite", "a sky")
    assert [layer.role for layer in layers] == [LayerRole.BACKGROUND, LayerRole.FOREGROUND] * 2
    assert {layer.pixels.shape for layer in layers} == {(70, 90, 4)}
    assert (layers[0].pixels[..., 3] == 255).all()


def test_its_layers_see_each_other(generator: TaskGenerator) -> None:
    """What is asked for behind changes what is in front: they are made together."""
    first, same, other = (layers_of(generator, Task.JOINT, "a kite", behind)[1] for behind in ("sky", "sky", "sea"))
    assert np.array_equal(first.pixels, same.pixels)
    assert not np.array_equal(first.pixels, other.pixels)


def test_it_does_what_it_says_and_refuses_the_rest(generator: TaskGenerator) -> None:
    (first, second) = layers_of(generator, Task.FOREGROUND, "a kite")
    assert first.pixels.tobytes() != second.pixels.tobytes()
    with pytest.raises(UnsupportedTask, match="Together cannot do “Blend layers”"):
        request = GenerateRequest(
            Task.BLEND, Bounds(0, 0, 9, 9), 1, "a kite", background="ab" * 32, foreground="ab" * 32, model="together"
        )
        generator.generate(request, {"ab" * 32: np.zeros((9, 9, 4), np.uint8)}, Silent())
