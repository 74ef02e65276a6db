"""What is kept from one release to the next: a job's request, how a layer was made, settings, stacks.

A record is a JSON object that says which form it has (`version`), and is decoded alone. One that cannot be read (its
form is newer, a field is unknown, the bytes are broken) stays exactly as it is, and is named; the others are as good
as ever. Adding a field with a default, or a value of an enum, does not need a new form; what an older release would
misunderstand does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from acetate.protocol.codec import from_json, to_json
from acetate.protocol.errors import Json, JsonValue, MalformedMessage

T = TypeVar("T")

FORM = 1  # of the records that this release writes; those without a number have it, too
_VERSION = "version"
_NOTHING: Mapping[str, JsonValue] = MappingProxyType({})


@dataclass(frozen=True)
class Unread:
    """A record that this release cannot read."""

    data: Any  # JSON, as it was found; goes back to where it was
    reason: str  # for a person


@dataclass(frozen=True)
class Records(Generic[T]):
    """A list of records, in the order in which they are kept."""

    entries: tuple[T | Unread, ...] = ()
    beside: Mapping[str, JsonValue] = field(default_factory=dict)  # what the kept object holds besides the list

    @property
    def read(self) -> tuple[T, ...]:
        return tuple(entry for entry in self.entries if not isinstance(entry, Unread))

    @property
    def unread(self) -> tuple[Unread, ...]:
        return tuple(entry for entry in self.entries if isinstance(entry, Unread))


def to_record(value: object) -> Json:
    return {_VERSION: FORM, **to_json(value)}


def from_record(kind: type[T], data: JsonValue) -> T:
    """Raises MalformedMessage where this release cannot read it."""
    if not isinstance(data, dict):
        raise MalformedMessage(f"the record is {str(data)[:60]!r} and no object", "It is kept as it is.")
    version = data.get(_VERSION, FORM)
    if version != FORM:
        raise MalformedMessage(
            f"the record has the form {str(version)[:20]}, and this Acetate knows the form {FORM}", "Update Acetate."
        )
    return from_json(kind, {name: value for name, value in data.items() if name != _VERSION})


def read_record(kind: type[T], data: JsonValue) -> T | Unread:
    try:
        return from_record(kind, data)
    except MalformedMessage as error:
        return Unread(data, error.detail)


def read_field(kind: Any, data: JsonValue, name: str) -> Any:
    """A value, or Unread; `kind` is None where this release has no field of that name."""
    if kind is None:
        return Unread(data, f"{name[:60]} is not known")
    try:
        return from_json(kind, data, name)
    except MalformedMessage as error:
        return Unread(data, error.detail)


def read_text(text: str | bytes) -> JsonValue:
    """Raises MalformedMessage where it is not JSON."""
    try:
        value: JsonValue = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MalformedMessage(f"it is not JSON: {error}", "It is kept as it is.") from error
    return value


def read_list(kind: type[T], text: bytes, name: str) -> Records[T]:
    """The records under `name` of a kept object; none where there is no text.

    A text that is no such object is one record that cannot be read.
    """
    found, beside = _opened(text, name)
    return Records(tuple(it if isinstance(it, Unread) else read_record(kind, it) for it in found), beside)


def amend_list(text: bytes, name: str, is_kept: Callable[[JsonValue], bool], new: Iterable[object]) -> bytes:
    """`text` with the records for which `is_kept`, as they are, and the new ones behind them.

    None of the old ones is decoded: they may be many.
    """
    found, beside = _opened(text, name)
    kept = [it if isinstance(it, Unread) else Unread(it, "") for it in found]
    return write_list([*(it for it in kept if is_kept(it.data)), *new], name, beside)


def _opened(text: bytes, name: str) -> tuple[list[JsonValue | Unread], Mapping[str, JsonValue]]:
    """The records, and what lies beside them."""
    if not text:
        return [], _NOTHING
    try:
        book = read_text(text)
    except MalformedMessage as error:
        return [Unread(text.decode("latin-1"), error.detail)], _NOTHING
    found = book.get(name) if isinstance(book, dict) else None
    if not isinstance(book, dict) or not isinstance(found, list):
        return [Unread(book, f"it is no list of {name}")], _NOTHING
    return [*found], {key: value for key, value in book.items() if key != name}


def write_list(entries: Iterable[object], name: str, beside: Mapping[str, JsonValue] = _NOTHING) -> bytes:
    """What `read_list` reads; what could not be read goes back unchanged, and what was found beside the list."""
    records = [entry.data if isinstance(entry, Unread) else to_record(entry) for entry in entries]
    return json.dumps({_VERSION: FORM, **beside, name: records}, separators=(",", ":")).encode()
