from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from acetate_engine.cli import app
from acetate_engine.documents.raster import encode_picture
from acetate_engine.paths import models_dir, resources_dir
from tests.engine.documents.pictures import noise
from tests.engine.models import add_ons
from tests.engine.models.tiny import mini_unet, write_mini

Acetate = Callable[..., Any]


@pytest.fixture(scope="session")
def tiny_resources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A resources directory whose mini has all layer adapters, random."""
    folder = tmp_path_factory.mktemp("resources") / "resources"
    shutil.copytree(resources_dir(), folder, ignore=shutil.ignore_patterns("models", "samples", "train"))
    write_mini(folder / "models" / "mini", ("transparent", "joint", "bg2fg", "fg2bg"))
    return folder


@pytest.fixture
def tiny(tiny_resources: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The engine finds the tiny mini instead of the real one."""
    monkeypatch.setenv("ACETATE_RESOURCES", str(tiny_resources))
    return tiny_resources


@pytest.fixture
def added(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory with styles ink and oil, the image adapter look and a ControlNet on edges for the tiny mini."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    add_ons.write_for_mini(mini_unet(), models_dir())
    return models_dir()


def all_add_ons(photo: Path, cutout: Path) -> tuple[object, ...]:
    """Options."""
    return ("--style", "ink:0.8", "--style", "oil:-0.5", "--image-prompt", photo, "--image-prompt", f"{cutout}:0.5",
            "--control", f"edges:{photo}:0.7")  # fmt: skip


@pytest.fixture
def acetate() -> Acetate:
    """Runs a command line in this process; the object of --json, or the text."""

    def run(*arguments: object, status: int = 0) -> Any:
        done = CliRunner().invoke(app, [str(argument) for argument in arguments])
        assert done.exit_code == status, done.output + str(done.exception)
        assert "Traceback" not in done.output
        return json.loads(done.stdout) if "--json" in arguments else done.output

    return run


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """48×40, opaque."""
    pixels = noise(40, 48, 7)
    pixels[..., 3] = 255
    return write(tmp_path / "photo.png", pixels)


@pytest.fixture
def cutout(tmp_path: Path) -> Path:
    """48×40, transparent on the left."""
    pixels = noise(40, 48, 8)
    pixels[:, :20] = 0
    return write(tmp_path / "cutout.png", pixels)


def write(path: Path, pixels: np.ndarray) -> Path:
    path.write_bytes(encode_picture(pixels))
    return path
