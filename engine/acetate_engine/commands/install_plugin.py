"""`acetate install-plugin`."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

import acetate
from acetate.protocol.connection import write_engine_command
from acetate.protocol.errors import FileError
from acetate.protocol.version import __version__
from acetate_engine.commands.krita_places import Found, kritas
from acetate_engine.paths import krita_dir

KritaData = Annotated[
    Path | None,
    typer.Option("--krita-data", help="Krita's resource folder; the user's own where left out.", file_okay=False),
]


def install_plugin(krita_data: KritaData = None) -> None:
    """Copy the plugin into Krita's folder, and tell it how to start this engine.

    Krita asks for the rest once: Settings, Configure Krita, Python Plugin Manager, Acetate, then restart it.
    """
    found = [] if krita_data else kritas()
    for target, whose in _targets(krita_data, found).items():
        try:
            install_into(target)
            write_engine_command(Path(sys.executable), __version__)
        except OSError as error:
            raise FileError(
                f"{error.filename}: {error.strerror}", "Make it writable, or choose --krita-data."
            ) from error
        typer.echo(f"The plugin is in {target / 'pykrita'}{whose}.")
    typer.echo("In Krita: Settings > Configure Krita > Python Plugin Manager > Acetate; then restart Krita.")
    for each in found:
        if each.packaging.is_sandboxed:
            typer.echo(f"\nKrita of {each.packaging.name} is here, too ({each.resources}). It can start no program")
            typer.echo(
                "outside of its sandbox: import the release zip there, and press “Install engine” in the docker."
            )


def _targets(krita_data: Path | None, found: Sequence[Found]) -> dict[Path, str]:
    """Resource folders, and whose they are for a person. Raises FileError where none is known."""
    if krita_data:
        return {krita_data: ""}
    reached = {
        each.resources: f" (Krita of {each.packaging.name})" for each in found if not each.packaging.is_sandboxed
    }
    if not reached:
        raise FileError(f"where Krita keeps its resources on {sys.platform} is not known", "Name it by --krita-data.")
    return reached


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
