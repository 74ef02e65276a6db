"""What accidents and malice leave among models: the others stay usable, each bad one is named. By `acetate models`."""

from __future__ import annotations

import json
import os
import resource
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engine.process import private_environment

LAYERED = '{"_class_name": "QwenImageLayeredPipeline"}'
MEMORY = 8 << 30  # bytes of addresses
ROOT_ALONE_CAN = "-dac_override,-dac_read_search"  # what lets root read what its mode forbids


def acetate(root: Path, *arguments: str) -> str:
    """What it prints. As root, whoever has no right by the mode of a file has none here either."""
    command = [sys.executable, "-P", "-m", "acetate_engine", *arguments]
    without = ["setpriv", "--bounding-set", ROOT_ALONE_CAN]
    if shutil.which("setpriv") and subprocess.run([*without, "true"], capture_output=True).returncode == 0:
        command = [*without, *command]
    result = subprocess.run(
        command,
        env={**private_environment(root), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        timeout=200,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)),
    )
    assert result.returncode == 0, result.stderr.decode(errors="replace")
    return result.stdout.decode()


@pytest.fixture
def models(tmp_path: Path) -> Iterator[Path]:
    """The user's folder, with one good model in it."""
    folder = tmp_path / "data" / "acetate" / "models"
    put_layered(folder / "checkpoints" / "good")
    yield folder
    subprocess.run(["chmod", "-R", "u+rwX", tmp_path], check=True, capture_output=True)
    subprocess.run(["rm", "-rf", tmp_path], check=True)  # Python cannot remove folders that lie so deep in each other


def put_layered(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "model_index.json").write_text(LAYERED)
    return folder


def dig(folder: Path, depth: int = 1500) -> None:
    """Folders in each other, more than Python calls itself."""
    here = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=here)
        inner = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)


def note_folders(models: Path, *folders: str) -> None:
    (models.parent / "model_folders.json").write_text(json.dumps(folders))


def nul(models: Path) -> None:
    note_folders(models, "/tmp/a\0b")


def half_a_letter(models: Path) -> None:
    note_folders(models, "/tmp/\ud800")


def too_long(models: Path) -> None:
    note_folders(models, "/tmp/" + 300 * "x", "/tmp/" + 3000 * "x/")


def denied_elsewhere(models: Path) -> None:
    """Another user's home, say, or a disk of one."""
    (models.parent / "other" / "ComfyUI" / "models" / "loras").mkdir(parents=True)
    note_folders(models, str(models.parent / "other" / "ComfyUI"), str(models.parent / "other"))
    (models.parent / "other").chmod(0)


def denied_inside(models: Path) -> None:
    for folder in (models / "checkpoints" / "locked", models / "loras", models / "controlnet", models / "wildcards"):
        folder.mkdir()
        (folder / "model_index.json").write_text(LAYERED)
        folder.chmod(0)
    half = put_layered(models / "checkpoints" / "names-only")
    half.chmod(0o444)


def deep_model(models: Path) -> None:
    dig(put_layered(models / "checkpoints" / "deep"))


def deep_encoder(models: Path) -> None:
    encoder = models / "ip_adapter" / "encoder"
    encoder.mkdir(parents=True)
    (encoder / "config.json").write_text("{}")
    dig(encoder)


def laughs(models: Path) -> None:
    """Names of folders that stand for each other, ten times each: 10^12 when they are written out."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    (models.parent / "extra_model_paths.yaml").write_text("\n".join([*lines, "all: {base_path: *a11, loras: x}"]))
    note_folders(models, str(models.parent))


@pytest.mark.parametrize(
    "spoil",
    [nul, half_a_letter, too_long, denied_elsewhere, denied_inside, deep_model, deep_encoder, laughs],
    ids=lambda spoil: spoil.__name__,
)
def test_whatever_lies_there_the_other_models_stay_usable(models: Path, spoil: Callable[[Path], None]) -> None:
    spoil(models)
    found = {row["name"]: row for row in json.loads(acetate(models.parents[2], "models", "--json"))["models"]}
    assert found["mini"]["installed"] and found["good"]["installed"], found
    assert {"sd15", "sdxl"} <= set(found) and "cannot be listed" not in str(found)
    assert "Mini" in acetate(models.parents[2], "models")


NEWLINE, ESCAPE, BYTES = "line\nbreak.safetensors", "\x1b]0;title\x07\x1b[31mred.safetensors", b"l\xf6we.safetensors"


def test_odd_files_are_named_and_steer_no_terminal(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loras = models / "loras"
    loras.mkdir()
    (loras / "empty.safetensors").touch()
    (loras / "folder.safetensors").mkdir()
    (loras / "gone.safetensors").symlink_to("nowhere")
    (loras / "ring.safetensors").symlink_to("ring.safetensors")
    (loras / "zero.safetensors").symlink_to("/dev/zero")
    os.mkfifo(loras / "pipe.safetensors")
    with socket.socket(socket.AF_UNIX) as listener, monkeypatch.context() as inside:
        inside.chdir(loras)
        listener.bind("socket.safetensors")  # a whole path may be longer than a socket's can be
    with (loras / "sparse.safetensors").open("wb") as file:
        file.truncate(5 << 30)
    for name in (NEWLINE, ESCAPE, os.fsdecode(BYTES)):
        (loras / name).write_bytes(b"nothing")
    (loras / "denied.safetensors").write_bytes(b"nothing")
    (loras / "denied.safetensors").chmod(0)
    said = acetate(models.parents[2], "models")
    for name in ("empty", "folder", "gone", "ring", "zero", "pipe", "socket", "sparse", "denied", "red", "break"):
        assert f"{name}.safetensors" in said
    assert "\\udcf6we.safetensors" in said or "l?we.safetensors" in said or "l\\xf6we" in said
    assert not {char for char in said if not char.isprintable()} - {"\n", "\N{NO-BREAK SPACE}"}
    found = {row["name"]: row for row in json.loads(acetate(models.parents[2], "models", "--json"))["models"]}
    assert found["mini"]["installed"] and found["good"]["installed"]
