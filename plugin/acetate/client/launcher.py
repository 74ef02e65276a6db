"""Finds the running engine by its connection file, or starts the command that `acetate install-plugin` wrote."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Final

from acetate.client import api
from acetate.protocol.codec import from_answer
from acetate.protocol.connection import (
    Connection,
    EngineCommand,
    connection_file,
    engine_command_file,
    read_connection,
    runtime_dir,
)
from acetate.protocol.errors import (
    AcetateError,
    EngineError,
    EngineNotInstalled,
    EngineStartFailed,
    EngineUnreachable,
    MalformedMessage,
)

START: Final = 60.0  # seconds; a cold disk has to bring in the whole environment
POLL: Final = 0.05
WATCH: Final = 0.5  # seconds between two looks whether the engine lives: a death is seen within 2 s
INSTALL = "Run `acetate install-plugin` in the environment where Acetate is installed, then press Generate again."

# What Krita (an AppImage above all) sets for its own libraries would break another Python.
_DROPPED = ("PYTHON", "LD_LIBRARY_PATH", "LD_PRELOAD", "QT_", "QML", "VIRTUAL_ENV", "APPDIR", "APPIMAGE")


class Launcher:
    """Blocking: call it in threads. Owns the process it has started, and stops that one only."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self.is_stopped = False

    def connect(self) -> Connection:
        """A connection to an engine that answers, started if none does.

        Raises EngineNotInstalled, EngineStartFailed, VersionMismatch; EngineError after `stop`.
        """
        with self._lock:
            if self.is_stopped:
                raise EngineError("it was stopped, because Krita is closing", "Start Krita again.")
            return find() or self._start()

    def wait_until_gone(self, connection: Connection) -> None:
        """Returns when the engine behind `connection` has died, or stopped answering."""
        misses = 0
        while misses < 2:  # one miss may be a machine that is busy
            time.sleep(WATCH)
            if self.has_started(connection) and self._has_ended():
                return
            misses = 0 if _is_there(connection) else misses + 1

    def stop(self) -> None:
        """Asks the engine that was started here to end, for good; one that ran before stays."""
        self.is_stopped = True
        self._terminate()

    def _terminate(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.terminate()

    def has_started(self, connection: Connection) -> bool:
        """Whether the engine behind `connection` was started here."""
        return self._process is not None and self._process.pid == connection.pid

    def _has_ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def _start(self) -> Connection:
        self._terminate()
        log = runtime_dir() / "engine.log"
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._process = _spawn(engine_command().command, log)
        deadline = time.monotonic() + START
        while time.monotonic() < deadline:
            if found := find():
                return found
            if self.is_stopped:
                self._terminate()
            if self._process.poll() is not None:
                raise _start_failed(f"it ended with status {self._process.returncode}", log)
            time.sleep(POLL)
        self._terminate()
        raise _start_failed(f"it did not answer within {START:.0f} s", log)


def find() -> Connection | None:
    """The running engine; None where there is no connection file, or nothing answers there any more."""
    connection = read_connection(connection_file())
    return connection if connection and _answers(connection) else None


def _is_there(connection: Connection) -> bool:
    """Whatever answers otherwise is not that engine any more."""
    try:
        return _answers(connection)
    except AcetateError:
        return False


def _answers(connection: Connection) -> bool:
    """Whether the engine behind `connection` is up. Raises VersionMismatch where it is of another version."""
    try:
        return api.health(connection).pid == connection.pid
    except (EngineUnreachable, MalformedMessage):  # MalformedMessage: another program has the port now
        return False


def engine_command() -> EngineCommand:
    """Raises EngineNotInstalled where `acetate install-plugin` has not written it, or the program is gone."""
    path = engine_command_file()
    try:
        command = from_answer(EngineCommand, json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise EngineNotInstalled(f"{path} does not exist, so the plugin cannot start it", INSTALL) from None
    except (ValueError, MalformedMessage) as error:
        raise EngineNotInstalled(f"{path} cannot be read ({error})", INSTALL) from error
    if not command.command or not Path(command.command[0]).exists():
        raise EngineNotInstalled(f"{path} names {' '.join(command.command) or 'no program'}, which is gone", INSTALL)
    return command


def clean_environment() -> dict[str, str]:
    """Krita's environment without what belongs to Krita's own Python and Qt."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_DROPPED)}


def _spawn(command: tuple[str, ...], log: Path) -> subprocess.Popen[bytes]:
    hidden = 0x08000000 if sys.platform == "win32" else 0  # CREATE_NO_WINDOW
    try:
        with log.open("wb") as output:
            return subprocess.Popen(
                command,
                env=clean_environment(),
                cwd=Path.home(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                creationflags=hidden,
            )
    except OSError as error:
        raise EngineStartFailed(f"{command[0]}: {error}", INSTALL) from error


def _start_failed(what: str, log: Path) -> EngineStartFailed:
    lines = [line.strip() for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    last = f" Its last words: {' '.join(lines[-3:])[-600:]}" if lines else ""
    return EngineStartFailed(f"{what}.{last}", f"Read {log}, or start `acetate serve` by hand to see why.")
