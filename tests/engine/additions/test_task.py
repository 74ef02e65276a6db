"""A new task is a row, a recipe and its name in the table of recipes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.additions.house import House

TABLES = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/engine/pipelines/test_tables.py")
NEGATIVE = "acetate_engine.pipelines.recipes.negative"
TASKS, PLAIN = "plugin/acetate/protocol/tasks.py", "engine/acetate_engine/pipelines/recipes/plain.py"
RECIPE = '''"""The colours of a layer turned round."""

from __future__ import annotations

from acetate.protocol.requests import GenerateRequest
from acetate.protocol.tasks import LayerRole
from acetate_engine.pipelines.contract import Generated, GeneratedLayer, Images, Reporter


def negative(request: GenerateRequest, images: Images, reporter: Reporter) -> Generated:
    pixels = images[request.foreground].copy()
    pixels[..., :3] = 255 - pixels[..., :3]
    return Generated((GeneratedLayer(0, LayerRole.FOREGROUND, "Negative", request.bounds, pixels, request.seed),))
'''
USE = """
import numpy as np
from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import GenerateRequest, Task
from acetate_engine.pipelines.contract import Silent
from acetate_engine.pipelines.tasks import TaskGenerator

digest = "ab" * 32
request = GenerateRequest(Task.NEGATIVE, Bounds(0, 0, 3, 2), 1, foreground=digest)
(layer,) = TaskGenerator().generate(request, {digest: np.full((2, 3, 4), (10, 20, 30, 40), np.uint8)}, Silent()).layers
print(layer.name, layer.pixels[0, 0].tolist(), Task.NEGATIVE.traits.label)
"""


@pytest.fixture
def house(tmp_path: Path) -> House:
    made = House(tmp_path)
    made.insert(TASKS, 'IDENTITY = "identity"', '    NEGATIVE = "negative"\n')
    made.insert(TASKS, "Task.IDENTITY: picture_task", '    Task.NEGATIVE: picture_task("Negative of a layer"),\n')
    return made


def test_a_row_and_a_recipe_are_a_task(house: House) -> None:
    house.add("engine/acetate_engine/pipelines/recipes/negative.py", RECIPE)
    house.insert(PLAIN, "Task.IDENTITY: identity", "    Task.NEGATIVE: negative,\n")
    house.insert(PLAIN, "from acetate_engine.pipelines.contract", f"from {NEGATIVE} import negative\n")
    done = house.run("-c", USE)
    assert done.stdout.strip() == "Negative [245, 235, 225, 40] Negative of a layer", done.stderr
    listed = house.run("-m", "acetate_engine", "openapi")
    assert '"negative"' in listed.stdout, listed.stderr


def test_a_row_without_a_recipe_is_found(house: House) -> None:
    done = house.run(*TABLES)
    assert "NEGATIVE" in done.stdout and "test_every_task_has_one_recipe" in done.stdout
