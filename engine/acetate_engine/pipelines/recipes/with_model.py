"""The recipes of the tasks that need a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from acetate.protocol.errors import OutOfMemory
from acetate.protocol.requests import Task
from acetate_engine.models.runtime.memory import is_out_of_memory
from acetate_engine.pipelines.contract import GeneratedLayer
from acetate_engine.pipelines.recipes.generate import background_behind, blend, foreground, foreground_on, joint
from acetate_engine.pipelines.recipes.repaint import inpaint, refine
from acetate_engine.pipelines.recipes.stack import stack
from acetate_engine.pipelines.stages.job import ModelJob

MakeLayers = Callable[[ModelJob], list[GeneratedLayer]]

RECIPES: dict[Task, MakeLayers] = {
    Task.FOREGROUND: foreground,
    Task.FOREGROUND_ON_BACKGROUND: lambda job: foreground_on(
        job, job.within(job.request.background, job.request.bounds)
    ),
    Task.BACKGROUND_BEHIND_FOREGROUND: background_behind,
    Task.JOINT: joint,
    Task.BLEND: blend,
    Task.STACK: stack,
    Task.REFINE: refine,
    Task.INPAINT: inpaint,
}


def recipe_of(task: Task) -> MakeLayers:
    """It computes without gradients."""
    return torch.inference_mode()(RECIPES[task])


@contextmanager
def short_memory_named(title: str) -> Iterator[None]:
    """Turns what torch raises then into what a person can read. `title`: of the model. Raises OutOfMemory."""
    try:
        yield
    except RuntimeError as error:
        if is_out_of_memory(error):
            raise OutOfMemory(
                f"the model {title} does not fit into memory beside what else is there",
                "Close other programs that use the graphics card, or choose a smaller model.",
            ) from error
        raise
