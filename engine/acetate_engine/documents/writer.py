"""One way out: the suffix of the path decides the format; a path without one is a folder of PNGs."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from acetate.protocol.errors import FileError
from acetate.protocol.geometry import Bounds
from acetate_engine.compositing.pixels import eight
from acetate_engine.documents.flatten import flatten
from acetate_engine.documents.openraster import write_ora
from acetate_engine.documents.psd_write import write_psd
from acetate_engine.documents.raster import encode_picture
from acetate_engine.documents.tree import Blend, Clip, Layer, LayeredDocument

WRITABLE = ".psd, .psb, .ora, .png, .webp, or a folder"


def write_document(document: LayeredDocument, path: Path) -> None:
    """Whole or not at all. Raises FileError where the format cannot hold a layer, or the path cannot be written."""
    if not path.suffix:
        _write_folder(document, path)
        return
    with replacing(path) as draft:
        _writer(path)(document, draft)


def check_writable(path: Path, reads: Sequence[Path] = ()) -> None:
    """Before the work, rather than after it: raises FileError where the suffix is unknown, nothing can be written
    there, or it is one of the files that are read.
    """
    if path.suffix:
        _writer(path)
    parent = path.absolute().parent
    if not parent.is_dir():
        raise FileError(f"there is no folder {parent}", "Make it, or choose another path.")
    try:
        path.exists()
    except OSError as error:
        raise FileError(f"{path} cannot be written: {error.strerror}", "Choose another path.") from error
    for other in reads:
        if path.exists() and other.exists() and path.samefile(other):
            raise FileError(f"{path} is read for it, and would be lost", "Write to another file.")
    if path.exists() and not (path.is_file() if path.suffix else path.is_dir()):
        raise FileError(f"{path} is there already, and is no {'file' if path.suffix else 'folder'}", "Choose another.")
    with replacing(path, keep=False):
        pass


@contextmanager
def replacing(path: Path, *, keep: bool = True) -> Iterator[Path]:
    """A file beside `path` that takes its place when the block ends well, unless it is only tried."""
    try:
        handle, name = tempfile.mkstemp(dir=path.absolute().parent, prefix=f".{path.stem}-", suffix=path.suffix)
        os.close(handle)
        draft = Path(name)
        try:
            yield draft
            if keep:
                draft.chmod(0o666 & ~_umask())
                draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise FileError(f"{path} cannot be written: {error.strerror}", "Choose another path.") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _writer(path: Path) -> Callable[[LayeredDocument, Path], None]:
    suffix = path.suffix.lower()
    if suffix not in _WRITERS:
        raise FileError(f"{path.name} has a suffix that Acetate does not write", f"Use {WRITABLE}.")
    return _WRITERS[suffix]


def _write_picture(document: LayeredDocument, path: Path) -> None:
    pixels = eight(flatten(document.layers, Bounds.of(document.extent)))
    path.write_bytes(encode_picture(pixels, "WEBP" if path.suffix.lower() == ".webp" else "PNG", document.xmp))


_WRITERS: dict[str, Callable[[LayeredDocument, Path], None]] = {
    ".psd": write_psd,
    ".psb": write_psd,
    ".ora": write_ora,
    ".png": _write_picture,
    ".webp": _write_picture,
}


def _write_folder(document: LayeredDocument, path: Path) -> None:
    """Each top layer as a PNG as large as the canvas, numbered bottom to top, and merged.png."""
    pictures = {f"{index:02}-{_file_name(layer.name)}.png": layer for index, layer in enumerate(document.layers, 1)}
    for layer in pictures.values():
        _check_plain(layer)
    try:
        path.mkdir(exist_ok=True)
        for name, layer in pictures.items():
            pixels = eight(flatten((layer,), Bounds.of(document.extent)))
            (path / name).write_bytes(encode_picture(pixels, xmp=document.xmp))
    except OSError as error:
        raise FileError(f"{path} cannot be written: {error.strerror}", "Choose another path.") from error
    _write_picture(document, path / "merged.png")


def _check_plain(layer: Layer) -> None:
    if layer.blend not in (Blend.NORMAL, Blend.PASS_THROUGH) or layer.clip is not Clip.NONE:
        raise FileError(f"a PNG cannot hold the blend mode of layer {layer.name!r}", "Write a PSD or an ORA.")


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name)[:60].strip("-.") or "layer"
