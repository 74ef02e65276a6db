"""Documents that earlier releases have saved, and one of a later release, in the real Krita."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from acetate.protocol.requests import Task
from tests.krita.harness.builder import Builder
from tests.krita.harness.painter import Painter
from tests.krita.harness.waiting import wait_until
from tests.releases import RELEASES, annotation, recipes_of_the_future, stacks_of_the_future, with_annotation

every_release = pytest.mark.parametrize("release", RELEASES, ids=lambda folder: folder.name)


def open_document(painter: Painter, path: Path) -> str:
    """The name of the layer that was made in front of the background."""
    painter.krita.run("open_file(path)", path=str(path))
    (made,) = [layer["name"] for layer in painter.layers() if layer["name"].startswith("a green pear")]
    painter.activate(made)
    return made


def save(painter: Painter, path: Path) -> Path:
    painter.krita.run("document().waitForDone(); document().saveAs(path)", path=str(path))
    return path


@every_release
def test_its_layers_know_how_they_were_made_and_its_stack_is_there(
    painter: Painter, tmp_path: Path, release: Path
) -> None:
    document = tmp_path / "document.kra"
    document.write_bytes((release / "document.kra").read_bytes())
    open_document(painter, document)
    painter.set_up("something else", Task.FOREGROUND, seed=99)
    painter.hands.click("acetate_copy_settings")
    wait_until(lambda: painter.krita.run("text('acetate_prompt')") == "a green pear", "the prompt to be copied")
    before = painter.layer_ids()
    painter.hands.click("acetate_regenerate")
    painter.wait_for_layer(before)
    assert not painter.message()
    builder = Builder(painter)
    builder.open()
    assert [entry["prompt"] for entry in builder.entries()] == ["a red apple", "a lemon"]
    builder.close()


@every_release
def test_what_a_later_release_has_kept_stays_and_disturbs_nothing(
    painter: Painter, tmp_path: Path, release: Path
) -> None:
    middle, later = tmp_path / "middle.kra", tmp_path / "later.kra"
    with_annotation(release / "document.kra", "acetate/layers", recipes_of_the_future, middle)
    with_annotation(middle, "acetate/stacks", stacks_of_the_future, later)
    kept, stacks = (json.loads(annotation(later, f"acetate/{kind}")) for kind in ("layers", "stacks"))
    open_document(painter, later)
    painter.hands.click("acetate_regenerate")
    painter.wait_for_message("cannot be read", "mood", "update acetate")
    made = painter.generate("a lemon", Task.FOREGROUND, seed=3)
    assert not painter.message()
    builder = Builder(painter)
    builder.open()
    assert [entry["prompt"] for entry in builder.entries()] == ["a red apple", "a lemon"]
    painter.wait_for_message("2 of the stacks of this document cannot be read")
    builder.select(1)
    builder.set_strength(40)
    builder.close()
    painter.activate(made["name"])
    painter.hands.click("acetate_copy_settings")
    wait_until(lambda: painter.krita.run("int(widget('acetate_seed').value())") == 3, "the new layer's recipe")
    saved = save(painter, tmp_path / "saved.kra")
    now = json.loads(annotation(saved, "acetate/layers"))["kept"]
    assert now[:4] == kept["kept"][:4]
    for unread in (stacks["versions"][-3], stacks["versions"][-2]):
        assert unread in json.loads(annotation(saved, "acetate/stacks"))["versions"]
