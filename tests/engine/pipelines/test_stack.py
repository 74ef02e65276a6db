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
from acetate_engine.pipelines.tasks import TaskGenerator
from tests.engine.pipelines.reporters import Recorder
from tests.engine.pipelines.samples import BACKGROUND, BOUNDS, a_request, run, some_images

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
