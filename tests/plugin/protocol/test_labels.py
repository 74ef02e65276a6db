"""What a person calls what the protocol names."""

from __future__ import annotations

from enum import Enum

import pytest

from acetate import language
from acetate.protocol.events import JobState
from acetate.protocol.labels import label_of
from acetate.protocol.requests import ControlKind, ControlMethod, Preset, Scheduler, Task

KINDS: tuple[type[Enum], ...] = (Task, Preset, Scheduler, ControlKind, ControlMethod, JobState)


@pytest.mark.parametrize("kind", KINDS)
def test_every_value_has_a_label_of_its_own(kind: type[Enum]) -> None:
    labels = [label_of(value) for value in kind]
    assert len(set(labels)) == len(labels) and all(labels)
    assert not [label for label in labels if "_" in label]


def test_a_label_within_a_sentence_is_translated_with_it() -> None:
    language.use("de")
    try:
        said = language.translated(f"Dream cannot do “{label_of(Task.BACKGROUND_BEHIND_FOREGROUND)}”")
        assert said == f"Dream kann „{language.tr('Paint behind')}“ nicht"
        assert "Paint" not in said
    finally:
        language.use("en")
