"""`make dist`, and the wheel in an environment that knows no checkout."""

from __future__ import annotations

import json
import os
import runpy
import site
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from acetate.protocol.version import __version__
from tests.engine.process import private_environment
from tests.krita.harness.home import REPOSITORY


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    runpy.run_path(str(REPOSITORY / "resources/dist.py"))["build"](folder)
    return folder


@pytest.fixture(scope="session")
def wheel(dist: Path) -> Path:
    return dist / f"acetate-{__version__}-py3-none-any.whl"


class Installed:
    """The wheel in a fresh environment that sees the packages of this one, but not Acetate's sources."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        self.root = folder / "environment"
        self._home = folder / "home"
        venv.create(self.root, with_pip=False, symlinks=True)
        self.python = self.root / "bin" / "python"
        (packages,) = self.root.glob("lib/python*/site-packages")
        (packages / "others.pth").write_text("\n".join(filter(os.path.isdir, other_packages())))
        command = [sys.executable, "-m", "pip", "--python", str(self.python), "install", "--no-deps", "--no-index"]
        subprocess.run([*command, str(wheel)], check=True)

    def run(self, *arguments: object) -> str:
        """What `acetate` prints."""
        environment = {**private_environment(self._home), "PATH": "/usr/bin:/bin"}
        self._home.mkdir(exist_ok=True)
        command = [str(self.root / "bin" / "acetate"), *map(str, arguments)]
        done = subprocess.run(command, env=environment, cwd=self._home, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def files(self) -> dict[str, int]:
        """Of the environment, with the time of their last change."""
        return {str(path): path.stat().st_mtime_ns for path in self.root.rglob("*") if path.is_file()}


def other_packages() -> list[str]:
    """Where this Python finds packages, Acetate's own sources apart."""
    found = [*site.getsitepackages(), *sys.path]
    return [path for path in dict.fromkeys(found) if "site-packages" in path]


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Installed:
    return Installed(tmp_path_factory.mktemp("installed"), wheel)


def test_the_same_sources_make_the_same_bytes(dist: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(REPOSITORY / "resources/dist.py"), str(tmp_path)]
    subprocess.run(command, check=True, env={**os.environ, "TZ": "Asia/Kolkata", "LC_ALL": "C"}, umask=0o077)
    names = sorted(path.name for path in dist.iterdir())
    assert names == [f"acetate-{__version__}{end}" for end in ("-py3-none-any.whl", ".tar.gz", ".zip")]
    assert names == sorted(path.name for path in tmp_path.iterdir())
    assert [name for name in names if (dist / name).read_bytes() != (tmp_path / name).read_bytes()] == []


def test_the_zip_carries_the_wheel(dist: Path, wheel: Path) -> None:
    with zipfile.ZipFile(dist / f"acetate-{__version__}.zip") as archive:
        assert archive.read(f"acetate/engine/{wheel.name}") == wheel.read_bytes()


def test_the_wheel_makes_a_layer_and_leaves_its_folder_alone(installed: Installed, tmp_path: Path) -> None:
    """As in a folder that cannot be written to, which means nothing to root."""
    before = installed.files()
    options = ("--size", "96x96", "--steps", 2, "--seed", 3)
    installed.run("generate", "-p", "a red apple", *options, "-o", tmp_path / "apple.png")
    picture = np.asarray(Image.open(tmp_path / "apple.png"))
    assert picture.shape == (96, 96, 4) and np.ptp(picture[..., 3]) > 0
    assert installed.files() == before


def test_the_wheel_s_resources_are_its_own(installed: Installed) -> None:
    report = json.loads(installed.run("doctor", "--json"))
    assert Path(report["places"]["resources"]).is_relative_to(installed.root)
    assert report["models"]["mini"] == "installed"


def test_the_wheel_installs_the_plugin(installed: Installed, tmp_path: Path) -> None:
    installed.run("install-plugin", "--krita-data", tmp_path)
    plugin = REPOSITORY / "plugin"
    for name in ("pykrita/acetate.desktop", "actions/acetate.action"):
        assert (tmp_path / name).read_bytes() == (plugin / Path(name).name).read_bytes()
    assert (tmp_path / "pykrita/acetate/ui/dock.py").is_file()


@pytest.mark.parametrize("command", [("serve",), ("eval",), ("train",), ("train", "layer")])
def test_every_command_is_there(installed: Installed, command: tuple[str, ...]) -> None:
    assert "Usage" in installed.run(*command, "--help")
