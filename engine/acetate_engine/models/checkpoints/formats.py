"""Telling from its first bytes what a file is that is no safetensors file, whatever its suffix says."""

from __future__ import annotations

from typing import NamedTuple

_JSON_AT = 8  # where a safetensors file's header begins


class Foreign(NamedTuple):
    what: str  # follows the file's name in a sentence
    remedy: str


_SAFETENSORS = "Download the .safetensors version of this model"
_PICKLE = Foreign("is a pickle file, which can run code when it is opened", _SAFETENSORS)
_KNOWN: tuple[tuple[bytes, Foreign], ...] = (
    (b"GGUF", Foreign("is a GGUF file, which is not read here", _SAFETENSORS)),
    (b"ggml", Foreign("is a GGML file, which is not read here", _SAFETENSORS)),
    (b"\x89HDF", Foreign("is an HDF5 file, which is not read here", _SAFETENSORS)),
    (b"7z\xbc\xaf", Foreign("is a 7z archive", "Unpack it, and put what is inside there")),
    (b"Rar!", Foreign("is a RAR archive", "Unpack it, and put what is inside there")),
    (b"\x1f\x8b", Foreign("is a gzip archive", "Unpack it, and put what is inside there")),
    (b"\x89PNG", Foreign("is a picture", "Choose the model that it belongs to")),
    (b"\xff\xd8\xff", Foreign("is a picture", "Choose the model that it belongs to")),
    (
        b"version https://git-lfs",
        Foreign(
            "is not a safetensors file: it only points to one (Git LFS)",
            "Run `git lfs pull`, or download the file itself",
        ),
    ),
    (
        b"<",
        Foreign(
            "is not a safetensors file: it is a web page that was saved in its place",
            "Sign in where the model is published, and download it again",
        ),
    ),
)


def foreign_format(start: bytes) -> Foreign | None:
    """What the file that begins with these bytes is; None where it may be a safetensors file.

    The length of a header may begin with the same bytes as another format, so where JSON begins behind it, it is one.
    """
    if start[_JSON_AT : _JSON_AT + 1] == b"{":
        return None
    if not start:
        return Foreign("is not a safetensors file: it is empty", "Download it again")
    if start[:2] == b"PK" or start[:1] == b"\x80":
        return _PICKLE
    return next((foreign for magic, foreign in _KNOWN if start.lstrip().startswith(magic)), None)
