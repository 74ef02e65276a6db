"""`acetate install-plugin`."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

import acetate
from acetate.protocol.connection import write_engine_command
from acetate.protocol.errors import FileError
from acetate.protocol.version import __version__
from acetate_engine.paths import krita_dir

KritaData = Annotated[
    Path | None,
    typer.Option("--krita-data", help="Krita's resource folder; the user's own where left out.", file_okay=False),
]


def install_plugin(krita_data: KritaData = None) -> None:
    """Copy the plugin into Krita's folder, and tell it how to start this engine.

    Krita asks for the rest once: Settings, Configure Krita, Python Plugin Manager, Acetate, then restart it.
    """
    target = krita_data or krita_data_dir()
    try:
        install_into(target)
        write_engine_command(Path(sys.executable), __version__)
    except OSError as error:
        raise FileError(f"{error.filename}: {error.strerror}", "Make it writable, or choose --krita-data.") from error
    typer.echo(f"The plugin is in {target / 'pykrita'}.")
    typer.echo("In Krita: Settings > Configure Krita > Python Plugin Manager > Acetate; then restart Krita.")
    for name, folder in {} if krita_data else sandboxed_kritas().items():
        typer.echo(f"\nKrita of {name} is here, too ({folder}). It can start no program outside of its sandbox:")
        typer.echo("import the release zip there, and press “Install engine” in the docker.")


def sandboxed_kritas() -> dict[str, Path]:
    """Where Kritas of this user keep their resources that see their own folders only; an AppImage sees all of them."""
    home = Path.home()
    possible = {
        "Flatpak": (home / ".var/app/org.kde.krita", "data/krita"),
        "Snap": (home / "snap/krita", "current/.local/share/krita"),
    }
    return {name: folder / inner for name, (folder, inner) in possible.items() if folder.is_dir()}


def krita_data_dir() -> Path:
    """Krita's resource folder of this user, by its own rules (QStandardPaths::GenericDataLocation)."""
    if sys.platform == "win32":
        return Path(os.environ["APPDATA"]) / "krita"
    if sys.platform == "darwin":
        return Path.home() / "Library/Application Support/krita"
    named = os.environ.get("XDG_DATA_HOME", "").strip()
    return (Path(named) if named else Path.home() / ".local/share") / "krita"


def install_into(krita_data: Path) -> None:
    """Replaces whatever version of the plugin is there."""
    desktop, actions = krita_dir() / "acetate.desktop", krita_dir() / "acetate.action"
    _replace_folder(Path(acetate.__file__).parent, krita_data / "pykrita" / "acetate")
    _copy(desktop, krita_data / "pykrita" / desktop.name)
    _copy(actions, krita_data / "actions" / actions.name)


def _replace_folder(source: Path, target: Path) -> None:
    """The old folder stays until the new one is whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".acetate-") as scratch:
        fresh, old = Path(scratch) / "fresh", Path(scratch) / "old"
        shutil.copytree(source, fresh, ignore=shutil.ignore_patterns("__pycache__"))
        if target.is_symlink():
            target.unlink()
        elif target.exists():
            target.rename(old)
        fresh.rename(target)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
