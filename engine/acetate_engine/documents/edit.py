"""New layers into an existing document: all else in it stays as it is, byte for byte."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from acetate.protocol.errors import FileError
from acetate_engine.documents import archive_edit, psd_edit
from acetate_engine.documents.archive import opened
from acetate_engine.documents.formats import printable
from acetate_engine.documents.reader import is_psd, starts_as_zip
from acetate_engine.documents.tree import Layer

_SUFFIXES = {"psd": (".psd", ".psb"), "kra": (".kra",), "ora": (".ora",)}


def insert_layers(
    source: Path, target: Path, layers: Sequence[Layer], *, above: str | None = None, below: str | None = None
) -> tuple[str, ...]:
    """`layers` (bottom to top) above or below a layer or group of `source`, on top where None; the result in `target`.

    Returns what the preview leaves out of other layers (effects, adjustments). Raises FileError, which names `source`.
    """
    kind = kind_of(source)
    if source.exists() and target.exists() and source.samefile(target):
        raise FileError(f"{target} is the document itself", "Write to another file.")
    insert = psd_edit.insert_layers if kind == "psd" else archive_edit.insert_layers
    try:
        return insert(source, target, layers, above=above, below=below)
    except FileError as error:
        if target.name not in error.detail:
            raise
        raise FileError(error.detail.replace(target.name, printable(source.name)), error.remedy) from error


def check_insertion(source: Path, target: Path) -> None:
    """Raises FileError where `target` would be a document of another kind than `source`, or `source` is of none."""
    suffixes = _SUFFIXES[kind_of(source)]
    if target.suffix.lower() not in suffixes:
        names = f"{printable(source.name)} → {printable(target.name)}"
        raise FileError(f"{names} are documents of two kinds", f"Write to a {suffixes[0]} file.")


def kind_of(source: Path) -> str:
    """psd, kra or ora. Raises FileError where layers cannot be inserted into it."""
    if is_psd(source):
        return "psd"
    if starts_as_zip(source):
        with opened(source) as archive:
            for kind, member in (("kra", "maindoc.xml"), ("ora", "stack.xml")):
                if member in archive.names:
                    return kind
    raise FileError(f"{printable(source.name)} is not PSD, Krita or OpenRaster", "Use `acetate generate` for pictures.")
