"""Documents of earlier releases, and of a later one: settings, stacks and recipes (in Krita: tests/krita)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from acetate.client.launcher import Launcher
from acetate.picture import Picture
from acetate.protocol.codec import to_json
from acetate.protocol.errors import DocumentError
from acetate.protocol.geometry import Bounds, Extent
from acetate.protocol.kept import read_list
from acetate.protocol.pixels import PixelFormat
from acetate.protocol.requests import GenerateRequest, Task
from acetate.session.messages import Notice
from acetate.session.presets import Presets
from acetate.session.recipes import RECIPES, LayerShape, keep, recipe_of
from acetate.session.session import Session
from acetate.session.settings import DECLARED, Settings
from acetate.session.settings_keeping import KeptSettings
from acetate.session.stack import Stack
from tests.plugin.gui_thread import EventLoop
from tests.plugin.session.paper import Paper, PaperDocument
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


def test_a_recipe_whose_views_or_mask_are_broken_takes_no_other_along() -> None:
    request = to_json(settings_request())
    whole = {"layer": "{whole}", "recipe": {"request": request}}
    blind = {"layer": "{blind}", "recipe": {"request": request, "background": {"show": "below", "layers": []}}}
    torn = {
        "layer": "{torn}",
        "recipe": {"request": request, "mask": {"extent": {"width": 4, "height": 4}, "packed": "no"}},
    }
    document = PaperDocument(Extent(8, 8))
    nodes = {name: document.add(name, Bounds(0, 0, 2, 2), (9, 9, 9, 255)) for name in ("whole", "blind", "torn")}
    kept = [{**record, "layer": nodes[record["layer"].strip("{}")].id} for record in (blind, torn, whole)]
    document.annotate(RECIPES, json.dumps({"version": 1, "kept": kept, "mood": 7}).encode())
    assert recipe_of(document, nodes["whole"].id).request.prompt == "a fox"
    with pytest.raises(DocumentError, match="names no layer"):
        recipe_of(document, nodes["blind"].id)
    mask = recipe_of(document, nodes["torn"].id).mask
    assert mask is not None
    with pytest.raises(DocumentError, match="mask"):
        mask.picture()
    keep(document, {nodes["whole"].id: recipe_of(document, nodes["whole"].id)}, {})
    after = json.loads(document.annotation(RECIPES))
    assert after["mood"] == 7 and kept[0] in after["kept"]


def settings_request() -> GenerateRequest:
    settings = Settings()
    settings.prompt.value = "a fox"
    return settings.request(Bounds(0, 0, 4, 4), PixelFormat.RGBA8)


def test_a_mask_comes_back_as_it_was_packed() -> None:
    mask = Picture(Extent(3, 2), PixelFormat.A8, (bytes(range(6)),))
    assert b"".join(LayerShape.of(mask).picture().strips) == bytes(range(6))


def test_what_cannot_be_read_on_this_machine_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONFIG", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path))
    Presets(Settings()).save("Ink")
    (preset,) = (tmp_path / "acetate" / "presets").iterdir()
    preset.write_text(json.dumps({**json.loads(preset.read_text(encoding="utf-8")), "version": 2}), encoding="utf-8")
    (tmp_path / "acetate" / "docker.json").write_text('{"cores": "many"}', encoding="utf-8")
    paper = Paper()
    session = Session(EventLoop().loop.post, paper, Launcher())
    paper.new(8, 8)
    session.enter_document()
    assert isinstance(session.message.value, Notice)
    assert "cores" in session.message.value.detail and preset.name in session.message.value.detail
    paper.new(8, 8)
    session.enter_document()
    assert session.message.value is None
