"""What there is, and what there could be."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from acetate.protocol.codec import is_text
from acetate.protocol.errors import CheckpointError
from acetate.protocol.library import Download, Library, MissingFile, ModelFile
from acetate_engine.models.checkpoints.info import FileInfo
from acetate_engine.models.families.add_ons import list_files
from acetate_engine.models.families.places import Item, scanned_folders
from acetate_engine.models.library.origins import origin_of
from acetate_engine.models.library.published import published
from acetate_engine.models.parts.shelf import all_parts
from acetate_engine.paths import models_dir


def library(downloads: tuple[Download, ...]) -> Library:
    """Every file once; whatever is wrong with one, the others are listed. Blocking."""
    found = [_described(item, what) for item, what in list_files() if is_text(str(item.path))]
    there = {file.name for file in found}
    home = models_dir()
    home.mkdir(parents=True, exist_ok=True)
    folders = tuple(str(folder) for folder in scanned_folders())
    return Library(tuple(found), tuple(_missing(there)), downloads, folders, str(home), shutil.disk_usage(home).free)


def _described(item: Item, what: FileInfo | CheckpointError) -> ModelFile:
    path = item.path
    licence = published()[path.name].licence if path.name in published() else ""
    told = {"licence": licence, "folder": str(path.parent), "size": _size(path)}
    if isinstance(what, CheckpointError):
        return ModelFile(path.name, "", problem=f"{what.detail}. {what.remedy}", **told)  # type: ignore[arg-type]
    return ModelFile(path.name, str(what), origin=origin_of(path), problem=what.problem, **told)  # type: ignore[arg-type]


def _missing(there: set[str]) -> Iterator[MissingFile]:
    for file in published().values():
        if file.name not in there:
            yield MissingFile(file.name, file.repository, file.serves, file.licence, file.size)
    for part in all_parts():
        if not part.is_there:
            yield MissingFile(part.name, part.package, part.serves, part.licence)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:
        return 0  # gone meanwhile
