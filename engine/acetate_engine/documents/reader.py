"""One way in: what a file is, is decided by its first bytes, not by its name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from acetate.protocol.errors import FileError
from acetate_engine.documents.archive import opened
from acetate_engine.documents.files import check_file
from acetate_engine.documents.formats import printable
from acetate_engine.documents.kra import read_kra
from acetate_engine.documents.openraster import read_ora
from acetate_engine.documents.psd_read import read_psd
from acetate_engine.documents.raster import read_raster
from acetate_engine.documents.tree import LayeredDocument

READABLE = "PSD, PSB, OpenRaster, Krita, PNG, WebP, JPEG or another picture"


def read_document(path: Path) -> LayeredDocument:
    """Raises FileError, naming the file and the reason, where it is missing, broken, too large, or of another kind."""
    start = _start(path)
    for begins, read in _READERS.items():
        if start.startswith(begins):
            return read(path)
    if not start:
        raise FileError(f"{printable(path.name)} is empty", f"Choose a {READABLE} file.")
    return read_raster(path)


def _start(path: Path) -> bytes:
    check_file(path)
    try:
        with path.open("rb") as file:
            return file.read(8)
    except OSError as error:
        reason = error.strerror
        raise FileError(f"{printable(str(path))} cannot be opened: {reason}", "Check the path.") from error


def _read_archive(path: Path) -> LayeredDocument:
    with opened(path) as archive:
        names = archive.names
    if "maindoc.xml" in names:
        return read_kra(path)
    if "stack.xml" in names:
        return read_ora(path)
    raise FileError(f"{printable(path.name)} is a zip file without a picture", f"Choose a {READABLE} file.")


_READERS: dict[bytes, Callable[[Path], LayeredDocument]] = {  # by the first bytes, eight at most; the rest is Pillow's
    b"8BPS": read_psd,
    b"PK": _read_archive,
}


def is_psd(path: Path) -> bool:
    """Whether its first bytes say so."""
    return _start(path).startswith(b"8BPS")


def starts_as_zip(path: Path) -> bool:
    return _start(path).startswith(b"PK")
