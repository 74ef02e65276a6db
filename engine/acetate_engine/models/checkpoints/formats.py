"""Telling from its first bytes what a file is that is no safetensors file, whatever its suffix says."""

from __future__ import annotations

from typing import NamedTuple

START = 64  # bytes of a file that tell
LARGEST_HEADER = 100_000_000  # bytes of a safetensors file's, the format's own limit
_JSON_AT = 8  # where that begins
_ZIP_NAME_AT = 30  # where a ZIP archive's first name begins, behind its length


class Foreign(NamedTuple):
    what: str  # follows the file's name in a sentence
    remedy: str


_SAFETENSORS = "Download the .safetensors version of this model"
_PICKLE = Foreign("is a pickle file, which can run code when it is opened", _SAFETENSORS)
_ZIP = Foreign("is a ZIP archive", "Unpack it, and put what is inside there")
_ONNX = Foreign("is an ONNX file, which is not read here", _SAFETENSORS)
_TEXT = Foreign(
    "is not a safetensors file: it is a text that was saved in its place",
    "Read what it says; where it asks you to sign in, do, and download the model again",
)
_MODELS: tuple[tuple[bytes, Foreign], ...] = (
    (b"GGUF", Foreign("is a GGUF file, which is not read here", _SAFETENSORS)),
    (b"ggml", Foreign("is a GGML file, which is not read here", _SAFETENSORS)),
    (b"\x89HDF", Foreign("is an HDF5 file, which is not read here", _SAFETENSORS)),
    (b"7z\xbc\xaf", Foreign("is a 7z archive", "Unpack it, and put what is inside there")),
    (b"Rar!", Foreign("is a RAR archive", "Unpack it, and put what is inside there")),
    (b"\x1f\x8b", Foreign("is a gzip archive", "Unpack it, and put what is inside there")),
    (b"BZh", Foreign("is a bzip2 archive", "Unpack it, and put what is inside there")),
    (b"\xfd7zXZ", Foreign("is an XZ archive", "Unpack it, and put what is inside there")),
    (b"\x28\xb5\x2f\xfd", Foreign("is a Zstandard archive", "Unpack it, and put what is inside there")),
    (b"ftrt", Foreign("is a TensorRT engine, which is not read here", _SAFETENSORS)),
)
_OTHERS: tuple[tuple[bytes, Foreign], ...] = (
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
    if start[:2] == b"PK":
        return _ZIP if _holds_no_pickle(start) else _PICKLE
    if start[:1] == b"\x80":
        return _PICKLE
    found = next((foreign for magic, foreign in (*_MODELS, *_OTHERS) if start.lstrip().startswith(magic)), None)
    return found or (_ONNX if _is_onnx(start) else _TEXT if _is_text(start) else None)


def _is_onnx(start: bytes) -> bool:
    """Its version, and behind it the name of what wrote it, as protocol buffers."""
    return start[:1] == b"\x08" and start[2:3] == b"\x12" and start[4 : 4 + start[3]].isalnum()


def _is_text(start: bytes) -> bool:
    try:
        return start.decode("ascii").replace("\n", " ").replace("\r", " ").replace("\t", " ").isprintable()
    except UnicodeDecodeError:
        return False  # what is asked


def _holds_no_pickle(start: bytes) -> bool:
    """torch writes ZIP archives, with `data.pkl` first; a name that is too long to be seen may be that."""
    end = _ZIP_NAME_AT + int.from_bytes(start[26:28], "little")
    name = start[_ZIP_NAME_AT:end]
    return bool(name) and end <= len(start) and not name.endswith((b".pkl", b"/version", b"/byteorder"))


def is_model(start: bytes) -> bool:
    """Whether a file that begins with these bytes is one of a model, or an archive that may hold one."""
    if start[_JSON_AT : _JSON_AT + 1] == b"{":
        return int.from_bytes(start[:_JSON_AT], "little") <= LARGEST_HEADER
    packed = start[:2] == b"PK" or start[:2] in (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
    return packed or any(start.startswith(magic) for magic, _ in _MODELS)
