"""Every task, by its canvas action, in documents of every kind: place, name, one undo step, nothing else changed."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest

from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import Task
from tests.krita.harness.engine import Engine
from tests.krita.harness.painter import Layer, Painter
from tests.krita.harness.rich import (
    HEIGHT,
    SPACES,
    WIDTH,
    as_eight_bits,
    difference,
    rich_document,
    select_ellipse,
    shown_alone,
)
from tests.krita.harness.scenes import PROMPT, paint_document, untouched
from tests.krita.harness.waiting import wait_until

CANVAS = Bounds(0, 0, WIDTH, HEIGHT)
KINDS = {"U8": np.uint8, "U16": np.uint16, "F32": np.float32}
ELLIPSE = Bounds(60, 50, 50, 40)  # within the tree


def trigger(painter: Painter, action: str) -> None:
    painter.krita.run("app.action(action).trigger()", action=action)


def new_layer(painter: Painter, action: str) -> Layer:
    """As it is once the job has ended: what takes the place of another is named last."""
    before = painter.layer_ids()
    trigger(painter, action)
    painter.wait_for_layer(before)
    (layer,) = painter.new_layers(before)
    return layer


def steps_done(painter: Painter) -> int:
    steps: int = painter.krita.run("undo_position()")
    return steps


def assert_undone_and_redone(painter: Painter, before: dict[str, Any], canvas: np.ndarray) -> None:
    after, then = painter.fingerprint(), canvas_of(painter)
    assert after != before
    painter.undo()
    assert_is(painter, before, canvas)
    painter.redo()
    assert_is(painter, after, then)
    painter.undo()
    assert_is(painter, before, canvas)


def assert_is(painter: Painter, expected: dict[str, Any], canvas: np.ndarray) -> None:
    """Every byte of every layer; of the canvas too, but for the rounding of floats, which depends on what Krita
    merges at a time. It may still be merging.
    """

    def is_so() -> bool:
        return painter.fingerprint()["nodes"] == expected["nodes"] and same_canvas(canvas_of(painter), canvas)

    wait_until(is_so, "the document to be as it was", every=0.1)


def same_canvas(one: np.ndarray, other: np.ndarray) -> bool:
    if one.dtype == np.float32:
        return bool(np.abs(one - other).max() <= 1 / 65535)
    return np.array_equal(one, other)


def canvas_of(painter: Painter) -> np.ndarray:
    """In the document's own colour space."""
    code = """
document().waitForDone()
[document().colorDepth(), __import__('base64').b64encode(bytes(document().pixelData(0, 0, 192, 144))).decode()]
"""
    depth, data = painter.krita.run(code)
    return np.frombuffer(base64.b64decode(data), KINDS[depth])


@pytest.mark.parametrize("name", SPACES)
def test_tasks_in_documents_of_every_kind(painter: Painter, engine: Engine, name: str) -> None:
    rich_document(painter, SPACES[name])
    painter.set_up(PROMPT)
    put_in_front(painter, engine)
    refine_in_a_group(painter)
    repaint_in_place(painter)


def put_in_front(painter: Painter, engine: Engine) -> None:
    """The background is all below the active layer; the region a selection that reaches off the canvas."""
    painter.activate("above")
    truth = shown_alone(painter, hidden=("above",))
    mask = select_ellipse(painter, Bounds(100, 70, 120, 60))
    before, canvas, steps = painter.fingerprint(), canvas_of(painter), steps_done(painter)
    layer = new_layer(painter, "acetate_put_in_front")
    assert (layer["parent"], layer["index"], layer["name"]) == ("root", 6, f"{PROMPT} · 7")
    assert steps_done(painter) == steps + 1
    assert untouched(before, painter.fingerprint())
    request = engine.request(engine.newest())
    box = request.bounds
    assert box == Bounds(100, 70, 92, 60)
    sent = engine.image(request.background)
    shown = painter.krita.run("widget('acetate_sends_background').property('digest')")
    assert shown == request.background
    assert difference(as_eight_bits(sent), truth[box.y : box.bottom, box.x : box.right]) <= 1
    assert np.array_equal(
        np.frombuffer(engine.image(request.mask).data, np.uint8).reshape(box.height, box.width),
        mask[box.y : box.bottom, box.x : box.right],
    )
    alpha = pixels_of(painter, layer)[..., -1]
    assert not alpha[mask == 0].any() and alpha[mask == 255].any()
    assert_undone_and_redone(painter, before, canvas)
    painter.krita.run("trigger('deselect')")


def refine_in_a_group(painter: Painter) -> None:
    """Another version lies above the old one, inside its group, and covers the layer."""
    painter.activate("tree")
    painter.choose("acetate_task", Task.REFINE.value)
    painter.choose("acetate_outcome", "above")
    before, canvas, steps = painter.fingerprint(), canvas_of(painter), steps_done(painter)
    layer = new_layer(painter, "acetate_refine_layer")
    assert (layer["parent"], layer["index"]) == ("garden", 1)
    assert Bounds(50, 40, 70, 70).contains(Bounds(*layer["bounds"]))
    assert steps_done(painter) == steps + 1
    assert untouched(before, painter.fingerprint())
    assert_undone_and_redone(painter, before, canvas)


def repaint_in_place(painter: Painter) -> None:
    """The old layer is gone in one step; outside of the selection its bytes are those of the new one."""
    painter.activate("tree")
    painter.choose("acetate_task", Task.INPAINT.value)
    painter.choose("acetate_outcome", "replace")
    mask = select_ellipse(painter, ELLIPSE)
    (old,) = [layer for layer in painter.layers() if layer["name"] == "tree"]
    was = pixels_of(painter, old)
    before, canvas, steps = painter.fingerprint(), canvas_of(painter), steps_done(painter)
    layer = new_layer(painter, "acetate_repaint_selection")
    now = pixels_of(painter, layer)
    assert (layer["parent"], layer["index"], layer["name"]) == ("garden", 0, f"{PROMPT} · 7")
    assert len(painter.layers()) == len(before["nodes"])
    assert steps_done(painter) == steps + 1
    assert np.array_equal(now[mask == 0], was[mask == 0])
    assert not np.array_equal(now[mask == 255], was[mask == 255])
    others = {**before, "nodes": {key: node for key, node in before["nodes"].items() if key != old["id"]}}
    assert untouched(others, painter.fingerprint())
    assert_undone_and_redone(painter, before, canvas)
    painter.krita.run("trigger('deselect')")


def pixels_of(painter: Painter, layer: Layer) -> np.ndarray:
    """(h, w, channels) of the canvas, bytes, 16-bit values or floats as Krita holds them."""
    data = painter.node_pixels(layer, CANVAS)
    return np.frombuffer(data, KINDS[layer["space"][1]]).reshape(HEIGHT, WIDTH, -1)


@pytest.mark.parametrize(
    ("action", "task"),
    [("acetate_paint_behind", Task.BACKGROUND_BEHIND_FOREGROUND), ("acetate_generate_both", Task.JOINT)],
)
def test_a_task_that_the_model_may_lack(painter: Painter, engine: Engine, action: str, task: Task) -> None:
    """A layer, or a message that says what to do: never a button that does nothing."""
    paint_document(painter)
    painter.activate("tree")
    painter.set_up(PROMPT)
    engine.wait_ready()
    before, print_before = painter.layer_ids(), painter.fingerprint()
    trigger(painter, action)
    if task in engine.tasks():
        painter.wait_for_end()
        assert painter.new_layers(before), painter.message()
    else:
        painter.wait_for_message("cannot do", task.value, "install a model that can")
        painter.wait_for_end()
        assert painter.fingerprint() == print_before


def test_each_action_is_in_the_menu_and_can_have_a_shortcut(painter: Painter) -> None:
    code = "[isinstance(shown, QtWidgets.QMenu) for shown in app.action(name).associatedWidgets()]"
    wanted = "generate_layer put_in_front paint_behind generate_both refine_layer repaint_selection cancel_job"
    for word in wanted.split():
        assert any(painter.krita.run(code, name=f"acetate_{word}")), word
    painter.new_document(64, 64)
    painter.set_up("")
    painter.krita.run("app.action('acetate_refine_layer').setShortcut(QtGui.QKeySequence('Ctrl+Alt+R'))")
    x, y = painter.krita.run("canvas_centre()")
    painter.hands.click_at(x, y)
    painter.hands.keys("ctrl+alt+r")
    painter.wait_for_message("prompt is empty")
    assert painter.krita.run("widget('acetate_task').currentData()") == Task.REFINE.value
