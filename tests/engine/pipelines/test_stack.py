"""Stacks whose layers start from what they showed before, for every kind of model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from acetate.protocol.errors import InvalidRequest
from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import GenerateRequest, StackLayer, Task
from acetate_engine.compositing.pixels import Pixels
from acetate_engine.pipelines.recipes.stack import waves
from acetate_engine.pipelines.tasks import TaskGenerator
from tests.engine.pipelines.reporters import Recorder
from tests.engine.pipelines.samples import BACKGROUND, BOUNDS, a_request, run, some_images
from tests.engine.rounding import ROUNDED, apart

FIRST, SECOND = "d" * 64, "e" * 64
INNER = Bounds(BOUNDS.x + 30, BOUNDS.y + 5, 40, 30)
STEPS = 4


def with_pictures() -> dict[str, Pixels]:
    random = np.random.default_rng(1)
    pictures = {FIRST: (BOUNDS.height, BOUNDS.width), SECOND: (INNER.height, INNER.width)}
    return some_images() | {name: random.integers(0, 256, (*shape, 4), np.uint8) for name, shape in pictures.items()}


def a_stack(first: Any, second: Any, **fields: Any) -> GenerateRequest:
    layers = (StackLayer("a boat", strength=first, picture=FIRST), StackLayer("a gull", INNER, 3, second, SECOND))
    return a_request(Task.STACK, layers=layers, steps=STEPS, **fields)


@pytest.mark.parametrize("model", ["mini", "tiny_sd15", "tiny_sdxl"])
def test_strength_is_how_far_a_layer_goes_from_its_picture(tiny_released: TaskGenerator, model: str) -> None:
    images = with_pictures()
    made = {}
    for strength in (0.0, 0.5, 1.0):
        request = a_stack(0.0, strength, background=BACKGROUND, model=model)
        recorder = Recorder()
        kept, layer = run(tiny_released, request, images, recorder).layers
        assert np.array_equal(kept.pixels, images[FIRST])
        assert layer.pixels.shape == images[SECOND].shape and layer.seed == 3
        assert all(step == total for step, total, stage in recorder.stages[-1:] if stage != "loading")
        made[strength] = layer.pixels
    assert np.array_equal(made[0.0], images[SECOND])
    other = images | {SECOND: 255 - images[SECOND]}
    halfway, fresh = (replace(request, layers=a_stack(0.0, strength).layers) for strength in (0.5, 1.0))
    assert not np.array_equal(run(tiny_released, halfway, other).layers[1].pixels, made[0.5])
    assert np.array_equal(run(tiny_released, fresh, other).layers[1].pixels, made[1.0])


def test_a_kept_layer_is_what_those_above_it_see(tiny: TaskGenerator) -> None:
    images = with_pictures()
    above = run(tiny, a_stack(0.0, 1.0), images).layers[1].pixels
    other = images | {FIRST: 255 - images[FIRST]}
    assert not np.array_equal(run(tiny, a_stack(0.0, 1.0), other).layers[1].pixels, above)


def test_a_kept_layer_costs_no_step(tiny: TaskGenerator) -> None:
    recorder = Recorder()
    run(tiny, a_stack(0.0, 0.5), with_pictures(), recorder)
    assert {total for _, total, stage in recorder.stages if stage == "denoise"} == {STEPS // 2 + 1}


def test_a_picture_of_another_size_is_refused(tiny: TaskGenerator) -> None:
    images = with_pictures()
    images[SECOND] = images[SECOND][1:]
    with pytest.raises(InvalidRequest, match=r"picture of layer 2 .*is 40×29, and the job covers 40×30"):
        run(tiny, a_stack(0.0, 0.5), images)
    images[SECOND] = np.zeros((30, 40), np.uint8)
    with pytest.raises(InvalidRequest, match="mask"):
        run(tiny, a_stack(0.0, 0.5), images)


LEFT, RIGHT = (Bounds(BOUNDS.x + x, BOUNDS.y, 32, BOUNDS.height) for x in (0, 32))
BESIDE = StackLayer("a boat", LEFT, 5), StackLayer("a gull", RIGHT, 7)


def test_what_lies_beside_each_other_is_made_together() -> None:
    whole = Bounds(BOUNDS.x, BOUNDS.y, 64, BOUNDS.height)
    assert waves([LEFT, RIGHT, whole, LEFT, LEFT, RIGHT]) == [[0, 1], [2], [3], [4, 5]]


@pytest.mark.parametrize("background", [BACKGROUND, None])
@pytest.mark.parametrize("model", ["mini", "tiny_sd15", "tiny_sdxl"])
def test_layers_beside_each_other_are_what_each_is_alone(
    tiny_released: TaskGenerator, model: str, background: str | None
) -> None:
    request = a_request(Task.STACK, layers=BESIDE, steps=STEPS, background=background, model=model, images=2)
    both = run(tiny_released, request).layers
    assert [(layer.image, layer.bounds) for layer in both] == [(0, LEFT), (0, RIGHT), (1, LEFT), (1, RIGHT)]
    for index, spec in enumerate(BESIDE):
        alone = run(tiny_released, replace(request, layers=(spec,))).layers
        for own, layer in zip(alone, both[index::2], strict=True):
            assert apart(own.pixels, layer.pixels) < ROUNDED
            assert (own.name, own.seed) == (layer.name, layer.seed)


def test_layers_beside_each_other_share_their_steps(tiny: TaskGenerator) -> None:
    """And one that lies on them does not."""
    recorder = Recorder()
    layers = (*BESIDE, StackLayer("the sun"))
    run(tiny, a_request(Task.STACK, layers=layers, steps=STEPS, background=BACKGROUND), reporter=recorder)
    done = [step for step, _, stage in recorder.stages if stage == "denoise"]
    assert done == [2, 4, 6, 8, 11, 12, 13, 14]  # two of them are decoded between
