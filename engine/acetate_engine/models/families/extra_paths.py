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
        return _folders(file, state.st_size, state.st_mtime_ns)
    except FileNotFoundError:
        return {}  # most have none
    except (OSError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise FileError(f"{file} cannot be read: {reason}", "Mend it, or name its folders one by one") from error


@lru_cache(maxsize=64)
def _folders(file: Path, size: int, modified: int) -> Folders:
    """Size and time make a changed file another."""
    import yaml  # where there is such a file at all

    try:
        parsed = yaml.safe_load(file.read_text(encoding="utf-8-sig"))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)  # the file's own text is told to nobody
        where = f"line {mark.line + 1}: " if mark else ""
        raise ValueError(where + (getattr(error, "problem", None) or "it is no YAML")) from error
    found: dict[str, tuple[Path, ...]] = {}
    for section in parsed.values() if isinstance(parsed, dict) else []:
        for kind, folder in _section(section, file.parent):
            found[kind] = (*found.get(kind, ()), folder)
    return found


def _section(section: Any, beside: Path) -> Iterator[tuple[str, Path]]:
    if not isinstance(section, dict):
        return
    base = beside / _expanded(str(section.get("base_path") or ""))
    for kind, lines in section.items():
        if isinstance(kind, str) and isinstance(lines, str) and kind != "base_path":
            for line in filter(None, map(str.strip, lines.splitlines())):
                yield kind.lower(), Path(os.path.normpath(base / _expanded(line)))


def _expanded(text: str) -> str:
    return os.path.expandvars(os.path.expanduser(text))  # noqa: PTH111  # Path has no expandvars
