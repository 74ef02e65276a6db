"""One engine a data directory. The lock is the operating system's: it ends with the process that holds it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import IO

from acetate.protocol.connection import connection_file, read_connection
from acetate.protocol.errors import EngineAlreadyRunning, MalformedMessage


def lock_data_dir(data_dir: Path) -> IO[bytes]:
    """Holds the directory as long as the file is open. Raises EngineAlreadyRunning."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = (data_dir / "engine.lock").open("ab")
    try:
        _lock(file)
    except OSError:
        file.close()
        raise EngineAlreadyRunning(_who_runs(data_dir), "Use that one, or end it first.") from None
    return file


def _lock(file: IO[bytes]) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _who_runs(data_dir: Path) -> str:
    try:
        connection = read_connection(connection_file())
    except MalformedMessage:
        connection = None
    where = f" as process {connection.pid} at {connection.url}" if connection else ""
    return f"it holds {data_dir}{where}"
