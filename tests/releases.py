"""What earlier releases have kept (tests/references/releases), and what a later one may."""

from __future__ import annotations

import json
import sqlite3
import tempfile
import time
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "references" / "releases"
RELEASES = sorted(folder for folder in FOLDER.iterdir() if (folder / "home.zip").exists())

Json = Any


def unpack_home(release: Path, root: Path) -> None:
    """Data, runtime and config folders of that release in `root`, as an EngineProcess has them; jobs are of today.

    Otherwise the engine would sweep them away, a month after they were made.
    """
    with zipfile.ZipFile(release / "home.zip") as archive, tempfile.TemporaryDirectory(dir=root.parent) as folder:
        archive.extractall(folder)
        (Path(folder) / "home").rename(root)
    with closing(sqlite3.connect(root / "data" / "acetate" / "jobs.sqlite")) as database, database:
        database.execute("UPDATE jobs SET created = ?", (time.time(),))


def annotation(document: Path, kind: str) -> bytes:
    """Of a .kra file, e.g. acetate/stacks."""
    with zipfile.ZipFile(document) as archive:
        return archive.read(_entry(archive, kind))


def with_annotation(document: Path, kind: str, change: Callable[[Json], Json], target: Path) -> None:
    """A copy of the .kra file in which what is kept under `kind` is changed."""
    with zipfile.ZipFile(document) as source, zipfile.ZipFile(target, "w") as copy:
        changed = _entry(source, kind)
        for entry in source.infolist():
            data = source.read(entry)
            copy.writestr(entry, json.dumps(change(json.loads(data))).encode() if entry.filename == changed else data)


def _entry(archive: zipfile.ZipFile, kind: str) -> str:
    (found,) = [name for name in archive.namelist() if name.endswith(f"/annotations/{kind}")]
    return found


def recipes_of_the_future(book: Json) -> Json:
    """The first recipe has a field that nobody knows; behind it come an unknown task and a form of a later release."""
    first, *others = book["kept"]
    first["recipe"]["mood"] = "cheerful"
    unknown = {"layer": "{unknown}", "recipe": {"request": {**first["recipe"]["request"], "task": "a task of later"}}}
    later = {"version": 2, "layer": "{later}", "made": {"by": "somebody else"}}
    return {**book, "kept": [first, unknown, later, "no record at all", *others]}


def stacks_of_the_future(book: Json) -> Json:
    (*others, last) = book["versions"]
    return {**book, "versions": [*others, {"version": 9, "layers": []}, {**last, "tempo": 3}, last]}


def settings_of_the_future(settings: Json) -> Json:
    return {**settings, "version": 4, "task": "a task of later", "mood": {"is": "cheerful"}}
