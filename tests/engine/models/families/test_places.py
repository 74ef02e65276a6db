"""Folders of other programs, as they lie."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from acetate.protocol.requests import ControlKind, ControlMethod
from acetate_engine.cli import app
from acetate_engine.models.checkpoints.info import Family
from acetate_engine.models.families.add_ons import find_add_ons, list_files
from acetate_engine.models.families.places import Item, Shelf, items, named, note_folders, scanned_folders
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


@pytest.mark.parametrize(
    ("loras", "checkpoints"),
    [
        ("Models/Lora", "Models/Stable-Diffusion"),  # SwarmUI
        ("Data/Models/Lora", "Data/Models/StableDiffusion"),  # Stability Matrix
        ("server/ComfyUI/models/loras", "server/ComfyUI/models/checkpoints"),  # Krita AI Diffusion
        ("models/sd-1/lora", "models/sd-1/main"),  # InvokeAI
        ("models/Lora", "models/Diffusers"),  # SD.Next
    ],
)
def test_programs_that_name_them_otherwise(home: Path, loras: str, checkpoints: str) -> None:
    put(home / "program" / loras / "ink.safetensors")
    (home / "program" / checkpoints / "dream").mkdir(parents=True)
    (home / "program" / checkpoints / "dream" / "model_index.json").write_text("{}")
    scan(home / "program")
    assert set(find_add_ons("sd15", Family.SD15).loras) == {"ink"}
    assert [item.stem for item in items(Shelf.CHECKPOINTS)] == ["dream"]


def put(path: Path, width: int = 768) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    owned.lora(width)(path)
    return path


EXTRA = """
a111:
    base_path: {base}
    checkpoints: models/Stable-diffusion
    loras: |
         models/Lora
         models/LyCORIS
    embeddings: embeddings
    hypernetworks: models/hypernetworks
other:
    is_default: true
    loras: {far}
    odd: 3
nothing:
"""


@pytest.mark.parametrize("named", ["folder", "file"])
@pytest.mark.parametrize("base", ["../webui", "$WEBUI", "~/webui"])
def test_comfyuis_extra_paths(home: Path, monkeypatch: pytest.MonkeyPatch, named: str, base: str) -> None:
    webui = home / "webui"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("WEBUI", str(webui))
    put(home / "ComfyUI" / "models" / "loras" / "own.safetensors")
    for name in ("Lora/first", "LyCORIS/sub/second", "hypernetworks/third"):
        put(webui / "models" / f"{name}.safetensors")
    put(home / "far" / "fourth.safetensors")
    owned.zeros(emb_params=(3, 768))(Path(put(webui / "embeddings" / "word.safetensors")))
    file = home / "ComfyUI" / "extra_model_paths.yaml"
    file.write_text(EXTRA.format(base=base, far=home / "far"), encoding="utf-8")
    output = scan(file if named == "file" else home / "ComfyUI")
    found = find_add_ons("sd15", Family.SD15)
    assert set(found.loras) == {"first", "second", "fourth"} | ({"own"} if named == "folder" else set())
    assert set(found.embeddings) == {"word"}
    assert f"style LoRA: {len(found.loras)}" in output


@pytest.mark.parametrize("content", ["a: [", "\x00", "[" * 5000])
def test_extra_paths_that_cannot_be_read(home: Path, content: str) -> None:
    put(home / "ComfyUI" / "models" / "loras" / "own.safetensors")
    file = home / "ComfyUI" / "extra_model_paths.yaml"
    file.write_text(content)
    result = CliRunner().invoke(app, ["models", "scan", str(home / "ComfyUI")])
    assert result.exit_code == 1 and f"{file.name} cannot be read" in " ".join(result.output.split())
    file.write_text("a: 1")
    scan(home / "ComfyUI")
    file.write_text(content)  # later
    assert set(find_add_ons("sd15", Family.SD15).loras) == {"own"}


@pytest.mark.parametrize(
    "inner",
    ["ComfyUI/models/loras", "webui/models/Lora", "extensions/sd-webui-additional-networks/models/lora", "Models/lora"],
)
def test_where_portable_packages_and_extensions_keep_them(home: Path, inner: str) -> None:
    put(home / "program" / inner / "deep" / "ink.safetensors")
    if inner.startswith("Models"):
        scan(home / "program" / "Models")
    else:
        scan(home / "program")
    assert set(find_add_ons("sd15", Family.SD15).loras) == {"ink"}


def test_whatever_the_suffix_says(home: Path) -> None:
    """What is a model, or cannot be read, is listed; what lies beside models is not."""
    folder = data_dir() / "models" / "loras"
    put(folder / "odd.model")
    put(folder / "bare")
    (folder / "half.safetensors.part").write_bytes((folder / "bare").read_bytes()[:-7])
    contents = {
        "old.dat": b"\x80\x02}q\x00.",
        "packed.7z": b"7z\xbc\xaf\x27\x1c" + bytes(60),
        "torch.model": b"PK\x03\x04" + bytes(22) + b"\x10\x00\x00\x00archive/data.pkl" + bytes(30),
        "photos.zip": b"PK\x03\x04" + bytes(22) + b"\x09\x00\x00\x00photo.png" + bytes(40),
        "small.q4": b"GGUF" + bytes(60),
        "notes.rst": b'{"abc": {"not": "a model"}}' * 9,
        "readme.txt": b"GGUF",
        "preview.png": b"\x89PNG",
        "page.htm": b"<html>",
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    told = {item.path.name: str(what) for item, what in list_files()}
    assert set(find_add_ons("sd15", Family.SD15).loras) == {"odd.model", "bare"}
    assert "cut short: 7 bytes" in told["half.safetensors.part"]
    assert "pickle" in told["old.dat"] and "pickle" in told["torch.model"] and "GGUF" in told["small.q4"]
    assert "7z archive" in told["packed.7z"] and "ZIP archive" in told["photos.zip"]
    assert not told.keys() & {"notes.rst", "readme.txt", "preview.png", "page.htm"}


def test_a_folder_that_is_none(home: Path) -> None:
    result = CliRunner().invoke(app, ["models", "scan", str(home / "nowhere")])
    assert result.exit_code != 0 and scanned_folders() == []


@pytest.mark.parametrize("content", ["", "{", "3", "[1, null]", '{"a": 1}', "[" * 100000])
def test_a_broken_setting_counts_as_none(content: str) -> None:
    data_dir().mkdir(parents=True)
    (data_dir() / "model_folders.json").write_text(content)
    assert scanned_folders() == []


def test_a_setting_says_its_form_and_one_without_is_read(home: Path) -> None:
    note_folders([home])
    assert json.loads((data_dir() / "model_folders.json").read_text())["version"] == 1
    assert scanned_folders() == [home]
    (data_dir() / "model_folders.json").write_text(json.dumps([str(home)]))
    assert scanned_folders() == [home]


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
