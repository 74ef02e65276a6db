from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from acetate_engine.models.checkpoints.info import Family
from acetate_engine.paths import resources_dir
from acetate_engine.pipelines.tasks import TaskGenerator
from tests.engine.models import single_file
from tests.engine.models.tiny import write_mini, write_released


@pytest.fixture(scope="session")
def tiny_resources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A resources directory whose mini has all layer adapters, random."""
    folder = tmp_path_factory.mktemp("resources")
    shutil.copytree(resources_dir() / "presets", folder / "presets")
    described = json.loads((resources_dir() / "models.json").read_text())
    for family in described["families"].values():
        family["native"] = 128
    (folder / "models.json").write_text(json.dumps(described))
    write_mini(folder / "models" / "mini", ("transparent", "joint", "bg2fg", "fg2bg"))
    return folder


@pytest.fixture(scope="session")
def tiny_configs(tiny_resources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, with configurations of the tiny models in the place of the released ones: for single files."""
    folder = tmp_path_factory.mktemp("resources") / "r"
    shutil.copytree(tiny_resources, folder)
    shutil.copytree(resources_dir() / "configs" / "clip_tokenizer", folder / "configs" / "clip_tokenizer")
    for family in (Family.SD15, Family.SDXL):
        single_file.write_config(folder / "configs" / single_file.FOLDERS[family], family)
    return folder


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data home with tiny SD1.5 and SDXL checkpoints and all released files."""
    home = tmp_path_factory.mktemp("data")
    write_released(home / "acetate" / "models")
    return home


@pytest.fixture(scope="session")
def shared_generator() -> TaskGenerator:
    """One for all tests, as one serves all jobs: whatever ran before must not matter."""
    return TaskGenerator()


@pytest.fixture
def tiny(tiny_resources: Path, shared_generator: TaskGenerator, monkeypatch: pytest.MonkeyPatch) -> TaskGenerator:
    """The generator, which finds the tiny mini instead of the real one."""
    monkeypatch.setenv("ACETATE_RESOURCES", str(tiny_resources))
    return shared_generator


@pytest.fixture
def tiny_released(tiny: TaskGenerator, tiny_data: Path, monkeypatch: pytest.MonkeyPatch) -> TaskGenerator:
    """The generator, which also finds the tiny SD1.5 and SDXL."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tiny_data))
    return tiny
