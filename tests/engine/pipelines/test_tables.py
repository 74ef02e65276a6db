"""Every table of the engine covers every task, so that a new one is not forgotten anywhere."""

from __future__ import annotations

import pytest

from acetate.protocol.tasks import Task
from acetate_engine.models.families import mini, sd15, sdxl
from acetate_engine.models.families.released import Needs
from acetate_engine.pipelines.recipes.plain import WITHOUT_MODEL
from acetate_engine.pipelines.recipes.with_model import RECIPES

WITH_MODEL = {task for task in Task if task.needs_model}


def test_every_task_has_one_recipe() -> None:
    assert set(RECIPES) == WITH_MODEL
    assert set(WITHOUT_MODEL) == set(Task) - WITH_MODEL


@pytest.mark.parametrize("needs", [sd15.NEEDS, sdxl.NEEDS], ids=["sd15", "sdxl"])
def test_the_families_of_painters_own_checkpoints_say_what_each_task_needs(needs: Needs) -> None:
    assert set(needs) == WITH_MODEL


def test_the_embedded_model_names_every_task_among_what_layer_weights_enable() -> None:
    assert set(mini.tasks_of(["transparent", "joint", "bg2fg", "fg2bg"])) == WITH_MODEL
