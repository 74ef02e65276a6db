"""The engine that the docker installed: where it lies, what state it is in, and how it is removed. Quick; no Qt."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from acetate.language import mark
from acetate.protocol.connection import data_dir, engine_command_file, read_engine_command
from acetate.protocol.errors import InstallationFailed, MalformedMessage
from acetate.protocol.version import __version__

LOCK: Final = "engine.lock"


class State(str, Enum):
    """Of the engine on this machine. The values are for the painter."""

    ABSENT = mark("Acetate needs an engine, which makes the pictures on your own machine.")
    OLDER = mark("The engine is of another version than this plugin.")
    BROKEN = mark("The engine that was installed is not whole.")
    READY = mark("The engine is installed.")


@dataclass(frozen=True)
class Release:
    """What travels with the plugin: the engine's wheel and the lock of what it stands on."""

    folder: Path

    @staticmethod
    def carried() -> Release:
        """That of the zip from which the plugin was imported."""
        return Release(Path(__file__).parents[1] / "engine")

    @property
    def wheel(self) -> Path:
        """Raises InstallationFailed where there is none, or more than one."""
        found = list(self.folder.glob("acetate-*.whl"))
        if len(found) != 1:
            raise InstallationFailed(
                f"{self.folder} holds {len(found)} wheels of the engine",
                "Import the release zip again: Tools > Scripts > Import Python Plugin from File.",
            )
        return found[0]

    @property
    def lock(self) -> Path:
        return self.folder / LOCK

    @property
    def is_there(self) -> bool:
        return self.lock.is_file() and any(self.folder.glob("acetate-*.whl"))


def engine_folder() -> Path:
    """All that is installed here; nothing of the painter's is in it."""
    return data_dir() / "engine"


def environment_python() -> Path:
    scripts = "Scripts/python.exe" if sys.platform == "win32" else "bin/python"
    return engine_folder() / "environment" / scripts


def state() -> State:
    """By the file that names the engine's command. Quick: nothing is started."""
    try:
        command = read_engine_command()
    except FileNotFoundError:
        return State.BROKEN if environment_python().parent.exists() else State.ABSENT  # the state is what is told
    except (OSError, ValueError, RecursionError, MalformedMessage):
        return State.BROKEN  # the state is what is told, and repair the remedy
    if not command.command or not Path(command.command[0]).exists():
        return State.BROKEN
    return State.READY if command.version == __version__ else State.OLDER


def is_ours() -> bool:
    """Whether the engine was installed from here, so that it may be removed from here."""
    return engine_folder().exists()


def uninstall() -> None:
    """Environment, cache and log; models, jobs and pictures stay. Raises InstallationFailed."""
    command = engine_command_file()
    try:
        if command.exists() and str(engine_folder()) in command.read_text(encoding="utf-8"):
            command.unlink()
        if engine_folder().exists():
            shutil.rmtree(engine_folder())
    except OSError as error:
        raise InstallationFailed(
            f"{error.filename or engine_folder()} cannot be removed ({error.strerror})",
            "Close other Kritas, end the engine, and try again.",
        ) from error
