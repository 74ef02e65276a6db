"""The table of tasks: every task has a row, and the row is what a request is held to."""

from __future__ import annotations

import dataclasses

import pytest

from acetate.protocol.errors import InvalidRequest
from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import GenerateRequest, StackLayer
from acetate.protocol.tasks import TASKS, Task

IMAGE = "ab" * 32


def enough(task: Task) -> GenerateRequest:
    """A request with all that its row says it needs, and nothing else."""
    return GenerateRequest(
        task,
        Bounds(0, 0, 64, 64),
        1,
        prompt="a fox" if task.needs_prompt else "",
        background=IMAGE if task.needs_background else None,
        foreground=IMAGE if task.needs_foreground else None,
        mask=IMAGE if task.needs_mask else None,
        layers=(StackLayer("a fox"),) if task is Task.STACK else (),
    )


def test_every_task_has_a_row_and_labels_differ() -> None:
    assert set(TASKS) == set(Task)
    labels = [row.label for row in TASKS.values()]
    assert len(set(labels)) == len(labels) >= 7 and all(labels)


def test_what_a_painter_can_choose_has_a_short_name_and_a_description() -> None:
    for task, row in TASKS.items():
        if row.is_offered or task is Task.STACK:
            assert len(row.label.split()) <= 3 and len(row.label) <= 18, task
            assert len(row.description) > len(row.label) and row.description.endswith("."), task


@pytest.mark.parametrize("task", Task)
def test_what_a_row_asks_for_is_enough_and_less_is_refused(task: Task) -> None:
    request = enough(task)
    request.validate()
    nothing = {"prompt": "", "background": None, "foreground": None, "mask": None}
    for name, value in nothing.items():
        if getattr(request, name) != value:
            with pytest.raises(InvalidRequest):
                dataclasses.replace(request, **{name: value}).validate()  # type: ignore[arg-type]


@pytest.mark.parametrize("task", Task)
def test_a_layer_that_is_reworked_is_given(task: Task) -> None:
    assert task.needs_foreground or not task.reworks_layer
    assert task.traits.returns
