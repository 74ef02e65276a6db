"""Files on this machine's disk as a whole: pictures, and YAML that people write. Quick to import."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

from acetate.protocol.errors import FileError
from acetate_engine.documents.formats import printable

_LARGEST_PICTURE = 1 << 30  # bytes
_LARGEST_YAML = 16 << 20  # bytes


def contents(path: Path, limit: int = _LARGEST_PICTURE) -> bytes:
    """The bytes of a file on disk. Raises FileError where it is something else, or larger than `limit`."""
    check_file(path)
    name = printable(path.name)
    if path.stat().st_size > limit:
        raise FileError(f"{name} is over {limit >> 20} MB", "Use a smaller picture.")
    try:
        return path.read_bytes()
    except MemoryError as error:
        raise FileError(f"{name} does not fit into memory", "Use a smaller one.") from error
    except OSError as error:
        raise FileError(f"{name} cannot be read: {printable(str(error))}", "Save it again in its program.") from error


def check_file(path: Path) -> None:
    """Raises FileError where a path names no file that can be read to its end: a folder, pipe, device or socket."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise FileError(f"{printable(str(path))} cannot be opened: {reason}", "Check the path.") from error
    if not stat.S_ISREG(mode):
        kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
        kind = kinds.get(stat.S_IFMT(mode), "a device")
        raise FileError(f"{printable(str(path))} is {kind}, no file", "Choose a file.")


def read_yaml(path: Path) -> Any:
    """What is in it, of YAML's plain types. Raises FileError, which tells no text of the file."""
    import yaml  # not at once: who reads none need not wait for it

    data = contents(path, _LARGEST_YAML)
    try:
        return yaml.safe_load(data.decode("utf-8-sig"))
    except yaml.YAMLError as error:
        raise _no_yaml(path, _reason(error)) from error
    except (ValueError, RecursionError) as error:
        raise _no_yaml(path, " ".join(str(error).split())[:200]) from error


def _reason(error: Exception) -> str:
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    return (f"line {mark.line + 1}: " if mark else "") + (problem or "it is not written as one")


def _no_yaml(path: Path, reason: str) -> FileError:
    return FileError(f"{printable(path.name)} is no YAML: {printable(reason)}", "Correct it, or name another file.")
