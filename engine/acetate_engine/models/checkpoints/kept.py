"""What model files are, kept between processes: a disk takes seconds to find the headers of a large collection.

A row a file, by its path, valid as long as the file has the same size and time, and is understood by the same code.
It is a cache: whatever goes wrong with it, headers are read again.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import fields
from functools import lru_cache
from pathlib import Path

from acetate.protocol.codec import from_json, to_json
from acetate.protocol.errors import AcetateError, CheckpointError
from acetate_engine.models.checkpoints.info import Family, FileInfo, Kind
from acetate_engine.models.checkpoints.parts import Part
from acetate_engine.models.checkpoints.sampling import Sampling
from acetate_engine.paths import cache_dir, resources_dir

_FILE = "headers.sqlite"
_MOST_ROWS = 20_000  # files come and go; then it begins anew
_PATIENCE = 1.0  # seconds, for another process that writes
_TABLE = "CREATE TABLE IF NOT EXISTS files (path BLOB PRIMARY KEY, stamp TEXT NOT NULL, told TEXT NOT NULL)"


def recall(path: Path, stamp: str) -> FileInfo | CheckpointError | None:
    """What was found out about a file of this stamp; None where nothing is kept, or it cannot be read."""
    try:
        with _open() as table:
            row = table.execute("SELECT told FROM files WHERE path = ? AND stamp = ?", (_key(path), stamp)).fetchone()
        return None if row is None else _read(path, row[0])
    except (OSError, sqlite3.Error, ValueError, KeyError, TypeError, AcetateError):
        return None  # only kept to save time: the file itself is read


def remember(path: Path, stamp: str, what: FileInfo | CheckpointError) -> None:
    """But for an error of the disk, which another time need not be there."""
    if isinstance(what, CheckpointError) and isinstance(what.__cause__, OSError):
        return
    try:
        with _open() as table:
            if table.execute("SELECT count(*) FROM files").fetchone()[0] >= _MOST_ROWS:
                table.execute("DELETE FROM files")
            table.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", (_key(path), stamp, _written(what)))
    except sqlite3.DatabaseError as error:
        if not isinstance(error, sqlite3.OperationalError):  # not one that is locked or full, but one that is broken
            (cache_dir() / _FILE).unlink(missing_ok=True)
    except (OSError, ValueError, TypeError):
        return  # only kept to save time: it is read again next time


@contextmanager
def _open() -> Iterator[sqlite3.Connection]:
    path = cache_dir() / _FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, timeout=_PATIENCE)) as connection, connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(_TABLE)
        yield connection


def _key(path: Path) -> bytes:
    return os.fsencode(path.absolute())


def _written(what: FileInfo | CheckpointError) -> str:
    if isinstance(what, CheckpointError):
        return json.dumps([what.detail, what.remedy])
    row = {field.name: getattr(what, field.name) for field in fields(what) if field.name != "path"}
    row |= {"kind": what.kind.name, "family": what.family.name if what.family else None}
    row |= {"parts": sorted(part.value for part in what.parts), "sampling": to_json(what.sampling)}
    return json.dumps(row)


def _read(path: Path, text: str) -> FileInfo | CheckpointError:
    row = json.loads(text)
    if isinstance(row, list):
        return CheckpointError(*row)
    row |= {"kind": Kind[row["kind"]], "family": Family[row["family"]] if row["family"] else None}
    row |= {"parts": frozenset(map(Part, row["parts"])), "sampling": from_json(Sampling, row["sampling"])}
    return FileInfo(path, **row)


def understanding() -> str:
    """Another where the code that tells files apart, or what it compares them with, is another."""
    return _understanding(resources_dir())


@lru_cache(maxsize=4)
def _understanding(resources: Path) -> str:
    files = [*Path(__file__).parent.glob("*.py"), *(resources / "configs").glob("*/unet/config.json")]
    return f"{resources} {max(file.stat().st_mtime_ns for file in files)} {len(files)}"
