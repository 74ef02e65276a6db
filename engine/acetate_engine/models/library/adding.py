"""Files that the painter drops: recognised by their header, then copied or linked onto their shelf."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from acetate.protocol.errors import CheckpointError, FileError
from acetate.protocol.library import Origin
from acetate_engine.models.checkpoints.info import FileInfo, Kind
from acetate_engine.models.checkpoints.kinds import inspect
from acetate_engine.models.families.places import Shelf
from acetate_engine.models.library.origins import check, keep, sha256_of
from acetate_engine.paths import models_dir

SUFFIXES = (".safetensors", ".sft")
_BLOCK = 1 << 20  # bytes
_LAYER_FILES = (
    *(Kind.TRANSPARENT_ENCODER, Kind.TRANSPARENT_DECODER, Kind.SHARING),
    *(Kind.OFFSET_LORA, Kind.OFFSET, Kind.OFFSET_DIFFUSERS),
)
_SHELVES: Mapping[Kind, Shelf] = {
    **dict.fromkeys(_LAYER_FILES, Shelf.LAYERS),
    Kind.BASE: Shelf.CHECKPOINTS,
    Kind.STYLE_LORA: Shelf.LORAS,
    Kind.CONTROLNET: Shelf.CONTROLNET,
    Kind.CONTROLNET_UNION: Shelf.CONTROLNET,
    Kind.IP_ADAPTER: Shelf.IP_ADAPTER,
    Kind.VAE: Shelf.VAE,
    Kind.TEXT_ENCODER: Shelf.TEXT_ENCODERS,
    Kind.EMBEDDING: Shelf.EMBEDDINGS,
}

Advance = Callable[[int], None]


def checked(text: str) -> tuple[Path, Path]:
    """A path out of a request: the file itself, links followed, and where it belongs.

    Raises FileError, CheckpointError: nothing is touched that is not a safetensors file of a known kind.
    """
    source = _real(text)
    if source.suffix.lower() not in SUFFIXES:
        raise FileError(f"{source.name} is no safetensors file", "Choose a .safetensors file: others may run code.")
    info = inspect(source)
    target = models_dir() / _shelf(source, info).value[0] / source.name
    if target.exists() and not target.samefile(source):
        raise FileError(f"there is another {target.name} already", "Rename one of them.")
    return source, target


def link(source: Path, target: Path) -> None:
    """It stays where it is. Raises FileError."""
    if target.exists():
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(source)
    except OSError as error:
        raise FileError(f"{source.name} cannot be linked ({error.strerror})", "Have it copied instead.") from error


def copy(source: Path, target: Path, advance: Advance) -> None:
    """`advance` is told of bytes, and may raise: nothing stays then. Raises FileError, CheckpointError."""
    if target.exists():
        return
    size = source.stat().st_size
    target.parent.mkdir(parents=True, exist_ok=True)
    if size > shutil.disk_usage(target.parent).free:
        raise FileError(f"{source.name} has no room on this disk", "Free some space, or have it linked instead.")
    fresh = target.with_name(f".{target.name}.coming")
    try:
        _copy(source, fresh, advance)
        digest = sha256_of(fresh)
        origin = check(target.name, digest, None, "")
        fresh.replace(target)
        if origin is not Origin.UNVERIFIED:
            keep(target, digest, origin, "")
    except OSError as error:
        raise FileError(f"{source.name} cannot be copied ({error.strerror})", "Check the disk, then again.") from error
    finally:
        fresh.unlink(missing_ok=True)


def _copy(source: Path, fresh: Path, advance: Advance) -> None:
    with source.open("rb") as old, fresh.open("wb") as new:
        while block := old.read(_BLOCK):
            new.write(block)
            advance(len(block))


def _real(text: str) -> Path:
    try:
        path = Path(text)
        if not path.is_absolute():
            raise FileError("the path is not a whole one", "Name the file from the root of the disk on.")
        real = path.resolve(strict=True)
    except (OSError, ValueError, RuntimeError) as error:  # no such file, a NUL, links in a circle
        raise FileError("there is no such file", "Choose one that is there.") from error
    if not real.is_file():
        raise FileError(f"{real.name} is no file", "Choose a .safetensors file.")
    return real


def _shelf(source: Path, info: FileInfo) -> Shelf:
    if info.problem:
        raise CheckpointError(f"{source.name} is a {info}", info.problem)
    if info.kind not in _SHELVES:
        raise CheckpointError(f"{source.name} is a {info}, and has no place here", "Choose another file")
    return _SHELVES[info.kind]
