"""Frozen dataclasses ↔ JSON objects, checked field by field; an error names the path of what is wrong."""

from __future__ import annotations

import dataclasses
import types
from enum import Enum
from functools import cache
from math import isfinite
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from acetate.protocol.errors import Json, JsonValue, MalformedMessage

T = TypeVar("T")

_PLAIN = {str, int, float, bool, type(None)}
_SCALARS = {str: "a string", int: "a whole number", float: "a number", bool: "true or false"}


def to_json(value: object) -> Json:
    """The JSON object of a dataclass instance. Enums become their values, tuples lists."""
    return cast(Json, _encode(value))


def from_json(kind: type[T], data: JsonValue, path: str = "$") -> T:
    """The dataclass `kind` read from `data`; absent fields take their defaults.

    Raises MalformedMessage where a field is missing, unknown or of another type; nothing is coerced
    except a whole number where a float is wanted.
    """
    return cast(T, _decode(kind, data, path))


def from_answer(kind: type[T], data: JsonValue) -> T:
    """As from_json, without the fields that only a newer release knows: what it adds to an answer breaks nobody.

    What is asked for is never read so: a field that is not understood would be a wish that is not granted.
    """
    return from_json(kind, cast(JsonValue, _known(kind, data)))


def _known(kind: Any, data: Any) -> object:
    """`data` without what `kind` has no field for, all the way down."""
    if get_origin(kind) in (Union, types.UnionType):
        return _known(next(option for option in get_args(kind) if option is not type(None)), data)
    if get_origin(kind) is tuple and isinstance(data, list):
        return [_known(get_args(kind)[0], item) for item in data]
    if dataclasses.is_dataclass(kind) and isinstance(data, dict):
        hints = _hints(cast(type, kind))
        return {name: _known(hints[name], value) for name, value in data.items() if name in hints}
    return data


def _encode(value: object) -> JsonValue:
    if type(value) in _PLAIN:  # most are; lists of jobs have thousands of them
        return cast(JsonValue, value)
    if isinstance(value, Enum):
        return cast(JsonValue, value.value)
    if dataclasses.is_dataclass(value):
        return {name: _encode(getattr(value, name)) for name in _fields(cast(type, type(value)))}
    if isinstance(value, tuple):
        return [_encode(item) for item in value]
    return cast(JsonValue, value)


@cache
def _fields(kind: type) -> dict[str, dataclasses.Field[Any]]:
    return {field.name: field for field in dataclasses.fields(kind)}


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _decode(kind: Any, data: Any, path: str) -> object:
    if kind in _SCALARS:
        return _decode_scalar(kind, data, path)
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _decode_optional(kind, data, path)
    if origin is tuple:
        return _decode_tuple(get_args(kind)[0], data, path)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _decode_enum(kind, data, path)
    assert dataclasses.is_dataclass(kind), f"messages have no {kind}"
    return _decode_dataclass(cast(type, kind), data, path)


def _decode_optional(kind: Any, data: Any, path: str) -> object:
    if data is None:
        return None
    (inner,) = [option for option in get_args(kind) if option is not type(None)]
    return _decode(inner, data, path)


def _decode_tuple(inner: Any, data: Any, path: str) -> object:
    if not isinstance(data, list):
        raise _malformed(path, "a list", data)
    return tuple(_decode(inner, item, f"{path}[{index}]") for index, item in enumerate(data))


def _decode_enum(kind: type[Enum], data: Any, path: str) -> object:
    try:
        return kind(data)
    except ValueError:
        raise _malformed(path, "one of " + ", ".join(str(member.value) for member in kind), data) from None


def _decode_dataclass(kind: type, data: Any, path: str) -> object:
    if not isinstance(data, dict):
        raise _malformed(path, "an object", data)
    fields = _fields(kind)
    for name in data:
        if name not in fields:
            raise MalformedMessage(f"{path} has an unknown field {str(name)[:60]!r}", "Leave it out.")
    missing = [name for name, field in fields.items() if name not in data and _is_required(field)]
    if missing:
        raise MalformedMessage(f"{path} lacks the field {missing[0]!r}", "Send every required field.")
    hints = _hints(kind)
    values = {name: _decode(hints[name], value, f"{path}.{name}") for name, value in data.items()}
    try:
        return kind(**values)
    except ValueError as error:
        raise MalformedMessage(f"{path}: {error}", "Correct the value.") from error


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _decode_scalar(kind: Any, data: Any, path: str) -> object:
    if kind is float and isinstance(data, int) and not isinstance(data, bool):
        return _to_float(data, path)
    if not isinstance(data, kind) or (isinstance(data, bool) and kind is not bool):
        raise _malformed(path, _SCALARS[kind], data)
    if isinstance(data, str) and not is_text(data):
        raise MalformedMessage(f"{path} has half a surrogate pair in it", "Send Unicode text.")
    if isinstance(data, float) and not isfinite(data):  # JSON has no such numbers, though Python reads and writes them
        raise _malformed(path, "a number", data)
    return data


def _to_float(data: int, path: str) -> float:
    try:
        return float(data)
    except OverflowError:
        raise MalformedMessage(f"{path} is too large", "Correct the field.") from None


def is_text(data: str) -> bool:
    """Whether it is Unicode. JSON escapes can spell half a surrogate pair, which no file, tokenizer or socket takes."""
    try:
        data.encode()
    except UnicodeEncodeError:
        return False  # that is the answer
    return True


def _malformed(path: str, wanted: str, data: object) -> MalformedMessage:
    return MalformedMessage(f"{path} should be {wanted}, and is {str(data)[:60]!r}", "Correct the field.")
