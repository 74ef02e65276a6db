"""How a plugin finds a running engine: a user-only file in the runtime directory, the way Jupyter does it.

The directories follow the rules of platformdirs for the name "acetate" (a test holds them equal), because
Krita's Python has only the standard library.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import stat
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from acetate.protocol.codec import from_answer, to_json
from acetate.protocol.errors import MalformedMessage
from acetate.protocol.paths import as_file_name
from acetate.protocol.private import open_private, private_folder
from acetate.protocol.whole import write_whole

APP = "acetate"
WHILE_USED = "ACETATE_WHILE_USED"  # an engine in whose environment it is 1 ends with the last program that uses it
KEEP_ALIVE = 5  # seconds that the engine leaves a connection open on which nothing is asked
LOOPBACK = ("127.0.0.1", "localhost", "::1")
TOKEN = re.compile(r"[!-~]{1,1000}")
_LARGEST = 1 << 16  # bytes of a connection file
_DELETE = "Delete it and start the engine again."


@dataclass(frozen=True)
class Connection:
    """Where the engine listens, and the token it wants as `Authorization: Bearer …`."""

    host: str
    port: int
    token: str
    pid: int
    version: str
    protocol: int

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"


def runtime_dir() -> Path:
    """Holds the connection file."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData/Local")) / "Temp" / APP / APP
    if sys.platform == "darwin":
        return Path.home() / "Library/Caches/TemporaryItems" / APP
    return _linux_runtime_dir()


def _linux_runtime_dir() -> Path:
    """One difference to platformdirs: XDG_RUNTIME_DIR is believed even where others can read it; `APP` is 0700."""
    named = Path(os.environ.get("XDG_RUNTIME_DIR", ""))
    if named.is_absolute():
        return named / APP
    usual = Path(f"/run/user/{os.geteuid()}")
    if _is_private(usual):
        return usual / APP
    return Path(tempfile.gettempdir()) / f"runtime-{os.geteuid()}" / APP


def _is_private(folder: Path) -> bool:
    try:
        found = folder.lstat()
    except OSError:
        return False  # what cannot be looked at is not known to be private
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and found.st_mode & 0o777 == 0o700


def config_dir() -> Path:
    """Holds `engine.json`, which `acetate install-plugin` writes: the command that starts the engine."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData/Local")) / APP / APP
    if sys.platform == "darwin":
        return Path.home() / "Library/Application Support" / APP
    named = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    return (named if named.is_absolute() else Path.home() / ".config") / APP


def data_dir() -> Path:
    """Jobs, images, models; `engine` in it is where the docker installs the engine."""
    if sys.platform in ("win32", "darwin"):
        return config_dir()  # platformdirs has one place for both there
    named = Path(os.environ.get("XDG_DATA_HOME", ""))
    return (named if named.is_absolute() else Path.home() / ".local/share") / APP


def connection_file() -> Path:
    return runtime_dir() / "connection.json"


def write_connection(path: Path, connection: Connection) -> None:
    """Atomically, readable by the user only (0600 in a 0700 folder): the token is a secret. Synced to the disk."""
    folder = private_folder(path.parent)
    handle, name = tempfile.mkstemp(dir=folder, prefix=".connection-")  # mkstemp creates 0600
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(to_json(connection), file)
        file.flush()
        os.fsync(file.fileno())
    if path.is_dir() and not path.is_symlink():  # no file can take its place
        path.rename(path.with_name(f"{path.name}.folder-{os.getpid()}"))
    Path(name).replace(path)


def read_connection(path: Path) -> Connection | None:
    """None where there is no file. Raises MalformedMessage where it is not one, or another user wrote it."""
    try:
        with open_private(path, "rb") as file:
            text = file.read(_LARGEST + 1)
    except FileNotFoundError:
        return None  # no engine has written it
    except OSError as error:
        raise MalformedMessage(f"{path} cannot be read: {error.strerror}", _DELETE) from error
    if len(text) > _LARGEST:
        raise MalformedMessage(f"{path} is too large", _DELETE)
    try:
        return _checked(from_answer(Connection, json.loads(text)))
    except (ValueError, RecursionError) as error:
        raise MalformedMessage(f"{path} is not JSON: {error}", _DELETE) from error
    except MalformedMessage as error:
        raise MalformedMessage(f"{path} is no connection: {error.detail}", _DELETE) from error


def _checked(connection: Connection) -> Connection:
    """Raises MalformedMessage on what no engine writes: sockets and headers would stumble over it, each in its way."""
    fits = {
        "host": connection.host in LOOPBACK,
        "port": 0 < connection.port < 1 << 16,
        "pid": 0 < connection.pid < 1 << 32,
        "token": TOKEN.fullmatch(connection.token) is not None,
    }
    for name, does in fits.items():
        if not does:
            raise MalformedMessage(f"its {name} is none", _DELETE)
    return connection


def usable_connection(path: Path) -> Connection | None:
    """As read_connection; whatever cannot be read counts as none."""
    try:
        return read_connection(path)
    except MalformedMessage:
        return None  # as the docstring says; another engine writes it anew


def proof_of(token: str, challenge: str) -> str:
    """What an engine answers to a challenge: it has the token, and does not tell it (HMAC-SHA256, RFC 2104)."""
    return hmac.new(token.encode(), f"acetate {challenge}".encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class EngineCommand:
    """`engine.json` in the config directory: how the plugin starts the engine on this machine."""

    command: tuple[str, ...]  # program and arguments, e.g. python -P -m acetate_engine serve
    version: str


def engine_command_file() -> Path:
    return config_dir() / "engine.json"


def read_engine_command() -> EngineCommand:
    """Raises OSError, ValueError, RecursionError, MalformedMessage."""
    written = from_answer(EngineCommand, json.loads(engine_command_file().read_text(encoding="utf-8")))
    return replace(written, command=tuple(map(as_file_name, written.command)))


def write_engine_command(python: Path, version: str) -> EngineCommand:
    """What the plugin runs from now on: the engine of this version, in the environment of this Python."""
    command = EngineCommand((str(python), "-P", "-m", "acetate_engine", "serve"), version)
    write_whole(engine_command_file(), (json.dumps(to_json(command), indent=2) + "\n").encode())
    return command
