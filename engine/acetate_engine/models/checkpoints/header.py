"""Reading the header of a safetensors file, and nothing else: no torch, no tensor, no memory spent.

Layout: 8 bytes little-endian length, that many bytes of JSON {name: {dtype, shape, data_offsets}}, then the data.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from acetate.protocol.errors import CheckpointError

Shape = tuple[int, ...]

_LENGTH_BYTES = 8
_LARGEST_HEADER = 100_000_000  # bytes, the format's own limit
_PICKLE_SUFFIXES = {".ckpt", ".pt", ".pth", ".bin", ".pkl"}
_REDOWNLOAD = "Download the file again"


@dataclass(frozen=True)
class Header:
    """Names, shapes and dtypes ("F16", "BF16", "F32", ...) of a safetensors file, in the order of the file."""

    path: Path
    shapes: Mapping[str, Shape]
    dtypes: Mapping[str, str]

    @property
    def parameters(self) -> int:
        return sum(_count(shape) for shape in self.shapes.values())


def read_header(path: Path) -> Header:
    """The header of `path`.

    Raises:
        CheckpointError: no such file, a pickle, truncated, or not a safetensors file.
    """
    if not path.is_file():
        raise CheckpointError(f"{path.name} is not there", f"Put it into {path.parent}, or choose another model")
    _refuse_pickle(path)
    entries, data_bytes = _entries(path)
    end = max((int(entry["data_offsets"][1]) for entry in entries.values()), default=0)
    if end > data_bytes:
        raise CheckpointError(f"{path.name} is cut short: {end - data_bytes} bytes are missing", _REDOWNLOAD)
    return Header(
        path,
        {name: tuple(entry["shape"]) for name, entry in entries.items()},
        {name: str(entry["dtype"]) for name, entry in entries.items()},
    )


def _refuse_pickle(path: Path) -> None:
    with path.open("rb") as file:
        start = file.read(_LENGTH_BYTES + 1)
    # a length may begin with the same bytes as a pickle or an archive, so look where the JSON begins, too
    marked = start[:2] == b"PK" or start[:1] == b"\x80"
    if path.suffix.lower() in _PICKLE_SUFFIXES or (marked and start[_LENGTH_BYTES:] != b"{"):
        raise CheckpointError(
            f"{path.name} is a pickle file, which can run code when it is opened",
            "Download the .safetensors version of this model",
        )


def _entries(path: Path) -> tuple[dict[str, dict[str, list[int]]], int]:
    """Header entries without metadata, and the bytes that follow the header."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
        if size < _LENGTH_BYTES or length > _LARGEST_HEADER:
            raise CheckpointError(f"{path.name} is not a safetensors file", f"{_REDOWNLOAD} in the safetensors format")
        if size < _LENGTH_BYTES + length:
            raise CheckpointError(f"{path.name} is cut short: it ends within its header", _REDOWNLOAD)
        text = file.read(length)
    try:
        entries = json.loads(text)
        entries.pop("__metadata__", None)
        complete = all({"dtype", "shape", "data_offsets"} <= entry.keys() for entry in entries.values())
    except (ValueError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{path.name} has no readable safetensors header", _REDOWNLOAD) from error
    if not complete:
        raise CheckpointError(f"{path.name} has an incomplete safetensors header", _REDOWNLOAD)
    return entries, size - _LENGTH_BYTES - length


def _count(shape: Shape) -> int:
    total = 1
    for side in shape:
        total *= side
    return total


def require_shapes(path: Path, found: Mapping[str, Shape], expected: Mapping[str, Shape]) -> None:
    """Compare names and shapes, both ways.

    Raises:
        CheckpointError: a tensor is missing, left over or of another shape; the message names the first of each.
    """
    problems = []
    missing = [name for name in expected if name not in found]
    surplus = [name for name in found if name not in expected]
    if missing:
        problems.append(f"{_some(missing)} missing")
    if surplus:
        problems.append(f"{_some(surplus)} left over")
    for name in [name for name in expected if name in found and tuple(found[name]) != tuple(expected[name])][:1]:
        problems.append(f"{name} is {list(found[name])} instead of {list(expected[name])}")
    if problems:
        raise CheckpointError(
            f"{path.name} does not fit: " + "; ".join(problems), "Choose the file that belongs to this model family"
        )


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{names[0]}{more}"
