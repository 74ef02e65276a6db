"""Model files over HTTP: only with the token, only real models, only real folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from acetate.client import api_library as api
from acetate.protocol.connection import Connection
from acetate.protocol.errors import AccessError, AcetateError, CheckpointError, FileError, InvalidRequest
from acetate.protocol.library import DownloadState
from tests.engine.models.library.test_library import lora
from tests.engine.process import EngineProcess

pytestmark = pytest.mark.engine


def test_a_file_of_this_machine_is_added_and_listed(engine: EngineProcess, tmp_path: Path) -> None:
    connection = engine.connection
    api.add_file(connection, str(lora(tmp_path / "chalk.safetensors")), as_link=True)
    found = api.library(connection)
    (file,) = [file for file in found.files if file.name == "chalk.safetensors"]
    assert "LoRA" in file.what and Path(file.folder).is_relative_to(found.home)
    Path(file.folder, file.name).unlink()


def test_paths_of_a_request_are_looked_at_first(engine: EngineProcess, tmp_path: Path) -> None:
    (tmp_path / "x.safetensors").write_bytes(b"\x80\x02}q\x00.")
    for path, kind in (
        ("/etc/passwd", FileError),
        ("../x", FileError),
        (str(tmp_path / "x.safetensors"), CheckpointError),
    ):
        with pytest.raises(kind):
            api.add_file(engine.connection, path, as_link=True)
    assert not [file for file in api.library(engine.connection).files if file.name in ("passwd", "x.safetensors")]


def test_folders_are_used_and_forgotten(engine: EngineProcess, tmp_path: Path) -> None:
    lora(tmp_path / "models" / "Lora" / "wash.safetensors")
    found = api.set_folders(engine.connection, [str(tmp_path)])
    assert found.folders == (str(tmp_path),)
    assert "wash.safetensors" in [file.name for file in found.files]
    for wrong in ("relative", "/nowhere/at/all", "/etc/passwd", "/\0"):
        with pytest.raises(AcetateError):
            api.set_folders(engine.connection, [wrong])
    assert api.set_folders(engine.connection, []).folders == ()


def test_folders_that_comfyui_names_belong_to_its_own(engine: EngineProcess, tmp_path: Path) -> None:
    lora(tmp_path / "far" / "haze.safetensors")
    named, broken = tmp_path / "ComfyUI", tmp_path / "other"
    for folder, text in ((named, "a:\n  base_path: ..\n  loras: far"), (broken, "a:\n  secret: [")):
        folder.mkdir()
        (folder / "extra_model_paths.yaml").write_text(text)
    found = api.set_folders(engine.connection, [str(named)])
    assert "haze.safetensors" in [file.name for file in found.files]
    with pytest.raises(AcetateError, match=r"extra_model_paths.yaml is no YAML: line \d") as caught:
        api.set_folders(engine.connection, [str(broken)])
    assert "secret" not in str(caught.value)
    api.set_folders(engine.connection, [])


def test_what_is_not_published_is_not_fetched(engine: EngineProcess) -> None:
    with pytest.raises(InvalidRequest):
        api.fetch(engine.connection, "https://example.org/x.safetensors")
    api.cancel_download(engine.connection, "nothing of the kind")
    assert all(each.state is not DownloadState.RUNNING for each in api.library(engine.connection).downloads)


def test_nothing_without_the_token(engine: EngineProcess) -> None:
    own = engine.connection
    stranger = Connection(own.host, own.port, "guessed", own.pid, own.version, own.protocol)
    with pytest.raises(AccessError):
        api.library(stranger)
