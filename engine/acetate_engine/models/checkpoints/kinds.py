"""Telling what a model file is, from its header alone."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from acetate.protocol.errors import CheckpointError
from acetate_engine.models.checkpoints.folders import inspect_folder
from acetate_engine.models.checkpoints.header import read_header
from acetate_engine.models.checkpoints.info import Family, FileInfo, Kind
from acetate_engine.models.checkpoints.kept import recall, remember, understanding
from acetate_engine.models.checkpoints.parts import Part
from acetate_engine.models.checkpoints.recognise import identify
from acetate_engine.paths import is_folder

__all__ = ["Family", "FileInfo", "Kind", "inspect", "inspected", "require"]

_Stamp = tuple[tuple[int, int, int], ...]
_TELLING = (
    *("config.json", "model_index.json", "unet/config.json", "scheduler/scheduler_config.json"),
    *(part.value for part in Part),
)


def inspect(path: Path) -> FileInfo:
    """What the safetensors file or diffusers folder at `path` is; its header is read again when it has changed.

    Raises:
        CheckpointError: missing, another format, cut short, or not a model at all.
    """
    found = inspected(path)
    if isinstance(found, CheckpointError):
        raise found
    return found


def inspected(path: Path) -> FileInfo | CheckpointError:
    """What a file is, or why it cannot be used: whatever is wrong with one item takes no list with it."""
    return _inspected(path, _stamp(path), understanding())


def _stamp(path: Path) -> _Stamp:
    """Size and time of what tells; a diffusers folder is told by its configuration."""
    named = [path, *(path / name for name in _TELLING)] if is_folder(path) else [path]
    return tuple(_state(each) for each in named)


def _state(path: Path) -> tuple[int, int, int]:
    try:
        state = path.stat()
    except (OSError, ValueError):
        return (0, 0, 0)  # gone meanwhile; reading it says so
    return (state.st_size, state.st_mtime_ns, state.st_ino)


@lru_cache(maxsize=4096)
def _inspected(path: Path, stamp: _Stamp, understood_by: str) -> FileInfo | CheckpointError:
    """Once a process, and as long as a file stays as it is, once for all of them."""
    kept_by = f"{stamp} {understood_by}"
    found = recall(path, kept_by)
    if found is None:
        found = _looked_at(path)
        remember(path, kept_by, found)
    return found


def _looked_at(path: Path) -> FileInfo | CheckpointError:
    try:
        return inspect_folder(path) if is_folder(path) else identify(read_header(path))
    except CheckpointError as error:
        return error
    except Exception as error:  # noqa: BLE001  # of a type that nobody foresaw: still one file's fault alone
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        return CheckpointError(f"{path.name} is unusable, because it cannot be understood ({reason})", "Remove it")


def require(path: Path, kinds: set[Kind], family: Family | None = None) -> FileInfo:
    """`inspect`, and refuse everything but `kinds` of `family` (a file that does not tell its family is let through).

    Raises:
        CheckpointError: as `inspect`, or the file is something else.
    """
    info = inspect(path)
    if info.kind not in kinds or (family and info.family and info.family is not family):
        wanted = " or ".join(sorted(kind.value for kind in kinds)) + (f" ({family.value})" if family else "")
        raise CheckpointError(f"{path.name} is a {info}, but a {wanted} is needed", f"Choose a {wanted}")
    if info.problem:
        raise CheckpointError(f"{path.name} is a {info}", info.problem)
    return info
