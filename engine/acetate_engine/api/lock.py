"""One engine a data directory. The lock is the operating system's: it ends with the process that holds it."""

from __future__ import annotations

import stat
import sys
import time
from pathlib import Path
from typing import IO

from acetate.client.launcher import find
from acetate.protocol.connection import connection_file, usable_connection
from acetate.protocol.errors import AcetateError, EngineAlreadyRunning
from acetate.protocol.private import open_private, private_folder

_ENDING = 8.0  # seconds that an engine may take to end, its worker included


def lock_data_dir(data_dir: Path) -> IO[bytes]:
    """Holds the directory, which is the user's alone from now on, as long as the file is open.

    Raises EngineAlreadyRunning, EngineStartFailed where another user owns it.
    """
    was_open = data_dir.exists() and bool(stat.S_IMODE(data_dir.stat().st_mode) & 0o077)
    path = private_folder(data_dir) / "engine.lock"
    file = _locked(path)
    if file is None and was_open and not _runs():
        path.unlink()  # another user could open it until now, and holds it
        file = _locked(path)
    end = time.monotonic() + _ENDING
    while file is None and _is_ending() and time.monotonic() < end:
        time.sleep(0.1)
        file = _locked(path)
    if file is None:
        raise EngineAlreadyRunning(_who_runs(data_dir), "Use that one, or end it first.")
    return file


def _locked(path: Path) -> IO[bytes] | None:
    file = open_private(path, "ab")
    try:
        _lock(file)
    except OSError:
        file.close()  # another engine holds it, which is what is asked
        return None
    return file


def _lock(file: IO[bytes]) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _is_ending() -> bool:
    """Whether the engine has taken its connection file away; one that has just begun comes to the same in the end."""
    return usable_connection(connection_file()) is None


def _runs() -> bool:
    """Whether an engine of this user answers, of whatever version."""
    try:
        return find() is not None
    except AcetateError:
        return True  # one that answers with an error, or with another version, answers


def _who_runs(data_dir: Path) -> str:
    connection = usable_connection(connection_file())
    where = f" as process {connection.pid} at {connection.url}" if connection else ""
    return f"it holds {data_dir}{where}"
