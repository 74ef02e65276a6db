"""Finds the running engine by its connection file, or starts the command that the docker's installer, or
`acetate install-plugin`, has written.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from acetate.client import another_engine, api
from acetate.language import mark
from acetate.protocol.connection import (
    LOOPBACK,
    WHILE_USED,
    Connection,
    EngineCommand,
    connection_file,
    engine_command_file,
    read_engine_command,
    runtime_dir,
    usable_connection,
)
from acetate.protocol.errors import (
    AccessError,
    AcetateError,
    EngineError,
    EngineNotInstalled,
    EngineStartFailed,
    EngineUnreachable,
    MalformedMessage,
)
from acetate.protocol.events import Health
from acetate.protocol.private import open_private, private_folder

GRACE: Final = 3.0  # seconds that an engine has to end when it is told to
HUNG: Final = 8.0  # seconds without an answer after which an engine that lives is ended
END_ENGINE: Final = mark("End the engine (process {pid}) and press Generate: a new one writes a new connection file.")
_WORDS: Final = mark("{what}. Its last words: {last}")
_KILL: Final = getattr(signal, "SIGKILL", signal.SIGTERM)  # Windows has one way only
START: Final = 60.0  # seconds; a cold disk has to bring in the whole environment
POLL: Final = 0.05
WATCH: Final = 0.5  # seconds between two looks whether the engine lives: a death is seen within 2 s
RENEW: Final = 3.0  # seconds between two words that it is used; it believes each for 15
INSTALL = (
    "Press “Install engine” in the docker, or run `acetate install-plugin` in the environment where Acetate is "
    "installed; then press Generate again."
)

# What Krita (an AppImage above all) sets for its own libraries would break another Python.
_DROPPED = ("PYTHON", "LD_", "DYLD_", "QT_", "QML", "KDE", "GST_", "GI_TYPELIB", "GTK_", "GDK_PIXBUF", "VIRTUAL_ENV",
            "CONDA_", "APPDIR", "APPIMAGE", "ARGV0", "OWD")  # fmt: skip


class Launcher:
    """Blocking: call it in threads. One for all of a Krita: it says that this Krita uses the engine.

    An engine that was started by any Krita ends with the last one that uses it.
    """

    def __init__(self, cores: Callable[[], int] = lambda: 0) -> None:
        """`cores`: how many processor cores an engine that is started may use; all where 0."""
        self._cores = cores
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._user = uuid.uuid4().hex
        self._used: Connection | None = None
        self._said = 0.0  # when it was said last that it is used
        self.is_stopped = False

    def connect(self) -> Connection:
        """A connection to an engine that answers, started if none does.

        Raises EngineNotInstalled, EngineStartFailed, VersionMismatch; EngineError after `stop`.
        """
        with self._lock:
            if self.is_stopped:
                raise EngineError("it was stopped, because Krita is closing", "Start Krita again.")
            if address := another_engine.read():
                found = another_engine.connect(address)
                self._use(found)
                return found
            return self._find_or_start()

    def _find_or_start(self) -> Connection:
        """One that is just ending, because nobody has used it, is waited for."""
        deadline = time.monotonic() + START
        while True:
            found = find() or self._start()
            if self._use(found) or time.monotonic() > deadline:
                return found
            time.sleep(POLL)

    def _use(self, connection: Connection) -> bool:
        """Whether it stays; an older one does not ask for it."""
        self._used, self._said = connection, time.monotonic()
        try:
            return not api.use(connection, self._user).ends
        except EngineUnreachable:
            return False  # gone between two calls: another one is started
        except AcetateError:
            return True  # one that answers otherwise is noticed by who watches it

    def end_own(self) -> None:
        """Ends the engine that was started here; the next `connect` starts one again."""
        with self._lock:
            self._terminate()

    def wait_until_gone(self, connection: Connection, hear: Callable[[Health], None] = lambda health: None) -> None:
        """Returns when the engine behind `connection` has died, or stopped answering; `hear` gets what it says."""
        misses = 0
        while misses < 2:  # one miss may be a machine that is busy
            time.sleep(WATCH)
            if self.has_started(connection) and self._has_ended():
                return
            health = _health_of(connection)
            misses = 0 if health else misses + 1
            if health:
                hear(health)
                self._renew(connection)

    def _renew(self, connection: Connection) -> None:
        if time.monotonic() - self._said >= RENEW and not self.is_stopped:
            self._use(connection)

    def stop(self) -> None:
        """For good: this Krita uses no engine any more. One that others use, or that was started by hand, stays."""
        self.is_stopped = True
        if self._leave():
            self._terminate()

    def _leave(self) -> bool:
        """Whether one that was started here is to end; also where it does not answer."""
        if self._used is None:
            return True
        try:
            return api.leave(self._used, self._user).ends
        except AcetateError:
            return True  # it does not answer

    def _terminate(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(GRACE)
            except subprocess.TimeoutExpired:
                self._process.kill()  # it had its time
                self._process.wait()

    def has_started(self, connection: Connection) -> bool:
        """Whether the engine behind `connection` was started here."""
        return self._process is not None and self._process.pid == connection.pid

    def _has_ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def _start(self) -> Connection:
        self._terminate()
        end_hung(usable_connection(connection_file()))
        if found := find():  # it was only slow
            return found
        log = private_folder(runtime_dir()) / "engine.log"
        self._process = _spawn(engine_command().command, log, self._cores())
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
    connection = usable_connection(connection_file())
    return connection if connection and _answers(connection) else None


def _health_of(connection: Connection) -> Health | None:
    """Whatever answers otherwise is not that engine any more."""
    try:
        health = api.health(connection)
    except AcetateError:
        return None  # it counts as missed; two of them bring up another engine
    return health if health.pid == connection.pid else None


def _answers(connection: Connection) -> bool:
    """Whether the engine behind `connection` is up. Raises VersionMismatch where it is of another version."""
    try:
        return api.health(connection).pid == connection.pid
    except (EngineUnreachable, MalformedMessage, AccessError):  # the last two: another program has the port now
        return False


def end_hung(connection: Connection | None) -> None:
    """An engine that lives and does not answer holds the data for ever: it gets its time, and then is ended.

    Raises AccessError where it answers, and has another token than the connection file: the painter's to decide.
    """
    if connection is None:
        return
    deadline = time.monotonic() + HUNG
    while time.monotonic() < deadline:
        if not _is_engine(connection.pid) or _lives(connection):
            return
        time.sleep(WATCH)
    with suppress(OSError):  # it has ended by itself
        os.kill(connection.pid, _KILL)


def _lives(connection: Connection) -> bool:
    """Raises AccessError."""
    try:
        return api.health(connection).pid == connection.pid
    except AccessError as error:
        raise AccessError(error.detail, END_ENGINE.format(pid=connection.pid)) from error
    except AcetateError:
        return False  # it does not answer as ours would: another is started


def _is_engine(pid: int) -> bool:
    """Where the system tells: a number may be another process's by now."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False  # not to be known here, so nothing is killed
    return b"serve" in words and any(b"acetate" in word for word in words)


def engine_command() -> EngineCommand:
    """Raises EngineNotInstalled where `acetate install-plugin` has not written it, or the program is gone."""
    path = engine_command_file()
    try:
        command = read_engine_command()
    except FileNotFoundError:
        raise EngineNotInstalled(f"{path} does not exist, so the plugin cannot start it", INSTALL) from None
    except (OSError, ValueError, RecursionError, MalformedMessage) as error:
        raise EngineNotInstalled(f"{path} cannot be read ({error})", INSTALL) from error
    if not command.command or not Path(command.command[0]).exists():
        raise EngineNotInstalled(f"{path} names {' '.join(command.command) or 'no program'}, which is gone", INSTALL)
    return command


def clean_environment() -> dict[str, str]:
    """Krita's environment without what belongs to Krita's own Python and Qt, or lies in its AppImage; nothing is
    imported from where it runs, and no proxy is asked for this machine.
    """
    image = os.environ.get("APPDIR", "")
    outside = {name: _outside(value, image) for name, value in os.environ.items() if not name.startswith(_DROPPED)}
    kept = {name: value for name, value in outside.items() if value or not os.environ[name]}
    direct = _with_loopback(f"{kept.get('NO_PROXY', '')},{kept.get('no_proxy', '')}")
    return {**kept, "NO_PROXY": direct, "no_proxy": direct, "PYTHONSAFEPATH": "1"}


def _outside(value: str, image: str) -> str:
    """A path, or a list of paths, without those in the folder of the AppImage, which goes with Krita."""
    if not image or image not in value:
        return value
    return os.pathsep.join(path for path in value.split(os.pathsep) if not path.startswith(image))


def _with_loopback(hosts: str) -> str:
    named = [host.strip() for host in hosts.split(",") if host.strip()]
    return ",".join(dict.fromkeys((*named, *LOOPBACK)))


def _spawn(command: tuple[str, ...], log: Path, cores: int) -> subprocess.Popen[bytes]:
    hidden = 0x08000000 if sys.platform == "win32" else 0  # CREATE_NO_WINDOW
    try:
        with open_private(log, "wb") as output:
            return subprocess.Popen(
                command,
                env=clean_environment() | {WHILE_USED: "1"} | ({"OMP_NUM_THREADS": str(cores)} if cores else {}),
                cwd=log.parent,  # of the user alone: what lies in a working folder must never be imported
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                creationflags=hidden,
                start_new_session=True,  # Ctrl+C in Krita's terminal, or its end, is not meant for it
            )
    except OSError as error:
        raise EngineStartFailed(f"{command[0]}: {error}", INSTALL) from error


def _start_failed(what: str, log: Path) -> EngineStartFailed:
    lines = [line.strip() for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    last = " ".join(lines[-3:])[-600:]
    detail = _WORDS.format(what=what, last=last) if last else what
    return EngineStartFailed(detail, f"Read {log}, or start `acetate serve` by hand to see why.")
