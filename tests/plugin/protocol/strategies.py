"""Hypothesis strategies for every dataclass of the protocol."""

from __future__ import annotations

import dataclasses
from enum import Enum
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from acetate.protocol.geometry import Bounds, Extent

_SIDE = st.integers(0, 2**24)
_COORDINATE = st.integers(-(2**24), 2**24)
_SCALARS: dict[type, st.SearchStrategy[Any]] = {
    str: st.text(),
    int: st.integers(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    Extent: st.builds(Extent, _SIDE, _SIDE),
    Bounds: st.builds(Bounds, _COORDINATE, _COORDINATE, _SIDE, _SIDE),
}


@cache
def values_of(kind: Any) -> st.SearchStrategy[Any]:
    """Any value of a field's type."""
    if kind in _SCALARS:
        return _SCALARS[kind]
    if get_origin(kind) in (Union, UnionType):
        return st.one_of(*(st.none() if option is type(None) else values_of(option) for option in get_args(kind)))
    if get_origin(kind) is tuple:
        return st.lists(values_of(get_args(kind)[0]), max_size=2).map(tuple)
    if issubclass(kind, Enum):
        return st.sampled_from(kind)
    hints = get_type_hints(kind)
    return st.builds(kind, **{field.name: values_of(hints[field.name]) for field in dataclasses.fields(kind)})
