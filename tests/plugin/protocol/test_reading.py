"""What of a request counts for its task."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acetate.protocol.geometry import Bounds
from acetate.protocol.reading import fields_read, only_read, value_of
from acetate.protocol.requests import GenerateRequest
from acetate.protocol.tasks import TASKS, Task
from tests.plugin.protocol.strategies import values_of


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_what_counts_stays_and_nothing_else(data: st.DataObject) -> None:
    request = data.draw(values_of(GenerateRequest))
    left, first = only_read(request), GenerateRequest(request.task, request.bounds, seed=0)
    read = fields_read(request)
    for path in read:
        assert value_of(left, path) == value_of(request, path)
    for field in dataclasses.fields(GenerateRequest):
        if field.name not in {path.partition(".")[0] for path in read}:
            assert getattr(left, field.name) == getattr(first, field.name)
    assert fields_read(left) == read and only_read(left) == left


@pytest.mark.parametrize("task", Task)
def test_the_table_names_fields_that_there_are(task: Task) -> None:
    request = GenerateRequest(task, Bounds(0, 0, 9, 9), seed=0)
    for path in (*TASKS[task].reads, *fields_read(request)):
        value_of(request, path)


def test_words_of_a_task_that_fills_count_for_a_model_of_ones_own() -> None:
    request = GenerateRequest(Task.EXPAND, Bounds(0, 0, 9, 9), seed=0, prompt="a wood")
    assert not only_read(request).prompt
    own = dataclasses.replace(request, model="dream")
    assert only_read(own) == own
