"""Sixty files as people have them, listed: what each is, its family, and what to do; none takes another with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from acetate.protocol.errors import UnknownModel
from acetate.protocol.requests import Task
from acetate_engine.cli import app
from acetate_engine.models.checkpoints import kinds
from acetate_engine.models.checkpoints.header import read_header
from acetate_engine.models.checkpoints.info import Family
from acetate_engine.models.families import describe_models, find_model, find_models
from acetate_engine.models.families.add_ons import find_add_ons, list_files
from acetate_engine.paths import models_dir
from tests.engine.models import owned


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    owned.write(home / "acetate" / "models")
    return home


@pytest.fixture(autouse=True)
def models(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(home))
    return models_dir()


@pytest.fixture(scope="module")
def said(home: Path) -> str:
    """What `acetate models` prints into 80 columns."""
    result = CliRunner().invoke(app, ["models"], env={"COLUMNS": "80", "XDG_DATA_HOME": str(home)})
    assert result.exit_code == 0, result.output
    return result.output


def test_there_are_sixty_and_more() -> None:
    assert len(owned.ALL) >= 60


@pytest.mark.parametrize("file", owned.ALL, ids=lambda file: file.path)
def test_each_is_named_with_what_it_is_and_what_to_do(file: owned.Owned, said: str, models: Path) -> None:
    _, _, behind = said.partition(f"\n{models / file.path}\n")
    sentence = " ".join(behind.split("\n\n")[0].split())
    assert all(words in sentence for words in file.says), sentence


def test_lines_fit_80_columns_and_paths_are_whole(said: str) -> None:
    assert all(len(line) <= 80 or ("/" in line and " " not in line.strip()) for line in said.splitlines())


def test_each_header_is_read_once(monkeypatch: pytest.MonkeyPatch, models: Path, tmp_path: Path) -> None:
    """However often models and files are listed, and by whom: until a file changes."""
    read: list[Path] = []

    def counted(path: Path) -> object:
        read.append(path)
        return read_header(path)

    monkeypatch.setattr(kinds, "read_header", counted)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for _ in range(3):
        kinds._inspected.cache_clear()  # as another process, which knows what was kept alone
        describe_models()
        list_files()
    assert len(read) == len(set(read)) <= len(owned.ALL)
    changed = models / "loras" / "ink15.safetensors"
    changed.write_bytes(changed.read_bytes())
    before = len(read)
    list_files()
    assert read[before:] == [changed]


def test_checkpoints_have_names_of_their_own(models: Path) -> None:
    found = {info.name: info for info in describe_models()}
    names = {"plain", "sub/plain", "checkpoints/mini", "LOUD", "short", "link", "big", "folder", "liar", "vpred"}
    assert names <= found.keys()
    assert found["mini"].family == "mini" and found["checkpoints/mini"].family == "sd15"
    assert "dangling" not in found


def test_what_a_checkpoint_lacks_is_said_or_found(models: Path) -> None:
    found = {info.name: info for info in describe_models()}
    assert "text encoder" in found["notext"].reason and str(models / "text_encoders") in found["notext"].reason
    assert "VAE" not in found["novae"].reason  # the VAE of the folder serves
    assert "EDM" in found["edm"].reason and not found["edm"].installed
    assert "9 input channels" in found["inpaint"].reason


@pytest.mark.parametrize(("name", "words"), [("flux", "FLUX"), ("ssd", "SSD-1B"), ("old", "pickle"), ("wan", "Wan")])
def test_asked_for_what_is_no_model_it_says_what_that_is(name: str, words: str) -> None:
    with pytest.raises(UnknownModel, match=words):
        find_model(name, Task.FOREGROUND)


def test_styles_of_others_are_not_offered() -> None:
    fifteen, large = (
        set(find_add_ons(name, family).loras) for name, family in (("sd15", Family.SD15), ("sdxl", Family.SDXL))
    )
    assert fifteen == {
        *("ink15", "a/twin", "b/twin", "loha", "peft", "words", "dora", "lokr", "lightning_bolts"),
        *("norms",),  # which tells no family
    }
    assert large == {"inkxl", "hyper_8steps", "norms"}
    assert set(find_add_ons("sd15", Family.SD15).embeddings) == {"worse"}
    assert set(find_add_ons("sdxl", Family.SDXL).embeddings) == {"better"}


def test_few_steps_are_in_the_model() -> None:
    models = {model.info.name: model for model in find_models()}
    few, big = models["paint_lightning_4step"].distilled, models["big"]
    assert few is not None and (few.name, few.steps) == ("Lightning", 4)
    assert big.few_steps([]) is None
    assert replace(big, distilled_styles={"fast": few}).few_steps(["ink", "fast"]) == few
