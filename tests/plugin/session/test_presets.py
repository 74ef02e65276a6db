from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acetate.protocol.errors import FileError
from acetate.protocol.requests import Preset, Scheduler, Style
from acetate.session.presets import LONGEST_NAME, Presets, chosen, read_preset
from acetate.session.settings import Settings

INK = {
    "model": "dream",
    "preset": Preset.FINAL,
    "steps": 30,
    "scheduler": Scheduler.EULER_A,
    "guidance_scale": 6.5,
    "finish": False,
    "styles": (Style("ink", 0.8),),
}


def presets_in(folder: Path, **values: Any) -> Presets:
    settings = Settings()
    settings.take(values)
    return Presets(settings, folder)


def changed(file: Path, **fields: Any) -> Path:
    """The file with other fields."""
    file.write_text(json.dumps({**json.loads(file.read_text("utf-8")), **fields}), encoding="utf-8")
    return file


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """A preset that somebody has exported."""
    presets = presets_in(tmp_path / "theirs", **INK)
    presets.save("Ink")
    presets.give_out("Ink", tmp_path / "shared.json")
    return tmp_path / "shared.json"


def test_a_preset_brings_back_what_was_saved(tmp_path: Path) -> None:
    presets_in(tmp_path, **INK).save("  Ink ")
    settings = Settings()
    presets = Presets(settings, tmp_path)
    assert presets.names.value == ("Ink",) and presets.current == ""
    presets.take("Ink")
    assert chosen(settings) == INK and presets.current == "Ink"
    settings.steps.value = 31
    assert presets.current == ""


def test_a_preset_leaves_words_seed_and_layers_alone(tmp_path: Path) -> None:
    presets_in(tmp_path, **INK, prompt="a fox", seed=3).save("Ink")
    settings = Settings()
    settings.prompt.value, settings.seed.value = "a pear", 7
    Presets(settings, tmp_path).take("Ink")
    assert (settings.prompt.value, settings.seed.value) == ("a pear", 7)


@given(name=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=LONGEST_NAME))
def test_every_name_is_a_file_of_its_own_in_the_folder(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    folder = tmp_path_factory.mktemp("presets")
    presets = presets_in(folder)
    if not name.strip():
        return
    presets.save(name)
    assert presets.names.value == (name.strip(),) and len(list(folder.iterdir())) == 1
    presets.remove(name.strip())
    assert not list(folder.iterdir())


def test_what_is_shared_is_taken_in_beside_one_of_that_name(tmp_path: Path, shared: Path) -> None:
    presets = presets_in(tmp_path / "ours")
    presets.save("Ink")
    assert presets.take_in(shared) == "Ink (2)"
    assert presets.take_in(shared) == "Ink (2)"  # the same once more is no third
    assert presets.names.value == ("Ink", "Ink (2)")
    assert read_preset(shared) == ("Ink", INK)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"version": 2}, "newer Acetate"),
        ({"kind": "a brush"}, "no preset"),
        ({"name": ""}, "no name"),
        ({"name": "x" * (LONGEST_NAME + 1)}, "no name"),
        ({"values": []}, "no values"),
        ({"values": {"steps": "many"}}, "steps"),
        ({"values": {"steps": 0}}, "steps"),
        ({"values": {"steps": 100000}}, "steps"),
        ({"values": {"guidance_scale": 1e9}}, "guidance"),
        ({"values": {"styles": [{"lora": "ink"}, {"lora": "ink"}]}}, "twice"),
        ({"values": {"prompt": "a fox"}}, "prompt is not known"),
        ({"values": {"mood": 3}}, "mood is not known"),
    ],
)
def test_a_file_that_is_no_preset_is_refused_by_name_and_takes_none_along(
    tmp_path: Path, shared: Path, fields: dict[str, Any], reason: str
) -> None:
    presets = presets_in(tmp_path / "ours")
    presets.save("Mine")
    with pytest.raises(FileError) as refused:
        presets.take_in(changed(shared, **fields))
    assert reason in refused.value.detail and "shared.json" in refused.value.detail
    (presets.folder / "bad.json").write_bytes(shared.read_bytes())
    presets.read()
    assert presets.names.value == ("Mine",) and "bad.json" in presets.unread.value[0]
    assert (presets.folder / "bad.json").exists()


def test_saving_under_the_name_of_what_cannot_be_read_does_not_write_over_it(tmp_path: Path) -> None:
    presets = presets_in(tmp_path)
    presets.save("Ink")
    (file,) = tmp_path.iterdir()
    later = changed(file, version=2).read_bytes()
    presets.read()
    presets.save("Ink")
    assert presets.names.value == ("Ink",) and len(presets.unread.value) == 1
    assert file.read_bytes() == later
    presets.remove("Ink")
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100000, b"null", b" " * (1 << 17)])
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "x.json"
    file.write_bytes(content)
    with pytest.raises(FileError):
        read_preset(file)


def test_a_preset_without_a_name_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no name"):
        presets_in(tmp_path).save("   ")
    assert not list(tmp_path.iterdir())


def test_what_is_removed_or_replaced_is_had_back(tmp_path: Path) -> None:
    presets = presets_in(tmp_path, **INK)
    assert presets.save("Ink") is None and presets.save("Ink") is None  # nothing is lost
    files = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    undo = presets.remove("Ink")
    assert presets.names.value == ()
    undo()
    assert presets.current == "Ink" and {file.name: file.read_bytes() for file in tmp_path.iterdir()} == files
    settings = Settings()
    other = Presets(settings, tmp_path)
    back = other.save("Ink")
    assert other.current == "Ink" and back is not None
    back()
    other.take("Ink")
    assert chosen(settings) == INK


def test_a_preset_that_cannot_be_removed_is_named(tmp_path: Path) -> None:
    """A folder in its place: who runs the tests may be allowed everything else."""
    presets = presets_in(tmp_path, **INK)
    presets.save("Ink")
    (file,) = tmp_path.iterdir()
    file.unlink()
    file.mkdir()
    with pytest.raises(FileError, match="cannot be removed"):
        presets.remove("Ink")
