"""What `acetate train assemble` writes is a model that the engine lists and loads, with all that was given."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from acetate.protocol.requests import ControlKind, ControlMethod, Task
from acetate_engine.models.families import mini
from acetate_engine.training.cli import app
from acetate_engine.training.control import new_controlnet
from acetate_engine.training.datasets import load_pictures
from tests.engine.models.tiny import mini_unet, write_mini


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    """Folders as the stages export them."""
    write_mini(tmp_path, layers=("transparent", "joint"))
    for name in ("unet", "scheduler"):
        shutil.move(tmp_path / name, tmp_path / "base" / name)
    (tmp_path / "base" / "captions.json").write_text("[]")
    (tmp_path / "base" / "backdrops.json").write_text('["the sea"]')
    for name in ("encoder", "decoder"):
        shutil.move(tmp_path / f"transparent_{name}", tmp_path / "transparency" / name)
    for name in ("transparent", "joint"):
        (tmp_path / name).mkdir()
        shutil.move(tmp_path / "layers" / f"{name}.safetensors", tmp_path / name)
    new_controlnet(mini_unet(), 16, 4).save_pretrained(tmp_path / "control")
    shutil.move(tmp_path / "transparent_residual", tmp_path / "corrections" / "residual")
    (tmp_path / "style").mkdir()
    (tmp_path / "style" / "ink.safetensors").write_bytes(b"")
    return tmp_path


def assemble(exports: Path, *options: object) -> Path:
    parts = ("vae", "base", "transparency")
    folders = [argument for name in parts for argument in (f"--{name}", str(exports / name))]
    out = exports / "model"
    arguments = ["assemble", *folders, "--card", str(exports / "mini.json"), "--out", str(out), *map(str, options)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    return out


def test_everything_that_was_trained_is_found(exports: Path) -> None:
    options = ("--layer", exports / "transparent", "--layer", exports / "joint", "--control", exports / "control")
    folder = assemble(exports, *options, "--style", exports / "style", "--residual", exports / "corrections")
    added = mini._add_ons(folder)
    assert set(added.controls) == {(ControlMethod.CONTROLNET, ControlKind.EDGES)}
    assert set(added.loras) == {"ink"}
    assert Task.JOINT in mini.tasks_of(mini.layer_names(folder))
    components = mini.load(folder, added)
    assert set(components.layer_adapters) == {"transparent", "joint"}
    assert components.transparency.residual is not None
    assert "transparent_residual" in json.loads((folder / "model_index.json").read_text())


def test_what_was_taught_comes_with_the_model(exports: Path) -> None:
    folder = assemble(exports)
    assert json.loads((folder / "captions.json").read_text()) == []
    assert json.loads((folder / "backdrops.json").read_text()) == ["the sea"]


def test_the_base_says_what_it_was_taught(workshop: Path, data: Path) -> None:
    captions = json.loads((workshop / "base" / "captions.json").read_text())
    kept = load_pictures(data, "fg", "train").captions
    assert captions and set(captions) <= set(kept)
    assert json.loads((workshop / "base" / "backdrops.json").read_text()) == ["hills"]


def test_parts_may_be_missing(exports: Path) -> None:
    folder = assemble(exports, "--layer", exports / "transparent")
    added = mini._add_ons(folder)
    assert not added.controls and not added.loras
    assert mini.load(folder, added).transparency.residual is None
    assert "transparent_residual" not in json.loads((folder / "model_index.json").read_text())
    assert Task.JOINT not in mini.tasks_of(mini.layer_names(folder))
