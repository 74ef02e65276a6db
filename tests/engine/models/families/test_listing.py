"""What models there are, said without torch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from acetate.protocol.errors import UnknownModel, UnsupportedTask
from acetate.protocol.events import ModelInfo
from acetate.protocol.requests import Task
from acetate_engine.models.checkpoints.kinds import Family
from acetate_engine.models.families import describe_models, find_model
from acetate_engine.paths import data_dir, resources_dir
from tests.engine.models import official, single_file, small
from tests.engine.models.tiny import write_mini


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data directory; the resources are the real ones."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return data_dir() / "models"


def _info(name: str) -> ModelInfo:
    return {info.name: info for info in describe_models()}[name]


def test_listing_imports_no_torch() -> None:
    code = (
        "import sys; from acetate_engine.models.families import describe_models; "
        "describe_models(); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("name", ["sd15", "sdxl"])
def test_a_family_without_checkpoints_says_where_to_put_one(home: Path, name: str) -> None:
    info = _info(name)
    assert not info.installed and info.tasks == ()
    assert str(home / "checkpoints") in info.reason
    with pytest.raises(UnknownModel, match=r"\.safetensors"):
        find_model(name, Task.FOREGROUND)


def test_tasks_follow_the_released_files(home: Path) -> None:
    single_file.write_folder(home / "checkpoints" / "dream", Family.SD15)
    info = _info("dream")
    assert not info.installed and str(home / "layerdiffuse") in info.reason
    (home / "layerdiffuse").mkdir()
    unet = small.sd15_unet()
    official.save(official.sharing_tensors(unet, 2, 16), home / "layerdiffuse" / "layer_sd15_fg2bg.safetensors")
    assert _info("dream").tasks == (Task.BACKGROUND_BEHIND_FOREGROUND, Task.BLEND)
    official.save(
        small.decoder().state_dict(), home / "layerdiffuse" / "layer_sd15_vae_transparent_decoder.safetensors"
    )
    official.save(official.sharing_tensors(unet, 1), home / "layerdiffuse" / "layer_sd15_transparent_attn.safetensors")
    assert Task.FOREGROUND in _info("dream").tasks
    assert Task.REFINE not in _info("dream").tasks
    assert _info("dream").installed and _info("dream").family == "sd15"


def test_what_is_no_checkpoint_is_no_model(home: Path) -> None:
    (home / "checkpoints").mkdir(parents=True)
    (home / "checkpoints" / "notes.safetensors").write_bytes(b"not a checkpoint")
    official.save(small.encoder().state_dict(), home / "checkpoints" / "encoder.safetensors")
    assert {info.name for info in describe_models()} == {"mini", "sd15", "sdxl"}


def test_an_unknown_model_names_the_known(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_mini(tmp_path / "resources" / "models" / "mini")
    (tmp_path / "resources" / "models.json").write_text((resources_dir() / "models.json").read_text())
    monkeypatch.setenv("ACETATE_RESOURCES", str(tmp_path / "resources"))
    with pytest.raises(UnknownModel, match="Choose one of these: mini"):
        find_model("sd9", Task.FOREGROUND)
    with pytest.raises(UnsupportedTask, match="“Front and back”"):
        find_model("mini", Task.JOINT)
    assert Task.FOREGROUND in find_model("mini", Task.FOREGROUND).info.tasks


def test_every_family_has_presets() -> None:
    for preset in ("draft", "final"):
        values = json.loads((resources_dir() / "presets" / f"{preset}.json").read_text())
        assert set(values["families"]) == {"mini", "sd15", "sdxl"}


def test_every_file_that_a_family_looks_for_says_where_it_was_published() -> None:
    described = json.loads((resources_dir() / "models.json").read_text())
    for family in described["families"].values():
        for name in (
            *family["encoder"],
            *family["decoder"],
            *(x for names in family["layers"].values() for x in names),
        ):
            assert described["files"][name]["from"]
