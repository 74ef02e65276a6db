"""Every task on pictures, each way that there is to it: command line, HTTP and Python; docker and menu offer it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from acetate.protocol.requests import Task
from acetate.protocol.tasks import TASKS
from acetate_engine.documents.reader import read_document
from acetate_engine.engine import Engine
from acetate_engine.paths import models_dir
from tests.engine.commands.conftest import Acetate, write
from tests.engine.pictures.scenes import backdrop, pixels, scene, toy
from tests.engine.process import EngineProcess
from tests.engine.rounding import ROUNDED, apart

pytestmark = [pytest.mark.usefixtures("parts"), pytest.mark.engine]

OF_PICTURES = [task for task, traits in TASKS.items() if not traits.model and traits.is_offered]
COMMANDS = {
    Task.EXTRACT: ("extract", "SCENE"),
    Task.SELECT: ("select", "SCENE"),
    Task.REMOVE: ("remove", "SCENE"),
    Task.DECOMPOSE: ("split", "SCENE"),
    Task.EXPAND: ("expand", "SCENE", "--by", "25%"),
    Task.CONTACT_SHADOW: ("shadow", "TOY", "--kind", "contact"),
    Task.CAST_SHADOW: ("shadow", "TOY", "--kind", "cast"),
    Task.REFLECTION: ("shadow", "TOY", "--kind", "reflection"),
    Task.MATCH_LIGHT: ("light", "TOY", "--background", "BEHIND"),
    Task.UPSCALE: ("upscale", "TOY", "--factor", "2"),
}
_ACTIONS = Path(__file__).parents[3] / "plugin" / "acetate" / "ui" / "actions.py"  # imports Krita: read as text


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pictures")
    behind = np.dstack([backdrop(), np.ones(backdrop().shape[:2], np.float32)])
    pictures = {"SCENE": scene(), "TOY": toy(), "BEHIND": behind}
    return {name: write(folder / f"{name}.png", pixels(picture)) for name, picture in pictures.items()}


@pytest.fixture(scope="module")
def furnished(engine: EngineProcess) -> EngineProcess:
    """With the parts of this machine in its own data directory."""
    shutil.copytree(models_dir() / "parts", engine.root / "data" / "acetate" / "models" / "parts", dirs_exist_ok=True)
    return engine


def test_every_task_has_a_command_a_row_in_the_docker_and_an_entry_in_the_menu() -> None:
    assert set(COMMANDS) == set(OF_PICTURES)
    offered = re.findall(r'"acetate_\w+": Task\.(\w+)', _ACTIONS.read_text(encoding="utf-8"))
    assert {task.name for task in OF_PICTURES} <= set(offered)


@pytest.mark.parametrize("task", OF_PICTURES, ids=lambda task: task.value)
def test_on_the_command_line(task: Task, files: dict[str, Path], acetate: Acetate, tmp_path: Path) -> None:
    command, *options = (files.get(word, word) for word in COMMANDS[task])
    report = acetate(command, *options, "-o", tmp_path / "out.psd", "--json")
    assert [layer["role"] for layer in report["layers"]][-1] == task.traits.returns[-1].value
    assert len(read_document(tmp_path / "out.psd").layers) >= len(report["layers"])


@pytest.mark.parametrize("task", OF_PICTURES, ids=lambda task: task.value)
def test_in_python_here_and_over_http(task: Task, furnished: EngineProcess) -> None:
    is_whole = "SCENE" in COMMANDS[task] and task is not Task.EXPAND  # which wants something left to paint
    picture = pixels(scene() if is_whole else toy())
    behind = pixels(np.dstack([backdrop(), np.ones(backdrop().shape[:2], np.float32)]))
    background = behind if task.needs_background else None
    here, there = (
        way.generate(task=task, foreground=picture, background=background, seed=3)
        for way in (Engine(), Engine.connect(furnished.connection_file))
    )
    assert [layer.name for layer in here.layers] == [layer.name for layer in there.layers] and here.layers
    for mine, other in zip(here.layers, there.layers, strict=True):
        assert apart(mine.pixels, other.pixels) < ROUNDED
