"""Stacks: described by hand, made as one group, made again in part, kept with the document."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psd_tools
import pytest

from acetate.protocol.geometry import Bounds
from tests.krita.harness.builder import Builder
from tests.krita.harness.painter import Layer, Painter
from tests.krita.harness.scenes import paint_document, untouched
from tests.krita.harness.steps import steps_done
from tests.krita.harness.waiting import wait_until

FRUIT = ["a red apple", "a green pear", "a lemon"]
PLACES = [Bounds(10, 20, 96, 80), Bounds(60, 40, 80, 96), Bounds(120, 90, 64, 64)]
CANVAS = Bounds(0, 0, 320, 256)
TWELVE = [
    f"a {colour} {thing}, 3d emoji" for thing in ("apple", "cup", "hat") for colour in ("red", "blue", "green", "grey")
]
OVER_CANVAS = "app.activeWindow().qwindow().centralWidget().findChild(QtWidgets.QWidget, name) is not None"
TO_CANVAS = """
from acetate.krita.view import transform_of
canvas, transform = transform_of(document())
point = transform.inverted()[0].map(QtCore.QPointF(canvas.mapFromGlobal(QPoint(x, y))))
[round(point.x()), round(point.y())]
"""
RECIPE = """
from acetate.krita.document import KritaDocument
from acetate.session.recipes import recipe_of
recipe_of(KritaDocument(document()), id).request.prompt
"""


@pytest.fixture
def builder(painter: Painter) -> Iterator[Builder]:
    builder = Builder(painter)
    yield builder
    builder.close()


@pytest.fixture
def quick(builder: Builder) -> Iterator[None]:
    """Three steps a layer: what they look like does not matter here."""
    builder.limit_steps(3)
    yield
    builder.limit_steps(None)


def build_three(builder: Builder) -> list[Layer]:
    """By hand, above "below" of the scene."""
    describe_three(builder)
    return builder.generate()


def describe_three(builder: Builder) -> None:
    builder.open()
    for index, (prompt, place) in enumerate(zip(FRUIT, PLACES, strict=True)):
        if index:
            builder.press("acetate_stack_add")
        builder.describe(prompt, place)


def pixels_of(painter: Painter, layers: list[Layer]) -> list[bytes]:
    return [painter.node_pixels(layer, CANVAS) for layer in layers]


def without_selection(fingerprint: dict[str, Any]) -> dict[str, Any]:
    """Regions were selected meanwhile; Krita keeps a selection as a node."""
    nodes = {key: entry for key, entry in fingerprint["nodes"].items() if entry[0]["type"] != "selectionmask"}
    return {**fingerprint, "nodes": nodes}


def names(layers: list[Layer]) -> list[str]:
    """Prompts: the seed is behind the dot."""
    return [layer["name"].rpartition(" · ")[0] for layer in layers]


@pytest.mark.usefixtures("quick")
def test_layers_become_one_group_in_one_undo_step(painter: Painter, builder: Builder) -> None:
    paint_document(painter)
    painter.activate("below")
    before = painter.fingerprint()
    describe_three(builder)
    done = steps_done(painter)  # in Krita 6 selecting is a step, too
    layers = builder.generate()
    after = painter.fingerprint()
    assert names(layers) == FRUIT
    assert [layer["index"] for layer in layers] == [0, 1, 2]
    for layer, place in zip(layers, PLACES, strict=True):
        x, y, width, height = layer["bounds"]
        assert place.contains(Bounds(x, y, width, height)) and width * height > 0
    (group,) = [layer for layer in painter.layers() if layer["name"] == "Stack"]
    assert (group["parent"], group["index"], group["type"]) == ("root", 2, "grouplayer")
    assert steps_done(painter) == done + 1
    assert untouched(before, after)
    painter.undo()
    assert without_selection(painter.fingerprint()) == before
    painter.redo()
    assert painter.fingerprint() == after
    assert [painter.krita.run(RECIPE, id=layer["id"]) for layer in layers] == FRUIT


@pytest.mark.usefixtures("quick")
def test_layers_are_made_again_locked_moved_and_hidden(painter: Painter, builder: Builder, tmp_path: Path) -> None:
    """One document, all that can be done with a stack, one after the other."""
    painter.new_document(320, 256)
    first = pixels_of(painter, build_three(builder))

    # one alone: the others keep their bytes
    builder.select(2)
    builder.press("acetate_stack_new_seed")
    second = pixels_of(painter, builder.generate("acetate_stack_regenerate"))
    assert (second[0], second[2]) == (first[0], first[2])
    assert second[1] != first[1]
    painter.undo()
    assert pixels_of(painter, builder.layers()) == first
    painter.redo()
    assert pixels_of(painter, builder.layers()) == second

    # locked and moved: the lowest goes up and keeps its picture, the others are made again
    builder.press("acetate_stack_locked_1")
    for number in (3, 2):
        builder.select(number)
        builder.press("acetate_stack_new_seed")
    builder.select(1)
    builder.press("acetate_stack_up")
    steps = painter.undo_steps()
    third = builder.generate()
    assert len(painter.undo_steps()) == len(steps) + 2
    assert "two steps" in painter.message()
    painter.undo()
    painter.undo()
    assert pixels_of(painter, builder.layers()) == second
    painter.redo()
    painter.redo()
    assert names(third) == [FRUIT[1], FRUIT[0], FRUIT[2]]
    shown = pixels_of(painter, third)
    assert shown[1] == first[0]
    assert shown[0] != second[1] and shown[2] != second[2]

    # a little strength: another version; the stack survives saving, closing and opening
    builder.close()
    saved = tmp_path / "stack.kra"
    painter.krita.run("document().saveAs(path); close_documents(); open_file(path)", path=str(saved))
    builder.open()
    assert [entry["prompt"] for entry in builder.entries()] == names(third)
    assert [entry["is_locked"] for entry in builder.entries()] == [False, True, False]
    builder.select(3)
    builder.set_strength(34)
    fourth = pixels_of(painter, builder.generate("acetate_stack_regenerate"))
    assert fourth[:2] == shown[:2]
    assert fourth[2] != shown[2]

    # hidden, deleted, duplicated
    builder.press("acetate_stack_enabled_1")
    builder.select(2)
    builder.press("acetate_stack_delete")
    builder.select(2)
    builder.press("acetate_stack_duplicate")
    last = builder.generate("acetate_stack_regenerate")
    assert names(last) == [FRUIT[1], FRUIT[2], FRUIT[2]]
    assert [layer["visible"] for layer in last] == [False, True, True]
    assert pixels_of(painter, last)[:2] == [fourth[0], fourth[2]]


@pytest.mark.usefixtures("quick")
def test_twelve_layers(painter: Painter, builder: Builder, record: Callable[[str], None], tmp_path: Path) -> None:
    painter.new_document(1024, 1024)
    before = painter.fingerprint()
    builder.open()
    builder.fill(TWELVE, [Bounds(40 + 240 * (n % 4), 60 + 300 * (n // 4), 160, 160) for n in range(12)])
    layers = builder.generate()
    after = painter.fingerprint()
    assert names(layers) == TWELVE
    assert painter.undo_steps() == ["Add Layer"]
    painter.undo()
    assert painter.fingerprint() == before
    painter.redo()
    assert painter.fingerprint() == after
    painter.krita.run("export(path)", path=str(tmp_path / "twelve.psd"), timeout=120)
    (group,) = [layer for layer in psd_tools.PSDImage.open(tmp_path / "twelve.psd") if layer.is_group()]
    assert [layer.name.rstrip("\0") for layer in group] == [layer["name"] for layer in layers]
    assert [layer.bbox for layer in group] == [box(layer) for layer in layers]


def box(layer: Layer) -> tuple[int, int, int, int]:
    """Left, top, right, bottom."""
    x, y, width, height = layer["bounds"]
    return x, y, x + width, y + height


@pytest.mark.usefixtures("quick")
def test_a_region_is_drawn_on_the_canvas_and_seen_there(painter: Painter, builder: Builder) -> None:
    painter.new_document(512, 512)
    builder.open()
    before = painter.fingerprint()
    builder.press("acetate_stack_draw_region")
    x, y = painter.krita.run("canvas_centre()")
    wait_until(lambda: painter.krita.run(OVER_CANVAS, name="acetate_draw_region"), "the sheet to draw on")
    painter.krita.run("app.activeWindow().activeView().canvas().setZoomLevel(2.0); turn_the_event_loop(100)")
    painter.hands.drag((x - 250, y - 60), (x - 130, y + 60))
    wait_until(lambda: builder.entries()[0]["region"], "the region")
    left, top = painter.krita.run(TO_CANVAS, x=x - 250, y=y - 60)
    right, bottom = painter.krita.run(TO_CANVAS, x=x - 130, y=y + 60)
    region = builder.entries()[0]["region"]
    drawn = [region["x"], region["y"], region["x"] + region["width"], region["y"] + region["height"]]
    assert all(abs(one - other) <= 2 for one, other in zip(drawn, (left, top, right, bottom), strict=True))
    assert painter.krita.run(OVER_CANVAS, name="acetate_canvas_regions")
    assert not painter.krita.run(OVER_CANVAS, name="acetate_draw_region")
    assert without_selection(painter.fingerprint()) == before
    builder.press("acetate_stack_draw_region")
    wait_until(lambda: painter.krita.run(OVER_CANVAS, name="acetate_draw_region"), "the sheet to draw on")
    builder.close()
    wait_until(lambda: not painter.krita.run(OVER_CANVAS, name="acetate_canvas_regions"), "nothing over the canvas")
    assert not painter.krita.run(OVER_CANVAS, name="acetate_draw_region")


def test_the_sheet_to_draw_on_is_of_the_document_in_front(painter: Painter, builder: Builder) -> None:
    painter.new_document(300, 200)
    builder.open()
    builder.press("acetate_stack_draw_region")
    wait_until(lambda: painter.krita.run(OVER_CANVAS, name="acetate_draw_region"), "the sheet to draw on")
    painter.new_document(200, 300)
    builder.press("acetate_stack_draw_region")
    x, y = painter.krita.run("canvas_centre()")
    painter.hands.drag((x - 40, y - 60), (x + 40, y + 60))
    region = wait_until(lambda: builder.entries()[0]["region"], "the region")
    assert region["height"] > region["width"]
    assert not painter.krita.run(OVER_CANVAS, name="acetate_draw_region")


@pytest.mark.usefixtures("quick")
def test_deleting_and_undoing_agree_with_the_document(painter: Painter, builder: Builder) -> None:
    painter.new_document(320, 256)
    layers = build_three(builder)
    made = painter.fingerprint()
    builder.select(2)
    builder.press("acetate_stack_delete")
    wait_until(lambda: names(builder.layers()) == [FRUIT[0], FRUIT[2]], "the layer to go")
    assert [entry["prompt"] for entry in builder.entries()] == [FRUIT[0], FRUIT[2]]
    painter.undo()
    assert painter.fingerprint() == made
    wait_until(lambda: [entry["layer"] for entry in builder.entries()] == [layer["id"] for layer in layers], "undo")
    painter.redo()
    wait_until(lambda: len(builder.entries()) == 2, "redo")
    painter.krita.run("node(name).remove(); document().waitForDone()", name=layers[2]["name"])  # in Krita's own list
    state = "item = widget('acetate_stack_list').itemWidget(widget('acetate_stack_list').item(0)); item._state.text()"
    wait_until(lambda: painter.krita.run(state) == "deleted", "the list to know")


def test_a_long_stack_is_seen_and_the_window_folds(painter: Painter, builder: Builder) -> None:
    painter.new_document(512, 512)
    builder.open()
    builder.fill(TWELVE, [CANVAS] * 12)
    code = "view = widget('acetate_stack_list'); view.viewport().height() // view.sizeHintForRow(0)"
    assert painter.krita.run(code) >= 6
    full, width = painter.krita.run("box = widget('acetate_stack_window'); [box.height(), box.width()]")
    assert width <= 340
    builder.press("acetate_stack_fold")
    wait_until(lambda: painter.krita.run("widget('acetate_stack_window').height()") < full / 3, "the window to fold")
    builder.press("acetate_stack_fold")
    wait_until(lambda: painter.krita.run("widget('acetate_stack_window').height()") == full, "the window to unfold")


def test_a_window_that_grows_keeps_its_buttons_on_the_screen(painter: Painter, builder: Builder) -> None:
    paint_document(painter)
    builder.open()
    room = "QtWidgets.QApplication.primaryScreen().availableGeometry()"
    bottom = f"[widget('acetate_stack_window').frameGeometry().bottom(), {room}.bottom()]"
    painter.krita.run(f"it = widget('acetate_stack_window'); it.resize(it.width(), {room}.height() - 40)")
    wait_until(lambda: (found := painter.krita.run(bottom))[0] <= found[1], "the window to be on the screen")


def test_what_cannot_be_made_is_told(painter: Painter, builder: Builder) -> None:
    painter.new_document(64, 64)
    builder.open()
    builder.press("acetate_stack_generate")
    painter.wait_for_message("prompt of layer 1 is empty")
    builder.press("acetate_stack_from_selection")
    painter.wait_for_message("nothing is selected")
    painter.krita.run("close_documents()")
    builder.press("acetate_stack_generate")
    wait_until(lambda: "o document is open" in builder.message(), "the window to say so")  # Krita 6 hides the dockers
