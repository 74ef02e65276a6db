"""Reading the header of a safetensors file, and nothing else: no torch, no tensor, no memory spent.

Layout: 8 bytes little-endian length, that many bytes of JSON {name: {dtype, shape, data_offsets}}, then the data, each
tensor where the one before it ends. All of it is checked before anything is believed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from acetate.protocol.errors import CheckpointError
from acetate_engine.models.checkpoints.formats import LARGEST_HEADER, START, foreign_format

Shape = tuple[int, ...]

_LENGTH_BYTES = 8
_LARGEST_SIDE = 2**48
_MOST_SIDES = 8
_REDOWNLOAD = "Download the file again"
_BITS = {
    "BOOL": 8,
    "U8": 8,
    "I8": 8,
    "I16": 16,
    "U16": 16,
    "I32": 32,
    "U32": 32,
    "I64": 64,
    "U64": 64,
    "F16": 16,
    "BF16": 16,
    "F32": 32,
    "F64": 64,
    "C64": 64,
    "F8_E4M3": 8,
    "F8_E5M2": 8,
    "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8,
    "F8_E5M2FNUZ": 8,
    "F4": 4,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
}


@dataclass(frozen=True)
class Header:
    """Names, shapes and dtypes ("F16", "BF16", "F32", ...) of a safetensors file, in the order of the file.

    `metadata`: what trainers and converters wrote about it, text by text.
    """

    path: Path
    shapes: Mapping[str, Shape]
    dtypes: Mapping[str, str]
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def parameters(self) -> int:
        return sum(math.prod(shape) for shape in self.shapes.values())


class _Entry(NamedTuple):
    name: str
    dtype: str
    shape: Shape
    begin: int  # bytes from the start of the data
    end: int


def read_header(path: Path) -> Header:
    """The header of `path`.

    Raises:
        CheckpointError: no such file, another format, cut short, or a header that contradicts itself or the file.
    """
    _require_file(path)
    try:
        text, data_bytes = _read(path)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise CheckpointError(f"{path.name} cannot be opened: {reason}", "Look at its permissions") from error
    raw = _parsed(path, text)
    metadata = raw.pop("__metadata__", None)
    entries = [_entry(path, name, value) for name, value in raw.items()]
    _require_layout(path, entries, data_bytes)
    return Header(
        path,
        {entry.name: entry.shape for entry in entries},
        {entry.name: entry.dtype for entry in entries},
        _texts(path, metadata),
    )


def _require_file(path: Path) -> None:
    try:
        if path.is_file():
            return
        dangling, there = path.is_symlink() and not path.exists(), path.exists()
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path.name} cannot be opened: {error}", "Look at its permissions") from error
    if dangling:
        raise CheckpointError(f"{path.name} is a link whose target is gone", "Remove the link, or mend it")
    if there:
        raise CheckpointError(f"{path.name} is not a file", "Choose a .safetensors file")
    raise CheckpointError(f"{path.name} is not there", f"Put it into {path.parent}, or choose another model")


def _read(path: Path) -> tuple[bytes, int]:
    """The JSON of the header, and the bytes that follow it."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(START)
        if reason := foreign_format(start):
            raise CheckpointError(f"{path.name} {reason.what}", reason.remedy)
        length = int.from_bytes(start[:_LENGTH_BYTES], "little")
        if size < _LENGTH_BYTES or length > LARGEST_HEADER:
            raise CheckpointError(f"{path.name} is not a safetensors file", f"{_REDOWNLOAD} in the safetensors format")
        if size < _LENGTH_BYTES + length:
            raise CheckpointError(f"{path.name} is cut short: it ends within its header", _REDOWNLOAD)
        file.seek(_LENGTH_BYTES)
        return file.read(length), size - _LENGTH_BYTES - length


def _parsed(path: Path, text: bytes) -> dict[str, Any]:
    try:
        raw = json.loads(
            text,
            object_pairs_hook=_without_duplicates,
            parse_constant=_no_number,
            parse_int=lambda number: int(_in_range(number)),
            parse_float=lambda number: float(_in_range(number)),
        )
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path.name} has no readable safetensors header", _REDOWNLOAD) from error
    if not isinstance(raw, dict):
        raise CheckpointError(f"{path.name} has no readable safetensors header", _REDOWNLOAD)
    return raw


def _in_range(number: str) -> str:
    """The format's own library refuses a number that no double can hold, wherever it stands."""
    if not math.isfinite(float(number)):
        raise ValueError("a number is out of range")
    return number


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands there twice")
    return found


def _entry(path: Path, name: str, value: Any) -> _Entry:
    """One tensor's row, every field checked."""
    try:
        dtype, shape, (begin, end) = value["dtype"], tuple(value["shape"]), value["data_offsets"]
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path.name} has an incomplete safetensors header at {name[:80]}", _REDOWNLOAD
        ) from error
    if not isinstance(dtype, str) or dtype not in _BITS:
        remedy = "Download it in 16 bits"
        raise CheckpointError(f"{path.name} has values of an unknown type, {str(dtype)[:20]}, in {name[:80]}", remedy)
    numbers = (*shape, begin, end)
    whole = all(isinstance(number, int) and not isinstance(number, bool) for number in numbers)
    if not whole or not all(0 <= number < _LARGEST_SIDE for number in numbers) or len(shape) > _MOST_SIDES:
        raise CheckpointError(f"{path.name} has a damaged safetensors header: {name[:80]} has no shape", _REDOWNLOAD)
    if (end - begin) * 8 != math.prod(shape) * _BITS[dtype]:
        detail = f"{path.name} has a damaged safetensors header: {name[:80]} has other bytes than its shape"
        raise CheckpointError(detail, _REDOWNLOAD)
    return _Entry(name, dtype, shape, begin, end)


def _require_layout(path: Path, entries: list[_Entry], data_bytes: int) -> None:
    """Each tensor begins where the one before it ends, and the file ends with the last."""
    reached = 0
    for entry in sorted(entries, key=lambda entry: (entry.begin, entry.end)):
        if entry.begin != reached:
            what = "overlap" if entry.begin < reached else "have a gap"
            detail = f"{path.name} has a damaged safetensors header: its tensors {what} at {entry.name[:80]}"
            raise CheckpointError(detail, _REDOWNLOAD)
        reached = entry.end
    if reached > data_bytes:
        raise CheckpointError(f"{path.name} is cut short: {reached - data_bytes} bytes are missing", _REDOWNLOAD)
    if reached < data_bytes:
        detail = f"{path.name} is damaged: {data_bytes - reached} bytes follow its last tensor"
        raise CheckpointError(detail, _REDOWNLOAD)


def _texts(path: Path, metadata: Any) -> dict[str, str]:
    rows = {} if metadata is None else metadata
    if not isinstance(rows, dict) or not all(isinstance(text, str) for text in rows.values()):
        raise CheckpointError(f"{path.name} has a damaged safetensors header: its metadata are no texts", _REDOWNLOAD)
    return rows


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no JSON")


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
