"""`acetate install-plugin`."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import acetate
from acetate.protocol.codec import from_json
from acetate.protocol.connection import EngineCommand
from acetate.protocol.version import __version__
from acetate_engine import cli

SOURCE = Path(acetate.__file__).parent


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.fixture
def krita(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this user's Krita looks."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "data" / "krita"


def install(*options: str) -> str:
    """What is said."""
    result = CliRunner().invoke(cli.app, ["install-plugin", *options])
    assert result.exit_code == 0, result.output
    return result.output


def test_everything_is_where_krita_looks_for_it(krita: Path, tmp_path: Path) -> None:
    install()
    assert contents(krita / "pykrita" / "acetate") == contents(SOURCE)
    assert "X-KDE-Library=acetate" in (krita / "pykrita" / "acetate.desktop").read_text()
    assert (krita / "actions" / "acetate.action").read_bytes() == (SOURCE.parent / "acetate.action").read_bytes()
    command = from_json(EngineCommand, json.loads((tmp_path / "config" / "acetate" / "engine.json").read_text()))
    assert command == EngineCommand((sys.executable, "-P", "-m", "acetate_engine", "serve"), __version__)


def test_an_older_version_is_replaced_whole(krita: Path) -> None:
    old = krita / "pykrita" / "acetate"
    (old / "ui").mkdir(parents=True)
    (old / "ui" / "gone_today.py").write_text("")
    other = krita / "pykrita" / "another_plugin.desktop"
    other.write_text("mine")
    for _ in range(2):
        install()
        assert contents(old) == contents(SOURCE)
    assert other.read_text() == "mine"
    assert not [path for path in old.parent.iterdir() if path.name.startswith(".")]


def test_a_developers_link_is_replaced_and_what_it_led_to_stays(krita: Path, tmp_path: Path) -> None:
    (tmp_path / "checkout").mkdir()
    (tmp_path / "checkout" / "file").write_text("mine")
    (krita / "pykrita").mkdir(parents=True)
    (krita / "pykrita" / "acetate").symlink_to(tmp_path / "checkout")
    install()
    assert not (krita / "pykrita" / "acetate").is_symlink()
    assert (tmp_path / "checkout" / "file").read_text() == "mine"


def test_another_folder_may_be_named(krita: Path, tmp_path: Path) -> None:
    install("--krita-data", str(tmp_path / "flatpak"))
    assert (tmp_path / "flatpak" / "pykrita" / "acetate" / "__init__.py").is_file()
    assert not krita.exists()


def test_kritas_in_sandboxes_are_found_and_told_apart(
    krita: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They cannot start the engine of this environment: nothing is put there that would not work."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "is here, too" not in install()
    flatpak, snap = tmp_path / ".var/app/org.kde.krita", tmp_path / "snap/krita"
    flatpak.mkdir(parents=True)
    snap.mkdir(parents=True)
    said = install()
    assert f"Krita of Flatpak is here, too ({flatpak}/data/krita)" in said
    assert f"Krita of Snap is here, too ({snap}/current/.local/share/krita)" in said
    assert "Install engine" in said
    assert not list(flatpak.iterdir()) and not list(snap.iterdir())


def test_a_folder_that_cannot_be_written_is_named(krita: Path, tmp_path: Path) -> None:
    krita.parent.mkdir(parents=True)
    krita.write_text("a file where a folder should be")
    result = CliRunner().invoke(cli.app, ["install-plugin"])
    assert result.exit_code == 1
    assert str(krita) in result.output and "--krita-data" in result.output


def test_what_is_copied_can_be_read_by_krita_s_python() -> None:
    for name, source in contents(SOURCE).items():
        if name.endswith(".py"):
            ast.parse(source, name, feature_version=(3, 10))
