"""Folders of other programs, as they lie."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from acetate.protocol.requests import ControlKind, ControlMethod
from acetate_engine.cli import app
from acetate_engine.models.checkpoints.info import Family
from acetate_engine.models.families.add_ons import find_add_ons
from acetate_engine.models.families.places import Item, Shelf, items, named, scanned_folders
from acetate_engine.paths import data_dir
from tests.engine.models import owned

COMFY = ("models/checkpoints", "models/loras", "models/controlnet", "models/embeddings")
A1111 = ("models/Stable-diffusion", "models/Lora", "models/ControlNet", "embeddings")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path


def scan(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["models", "scan", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("folders", [COMFY, A1111], ids=["ComfyUI", "A1111 and Forge"])
@pytest.mark.parametrize("inner", ["", "models"])
def test_another_programs_folder(home: Path, folders: tuple[str, ...], inner: str) -> None:
    program = home / "program"
    rows = {row.path.rpartition("/")[2]: row for row in owned.ADD_ONS}
    files = ("ink15.safetensors", "control_v11p_sd15_canny.safetensors", "worse.safetensors")
    for folder, name in zip(folders[1:], files, strict=True):
        (program / folder).mkdir(parents=True)
        rows[name].make(program / folder / name)
    before = sorted(program.rglob("*"))
    output = scan(program / inner)
    assert str(program / inner) in output and "style LoRA: 1" in output
    found = find_add_ons("sd15", Family.SD15)
    assert set(found.loras) == {"ink15"}
    assert found.controls[ControlMethod.CONTROLNET, ControlKind.EDGES].name == files[1]
    assert bool(found.embeddings) == (not inner or folders is COMFY)  # A1111 has embeddings beside `models`
    assert sorted(program.rglob("*")) == before
    scan("--forget", program / inner)
    assert scanned_folders() == [] and not find_add_ons("sd15", Family.SD15).loras


def test_a_folder_that_is_none(home: Path) -> None:
    result = CliRunner().invoke(app, ["models", "scan", str(home / "nowhere")])
    assert result.exit_code != 0 and scanned_folders() == []


@pytest.mark.parametrize("content", ["", "{", "3", "[1, null]", '{"a": 1}', "[" * 100000])
def test_a_broken_setting_counts_as_none(content: str) -> None:
    data_dir().mkdir(parents=True)
    (data_dir() / "model_folders.json").write_text(content)
    assert scanned_folders() == []


def test_links_to_folders_and_rings_of_them(home: Path) -> None:
    loras = data_dir() / "models" / "loras"
    (loras / "inner").mkdir(parents=True)
    (loras / "inner" / "ring").symlink_to(loras)
    (home / "elsewhere").mkdir()
    (home / "elsewhere" / "far.safetensors").write_bytes(b"x")
    (loras / "away").symlink_to(home / "elsewhere")
    assert "far" in {item.stem for item in items(Shelf.LORAS)}


def test_names() -> None:
    top = Path("/m/loras")
    paths = [
        "a.safetensors",
        "x/a.safetensors",
        "x/b.safetensors",
        "mini.safetensors",
        "c.SAFETENSORS",
        "c.safetensors",
    ]
    found = named((Item(top / path, top) for path in paths), frozenset({"mini"}))
    names = {item.path.relative_to(top).as_posix(): name for name, item in found.items()}
    assert names["a.safetensors"] == "a" and names["x/a.safetensors"] == "x/a" and names["x/b.safetensors"] == "b"
    assert names["mini.safetensors"] == "loras/mini"
    assert len(found) == len(paths)
