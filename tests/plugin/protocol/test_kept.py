"""Records that outlive a release: each alone, and what cannot be read unchanged."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acetate.protocol.errors import MalformedMessage
from acetate.protocol.geometry import Bounds
from acetate.protocol.kept import FORM, Unread, amend_list, from_record, read_list, to_record, write_list
from tests.plugin.protocol.strategies import values_of
from tests.plugin.protocol.test_codec import JSON_VALUES

BOUNDS = Bounds(1, 2, 3, 4)


def test_a_record_says_its_form_and_one_without_is_of_the_first() -> None:
    record = to_record(BOUNDS)
    assert record["version"] == FORM
    assert from_record(Bounds, record) == BOUNDS
    assert from_record(Bounds, {"x": 1, "y": 2, "width": 3, "height": 4}) == BOUNDS


@pytest.mark.parametrize("data", [{**to_record(BOUNDS), "version": 2}, {**to_record(BOUNDS), "z": 1}, [], None, "x"])
def test_what_cannot_be_read_is_refused(data: Any) -> None:
    with pytest.raises(MalformedMessage):
        from_record(Bounds, data)


@given(st.lists(values_of(Bounds) | JSON_VALUES, max_size=6))
def test_one_bad_record_takes_no_other_along_and_goes_back_as_it_was(entries: list[Any]) -> None:
    raw = [to_record(entry) if isinstance(entry, Bounds) else entry for entry in entries]
    records = read_list(Bounds, json.dumps({"kept": raw}).encode(), "kept")
    assert records.read == tuple(entry for entry in entries if isinstance(entry, Bounds))
    assert all(unread.reason for unread in records.unread)
    assert json.dumps(json.loads(write_list(records.entries, "kept"))["kept"]) == json.dumps(raw)


def test_what_lies_beside_the_list_goes_back_as_it_was() -> None:
    book = {"version": 3, "mood": {"is": "cheerful"}, "kept": [to_record(BOUNDS), {"later": 1}]}
    records = read_list(Bounds, json.dumps(book).encode(), "kept")
    assert json.loads(write_list(records.entries, "kept", records.beside)) == book


@given(st.binary(min_size=1))
def test_a_text_that_is_no_list_is_kept_byte_for_byte(text: bytes) -> None:
    written = write_list([*read_list(Bounds, text, "kept").entries, BOUNDS], "kept")
    (unread,) = read_list(Bounds, written, "kept").unread
    assert isinstance(unread, Unread)
    assert unread.data.encode("latin-1") == text if isinstance(unread.data, str) else unread.data == json.loads(text)
    assert read_list(Bounds, written, "kept").read == (BOUNDS,)


@given(st.lists(values_of(Bounds) | JSON_VALUES, max_size=6), st.integers(0, 6))
def test_records_are_added_beside_others_that_stay_as_they_are(entries: list[Any], cut: int) -> None:
    raw = [to_record(entry) if isinstance(entry, Bounds) else entry for entry in entries]
    text = json.dumps({"mood": 1, "kept": raw}).encode()
    going = iter(range(len(raw)))
    amended = json.loads(amend_list(text, "kept", lambda _: next(going) >= cut, [BOUNDS]))
    assert amended["mood"] == 1
    assert json.dumps(amended["kept"]) == json.dumps([*raw[cut:], to_record(BOUNDS)])


@given(st.binary(min_size=1))
def test_records_are_added_to_a_text_that_is_no_list(text: bytes) -> None:
    amended = amend_list(text, "kept", lambda _: True, [BOUNDS])
    assert amended == write_list([*read_list(Bounds, text, "kept").entries, BOUNDS], "kept")
