"""ComfyUI's extra_model_paths.yaml: where else models lie, by kind. Torch-free.

A section a program: `base_path`, and under the name of each kind one folder a line, relative to that; a relative
base path, and folders of a section without one, are so to the file. `~` and environment variables may stand in it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from acetate.protocol.errors import FileError
from acetate_engine.documents.files import read_yaml

NAME = "extra_model_paths.yaml"
SUFFIXES = {".yaml", ".yml"}

Folders = Mapping[str, tuple[Path, ...]]
"""By the kind that the file calls them, in lower case."""


def folders_of(file: Path) -> Folders:
    """None where the file is not there.

    Raises:
        FileError: it cannot be read; the message says why.
    """
    try:
        state = file.stat()
    except FileNotFoundError:
        return {}  # most have none
    except (OSError, ValueError) as error:
        raise _unreadable(file, " ".join(str(error).split())[:200]) from error
    try:
        return _folders(file, state.st_size, state.st_mtime_ns)
    except FileError as error:
        raise _unreadable(file, error.detail) from error


def _unreadable(file: Path, reason: str) -> FileError:
    return FileError(f"{file} cannot be read: {reason}", "Mend it, or name its folders one by one")


@lru_cache(maxsize=64)
def _folders(file: Path, size: int, modified: int) -> Folders:
    """Size and time make a changed file another. Raises FileError."""
    parsed = read_yaml(file)
    found: dict[str, tuple[Path, ...]] = {}
    for section in parsed.values() if isinstance(parsed, dict) else []:
        for kind, folder in _section(section, file.parent):
            found[kind] = (*found.get(kind, ()), folder)
    return found


def _section(section: Any, beside: Path) -> Iterator[tuple[str, Path]]:
    if not isinstance(section, dict):
        return
    named = section.get("base_path")
    base = beside / _expanded(str(named) if isinstance(named, str | int) else "")  # a list may hold others without end
    for kind, lines in section.items():
        if isinstance(kind, str) and isinstance(lines, str) and kind != "base_path":
            for line in filter(None, map(str.strip, lines.splitlines())):
                yield kind.lower(), Path(os.path.normpath(base / _expanded(line)))


def _expanded(text: str) -> str:
    return os.path.expandvars(os.path.expanduser(text))  # noqa: PTH111  # Path has no expandvars
