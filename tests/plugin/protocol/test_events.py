"""Events as SSE data."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acetate.protocol.errors import AcetateError, MalformedMessage, OutOfMemory, WorkerDied
from acetate.protocol.events import (
    Cancelled,
    Done,
    Event,
    Failed,
    JobState,
    Problem,
    Progress,
    decode_event,
    encode_event,
    event_name,
    final_state,
)
from tests.plugin.protocol.strategies import values_of


@pytest.mark.parametrize("kind", get_args(Event), ids=lambda kind: kind.__name__)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_round_trip_in_one_line(kind: type, data: st.DataObject) -> None:
    event = data.draw(values_of(kind))
    text = encode_event(event)
    assert "\n" not in text and "\r" not in text
    assert decode_event(event_name(event), text) == event


@pytest.mark.parametrize("name, text", [("sung", "{}"), ("progress", "{"), ("progress", "[]"), ("queued", "{}")])
def test_what_is_no_event_is_malformed(name: str, text: str) -> None:
    with pytest.raises(MalformedMessage):
        decode_event(name, text)


def test_what_ends_a_job() -> None:
    problem = Problem.of(WorkerDied("a", "b"))
    ends = [final_state(event) for event in (Done(()), Failed(problem), Cancelled(), Progress(1, 2, "denoise"))]
    assert ends == [JobState.DONE, JobState.FAILED, JobState.CANCELLED, None]
    assert [state for state in JobState if state.is_final] == ends[:3]


def test_a_problem_becomes_its_error_again() -> None:
    error = Problem.of(OutOfMemory("8 GiB were wanted", "Choose a smaller region.")).to_error()
    assert type(error) is OutOfMemory
    assert (error.detail, error.remedy) == ("8 GiB were wanted", "Choose a smaller region.")
    newer = AcetateError.from_problem({"code": "of-a-newer-release", "detail": "x", "remedy": "y"})
    assert type(newer) is AcetateError and newer.detail == "x"


def test_progress_as_a_fraction() -> None:
    assert [Progress(0, 0, "loading").fraction, Progress(1, 4, "denoise").fraction] == [0.0, 0.25]
