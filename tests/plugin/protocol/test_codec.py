"""Every dataclass ↔ JSON, and what is refused."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import json
import pkgutil
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import acetate.protocol
from acetate.protocol.codec import from_json, to_json
from acetate.protocol.errors import MalformedMessage
from acetate.protocol.geometry import Bounds
from acetate.protocol.kept import Records, Unread
from acetate.protocol.pixels import PixelBuffer
from acetate.protocol.requests import GenerateRequest, Preset, Task
from tests.plugin.protocol.strategies import values_of


def dataclasses_of_the_protocol() -> list[type]:
    modules = [
        importlib.import_module(f"acetate.protocol.{info.name}")
        for info in pkgutil.iter_modules(acetate.protocol.__path__)
    ]
    found = {kind for module in modules for _, kind in inspect.getmembers(module, dataclasses.is_dataclass)}
    apart = {PixelBuffer, Unread, Records}  # pixels travel as bodies; the others hold what is no message
    return sorted(found - apart, key=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", dataclasses_of_the_protocol(), ids=lambda kind: kind.__name__)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_round_trip_through_bytes(kind: type, data: st.DataObject) -> None:
    value = data.draw(values_of(kind))
    again = from_json(kind, json.loads(json.dumps(to_json(value)).encode()))
    assert again == value
    assert {f.name: type(getattr(again, f.name)) for f in dataclasses.fields(kind)} == {
        f.name: type(getattr(value, f.name)) for f in dataclasses.fields(kind)
    }


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(JSON_VALUES)
def test_any_other_json_is_malformed_never_a_crash(data: Any) -> None:
    with pytest.raises(MalformedMessage):
        from_json(GenerateRequest, data)


@given(st.sampled_from([field.name for field in dataclasses.fields(GenerateRequest)]), JSON_VALUES)
def test_a_broken_field_is_named_or_taken(name: str, value: Any) -> None:
    good = to_json(GenerateRequest(Task.FOREGROUND, Bounds(0, 0, 1, 1), 0))
    try:
        from_json(GenerateRequest, {**good, name: value})
    except MalformedMessage as error:
        assert f"$.{name}" in error.detail


def test_absent_fields_take_their_defaults() -> None:
    bounds = {"x": 0, "y": 0, "width": 1, "height": 1}
    request = from_json(GenerateRequest, {"task": "foreground", "bounds": bounds, "seed": 3})
    assert request == GenerateRequest(Task.FOREGROUND, Bounds(0, 0, 1, 1), 3)
    assert request.preset is Preset.DRAFT


@pytest.mark.parametrize(
    "data, detail",
    [
        ({"x": 0, "y": 0, "width": 1}, "lacks the field 'height'"),
        ({"x": 0, "y": 0, "width": 1, "height": 1, "depth": 1}, "unknown field 'depth'"),
        ({"x": 0, "y": 0, "width": 1, "height": True}, "$.height"),
        ({"x": 0, "y": 0, "width": 1, "height": 1.0}, "$.height"),
        ({"x": 0, "y": 0, "width": 1, "height": "1"}, "$.height"),
        ({"x": 0, "y": 0, "width": 1, "height": -1}, "negative"),
        ([], "$ should be an object"),
    ],
)
def test_nothing_is_coerced(data: Any, detail: str) -> None:
    with pytest.raises(MalformedMessage) as caught:
        from_json(Bounds, data)
    assert detail in caught.value.detail


def test_whole_numbers_become_floats_where_floats_are_wanted() -> None:
    good = to_json(GenerateRequest(Task.FOREGROUND, Bounds(0, 0, 1, 1), 0))
    strength = from_json(GenerateRequest, {**good, "strength": 1}).strength
    assert (strength, type(strength)) == (1.0, float)
    with pytest.raises(MalformedMessage, match="too large"):
        from_json(GenerateRequest, {**good, "strength": 10**400})


def test_text_that_no_socket_takes_is_malformed() -> None:
    good = to_json(GenerateRequest(Task.FOREGROUND, Bounds(0, 0, 1, 1), 0))
    with pytest.raises(MalformedMessage, match="surrogate"):
        from_json(GenerateRequest, {**good, "prompt": json.loads('"\\ud83e"')})
