"""Requests of every task, with the images they need."""

from __future__ import annotations

from typing import Any

import numpy as np

from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import GenerateRequest, StackLayer, Task
from acetate_engine.compositing.pixels import Pixels
from acetate_engine.pipelines.contract import Generated, Images, Reporter
from acetate_engine.pipelines.tasks import TaskGenerator
from tests.engine.pipelines.reporters import Recorder

BACKGROUND, FOREGROUND, MASK = (letter * 64 for letter in "abc")
BOUNDS = Bounds(10, -20, 100, 37)


def some_images(bounds: Bounds = BOUNDS) -> dict[str, Pixels]:
    random = np.random.default_rng(0)
    shape = (bounds.height, bounds.width)
    background = random.integers(0, 256, (*shape, 4), dtype=np.uint8)
    background[..., 3] = 255
    foreground = random.integers(0, 256, (*shape, 4), dtype=np.uint8)
    foreground[: shape[0] // 3] = 0
    mask = np.zeros(shape, np.uint8)
    mask[shape[0] // 2 :, shape[1] // 2 :] = 255
    mask[shape[0] // 2, shape[1] // 2 :] = 100
    return {BACKGROUND: background, FOREGROUND: foreground, MASK: mask}


def a_request(task: Task, bounds: Bounds = BOUNDS, seed: int = 7, **fields: Any) -> GenerateRequest:
    half = Bounds(bounds.x, bounds.y, (bounds.width + 1) // 2, (bounds.height + 1) // 2)
    given = {
        "prompt": "a red apple",
        "background": BACKGROUND if task.needs_background else None,
        "foreground": FOREGROUND if task.needs_foreground else None,
        "mask": MASK if task.needs_mask else None,
        "layers": (StackLayer("a boat"), StackLayer("a gull", half)) if task is Task.STACK else (),
        "steps": 2,
        **fields,
    }
    return GenerateRequest(task, bounds, seed, **given)


def run(
    generator: TaskGenerator, request: GenerateRequest, images: Images | None = None, reporter: Reporter | None = None
) -> Generated:
    return generator.generate(request, images or some_images(request.covered), reporter or Recorder())


GENERATING = [task for task in Task if task.needs_model]
ROLES = {task: list(task.traits.returns) * (2 if task is Task.STACK else 1) for task in Task}


def layer_bytes(result: Generated) -> list[bytes]:
    return [layer.pixels.tobytes() for layer in result.layers]
