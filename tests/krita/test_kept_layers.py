"""Layers know how they were made: after saving, closing and reopening, and in a copy of the file."""

from __future__ import annotations

import shutil
from pathlib import Path

from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import Task
from tests.krita.harness.engine import Engine
from tests.krita.harness.painter import Painter
from tests.krita.harness.rich import select_ellipse
from tests.krita.harness.waiting import wait_until

AREA = Bounds(0, 0, 192, 144)
PROMPT = "a green pear"


def test_again_vary_and_copy_settings_after_reopening(painter: Painter, engine: Engine, tmp_path: Path) -> None:
    painter.new_document(AREA.width, AREA.height)
    painter.krita.run("add_paint_layer('sky', 0, 0, 192, 144, bytes([200, 140, 60, 255]))")
    painter.activate("sky")
    painter.choose("acetate_task", Task.FOREGROUND_ON_BACKGROUND.value)
    painter.choose("acetate_background", "canvas")  # once more, it has to leave out what it has made
    select_ellipse(painter, Bounds(20, 20, 100, 90))
    made = painter.generate(PROMPT, Task.FOREGROUND_ON_BACKGROUND, seed=5)
    pixels = painter.node_pixels(made, AREA)
    request = engine.request(engine.newest())
    kept, copied = tmp_path / "kept.kra", tmp_path / "copied.kra"
    painter.krita.run("document().waitForDone(); document().saveAs(path)", path=str(kept))
    shutil.copy(kept, copied)
    painter.krita.run("close_documents()")
    painter.new_document(64, 64)  # without a document, Krita 6 shows no docker
    painter.set_up("something else", Task.FOREGROUND, seed=99)
    for path in (kept, copied):
        painter.krita.run("open_file(path)", path=str(path))
        painter.activate(made["name"])
        before, steps = painter.layer_ids(), len(painter.undo_steps())
        painter.hands.click("acetate_regenerate")
        again = painter.wait_for_layer(before)
        assert (again["name"], again["index"]) == (made["name"], made["index"] + 1)
        assert painter.node_pixels(again, AREA) == pixels
        assert len(painter.undo_steps()) == steps + 1
        assert engine.request(engine.newest()) == request
        painter.undo()
        painter.krita.run("close_documents()")
    painter.krita.run("open_file(path)", path=str(copied))
    painter.activate(made["name"])
    vary(painter, engine, pixels)
    painter.activate(made["name"])
    painter.hands.click("acetate_copy_settings")
    wait_until(lambda: painter.krita.run("text('acetate_prompt')") == PROMPT, "the prompt to be copied")
    assert painter.krita.run("int(widget('acetate_seed').value())") == 5
    assert painter.krita.run("widget('acetate_task').currentData()") == Task.FOREGROUND_ON_BACKGROUND.value


def vary(painter: Painter, engine: Engine, pixels: bytes) -> None:
    old, before = engine.request(engine.newest()), painter.layer_ids()
    painter.krita.run("app.action('acetate_vary_layer').trigger()")
    varied = painter.wait_for_layer(before)
    new = engine.request(engine.newest())
    assert new.seed != old.seed and new.prompt == old.prompt
    assert painter.node_pixels(varied, AREA) != pixels
    painter.activate(varied["name"])  # it has a recipe of its own
    painter.krita.run("app.action('acetate_copy_layer_settings').trigger()")
    assert painter.krita.run("int(widget('acetate_seed').value())") == new.seed


def test_a_layer_that_was_painted_has_no_recipe(painter: Painter) -> None:
    painter.new_document(64, 64)
    painter.hands.click("acetate_regenerate")
    painter.wait_for_message("was not generated here", "choose a layer")


def test_several_images_at_once(painter: Painter) -> None:
    """One layer; the others wait in the history, and know their own seeds."""
    painter.new_document(96, 96)
    listed = painter.krita.run("widget('acetate_history').count() if has_widget('acetate_history') else 0")
    painter.krita.run("widget('acetate_more').setChecked(True); widget('acetate_images').setValue(2)")
    painter.generate(PROMPT, seed=31)
    assert painter.krita.run("widget('acetate_history').count()") == listed + 2
    painter.krita.run("widget('acetate_images').setValue(1)")
    before = painter.layer_ids()
    code = "view = widget('acetate_history'); view.itemClicked.emit(view.item(1))"
    painter.krita.run(code)
    layer = wait_until(lambda: painter.new_layers(before), "the other one")[0]
    painter.wait_for_end()
    painter.activate(layer["name"])
    painter.hands.click("acetate_copy_settings")
    assert layer["name"].endswith(" · 32")
    wait_until(lambda: painter.krita.run("int(widget('acetate_seed').value())") == 32, "its own seed")
