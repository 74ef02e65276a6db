"""Documents of earlier releases, and of a later one: settings and stacks. (Recipes need Krita: tests/krita.)"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from acetate.protocol.kept import read_list
from acetate.protocol.requests import Task
from acetate.session.settings import DECLARED, KeptSettings, Settings
from acetate.session.stack import Stack
from tests.releases import RELEASES, annotation, settings_of_the_future, stacks_of_the_future

every_release = pytest.mark.parametrize("release", RELEASES, ids=lambda folder: folder.name)


@every_release
def test_its_settings_are_all_read(release: Path) -> None:
    kept = KeptSettings.read(annotation(release / "document.kra", "acetate/settings"))
    settings = Settings()
    settings.take(kept.values)
    assert (kept.reasons, kept.unread) == ((), {})
    assert settings.prompt.value == "a green pear"
    assert (settings.task.value, settings.seed.value) == (Task.FOREGROUND_ON_BACKGROUND, 5)


@every_release
def test_its_stacks_are_all_read(release: Path) -> None:
    stacks = read_list(Stack, annotation(release / "document.kra", "acetate/stacks"), "versions")
    assert not stacks.unread
    assert [entry.prompt for entry in stacks.read[-1].entries] == ["a red apple", "a lemon"]


@every_release
def test_settings_of_a_later_release_are_read_field_by_field(release: Path) -> None:
    now = json.loads(annotation(release / "document.kra", "acetate/settings"))
    later = settings_of_the_future(now)
    kept, settings = KeptSettings.read(json.dumps(later).encode()), Settings()
    settings.take(kept.values)
    assert settings.prompt.value == "a green pear"
    assert settings.task.value is Task.FOREGROUND
    assert any("task" in reason for reason in kept.reasons) and any("mood" in reason for reason in kept.reasons)
    again = json.loads(kept.write(settings.saved()))
    assert again["mood"] == later["mood"]
    assert KeptSettings.read(json.dumps(again).encode()).values["seed"] == now["seed"]


@every_release
def test_a_stack_of_a_later_release_hides_no_other(release: Path) -> None:
    now = annotation(release / "document.kra", "acetate/stacks")
    later = json.dumps(stacks_of_the_future(json.loads(now))).encode()
    assert read_list(Stack, later, "versions").read == read_list(Stack, now, "versions").read
    assert [unread.data.get("version", 1) for unread in read_list(Stack, later, "versions").unread] == [9, 1]


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"seed": 3}', b"[" * 100_000])
def test_any_text_gives_settings(text: bytes) -> None:
    kept = KeptSettings.read(text)
    assert set(kept.values) <= set(DECLARED)
    assert kept.values or kept.reasons or not text
