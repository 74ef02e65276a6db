"""What is read is what is seen; what comes back is where it belongs, whatever was done to the canvas meanwhile."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import Task
from tests.krita.harness.engine import Engine
from tests.krita.harness.painter import Layer, Painter
from tests.krita.harness.rich import as_eight_bits
from tests.krita.harness.scenes import PROMPT
from tests.krita.harness.waiting import wait_until
from tests.krita.test_regions import ALLOW_IDENTITY

SIDE = 128
SVG = """<svg xmlns="http://www.w3.org/2000/svg" width="92" height="92">
<rect x="20" y="20" width="40" height="40" fill="#c02020"/></svg>"""
AREA = Bounds(16, 24, 64, 48)
TURNS = {
    "trigger('rotateImageCW90')": lambda pixels: np.rot90(pixels, -1),
    "trigger('rotateImageCCW90')": lambda pixels: np.rot90(pixels, 1),
    "trigger('rotateImage180')": lambda pixels: np.rot90(pixels, 2),
    "trigger('mirrorImageHorizontal')": lambda pixels: pixels[:, ::-1],
    "trigger('mirrorImageVertical')": lambda pixels: pixels[::-1],
    f"document().rotateImage({math.pi / 2})": lambda pixels: np.rot90(pixels, -1),
    "document().crop(8, 16, 100, 90)": lambda pixels: pixels[16:106, 8:108],
    "document().resizeImage(-10, -4, 150, 140)": lambda pixels: np.pad(pixels, [(4, 8), (10, 12), (0, 0)]),
}


@pytest.fixture
def square(painter: Painter) -> Painter:
    """A square canvas with two layers that show how it was turned; “mark” is active."""
    painter.new_document(SIDE, SIDE)
    painter.krita.run(
        "add_paint_layer('other', 70, 5, 40, 12, bytes([20, 40, 200, 255])); "
        "add_paint_layer('mark', 12, 30, 20, 50, bytes([20, 200, 40, 255]), above='other')"
    )
    painter.activate("mark")
    return painter


def identity(painter: Painter) -> None:
    painter.krita.run(ALLOW_IDENTITY)
    painter.set_up("", Task.IDENTITY)


def pixels_of(painter: Painter, layer: Layer, width: int, height: int) -> np.ndarray:
    data = painter.node_pixels(layer, Bounds(0, 0, width, height))
    return np.frombuffer(data, np.uint8).reshape(height, width, 4)[..., [2, 1, 0, 3]]


# what is read


def test_the_selection_mask_of_a_layer_counts(square: Painter, engine: Engine) -> None:
    identity(square)
    square.krita.run("select(14, 40, 10, 20); trigger('add_new_selection_mask')")
    wait_until(lambda: any(layer["type"] == "selectionmask" for layer in square.layers()), "the mask")
    before = square.layer_ids()
    square.press_generate()
    layer = square.wait_for_layer(before)
    assert engine.request(engine.newest()).bounds == Bounds(14, 40, 10, 20)
    assert layer["bounds"] == [14, 40, 10, 20]


def test_an_active_selection_mask_is_not_in_the_way(square: Painter, engine: Engine) -> None:
    square.krita.run("select(16, 24, 64, 48); trigger('show-global-selection-mask')")
    activate = """
(mask,) = [item for item in walk() if item.type() == 'selectionmask']
document().setActiveNode(mask)
turn_the_event_loop(100)
document().activeNode().type()
"""
    wait_until(lambda: square.krita.run(activate) == "selectionmask", "the mask to be active")
    layer = square.generate(PROMPT)
    assert (layer["parent"], engine.request(engine.newest()).bounds) == ("root", AREA)


def test_an_isolated_layer_is_not_taken_for_what_lies_below(square: Painter, engine: Engine) -> None:
    square.set_up(PROMPT, Task.FOREGROUND_ON_BACKGROUND)
    truth = square.krita.run(
        "node('mark').setVisible(False); document().refreshProjection(); document().waitForDone();"
        "r = list(bytes(document().pixelData(0, 0, 128, 128))); node('mark').setVisible(True);"
        "document().refreshProjection(); document().waitForDone(); r"
    )
    square.krita.run("trigger('isolate_active_layer'); turn_the_event_loop(100)")
    try:
        before = square.layer_ids()
        square.press_generate()
        square.wait_for_layer(before)
        sent = as_eight_bits(engine.image(engine.request(engine.newest()).background or ""))
        assert np.array_equal(sent[..., [2, 1, 0, 3]].ravel(), truth)
        square.wait_for_message("isolated")
    finally:
        square.krita.run("trigger('isolate_active_layer')")


# where it goes


@pytest.mark.parametrize("done", TURNS, ids=lambda done: done.split("'")[1] if "'" in done else done[11:17])
def test_a_result_follows_the_canvas(square: Painter, engine: Engine, done: str) -> None:
    square.krita.run("select(16, 24, 64, 48)")
    square.set_up(PROMPT)
    before = square.layer_ids()
    with engine.worker_held():
        job = engine.new_job(square.press_generate)
        square.krita.run(f"{done}; document().waitForDone()")
        assert not engine.has_ended(job), "the job was done before anything could be turned"
    layer = square.wait_for_layer(before)
    made = np.zeros((SIDE, SIDE, 4), np.uint8)
    made[AREA.y : AREA.bottom, AREA.x : AREA.right] = as_eight_bits(engine.picture(job, 0))
    expected = TURNS[done](made)
    found = pixels_of(square, layer, expected.shape[1], expected.shape[0])
    assert np.array_equal(found, expected)
    square.undo()
    assert not square.new_layers(before)


def test_a_result_is_scaled_with_the_canvas(square: Painter, engine: Engine) -> None:
    square.krita.run("select(16, 24, 64, 48)")
    square.set_up(PROMPT)
    before = square.layer_ids()
    with engine.worker_held():
        engine.new_job(square.press_generate)
        square.krita.run("document().scaleImage(256, 192, 72, 72, 'Bicubic'); document().waitForDone()")
    layer = square.wait_for_layer(before)
    x, y, width, height = layer["bounds"]
    assert Bounds(32 - 2, 36 - 2, 128 + 4, 72 + 4).contains(Bounds(x, y, width, height))
    square.wait_for_message("scaled")


def test_what_cannot_be_followed_is_said(painter: Painter, engine: Engine) -> None:
    """Nothing on the canvas tells which part of it was cut off."""
    painter.new_document(SIDE, SIDE)
    painter.krita.run("select(16, 24, 64, 48)")
    painter.set_up(PROMPT)
    with engine.worker_held():
        engine.new_job(painter.press_generate)
        painter.krita.run("document().crop(8, 16, 100, 90); document().waitForDone()")
    painter.wait_for_message("resized", "history")
    painter.wait_for_end()
    assert len([layer for layer in painter.layers() if layer["type"] == "paintlayer"]) == 1


def test_the_history_in_a_smaller_document(square: Painter) -> None:
    identity(square)
    square.krita.run("select(90, 90, 30, 30); node('mark').setPixelData(b'\\x40\\x80\\xc0\\xff' * 900, 90, 90, 30, 30)")
    before = square.layer_ids()
    square.press_generate()
    square.wait_for_layer(before)
    square.new_document(48, 40)
    there = square.layer_ids()
    square.krita.run("view = widget('acetate_history'); view.itemClicked.emit(view.item(0))")
    layer = wait_until(lambda: square.new_layers(there), "the layer")[0]
    square.wait_for_message("moved")
    assert layer["bounds"] == [18, 10, 30, 30]


def test_a_layer_that_was_moved_is_varied_where_it_lies(square: Painter, engine: Engine) -> None:
    square.krita.run("select(16, 24, 32, 32)")
    made = square.generate(PROMPT)
    square.krita.run("trigger('deselect'); node(name).move(20, 30); document().waitForDone()", name=made["name"])
    square.activate(made["name"])
    before = square.layer_ids()
    square.hands.click("acetate_vary")
    square.wait_for_layer(before)
    assert engine.request(engine.newest()).bounds == Bounds(36, 54, 32, 32)


def test_a_copy_of_a_layer_is_known(square: Painter) -> None:
    made = square.generate(PROMPT)
    square.activate(made["name"])
    square.krita.run("trigger('duplicatelayer'); turn_the_event_loop(200)")
    square.activate(f"Copy of {made['name']}")
    square.krita.run("widget('acetate_prompt').setPlainText('')")
    square.hands.click("acetate_copy_settings")
    wait_until(lambda: square.krita.run("text('acetate_prompt')") == PROMPT, "the prompt")


def test_undoing_a_replaced_vector_layer_leaves_no_stale_pixels(painter: Painter, tmp_path: Path) -> None:
    painter.new_document(SIDE, SIDE)
    painter.krita.run(
        """
layer = document().createVectorLayer('shape')
document().rootNode().addChildNode(layer, None)
layer.addShapesFromSvg(svg)
document().refreshProjection(); document().waitForDone()
""",
        svg=SVG,
    )
    painter.activate("shape")
    red = "document().waitForDone(); bytes(document().pixelData(40, 40, 1, 1)) != b'\\xff' * 4"
    wait_until(lambda: painter.krita.run(red), "the shape to be drawn")
    shown = "document().waitForDone(); digest(document().pixelData(0, 0, 128, 128))"
    before, ids = painter.krita.run(shown), painter.layer_ids()
    painter.set_up(PROMPT, Task.REFINE)
    painter.krita.run("widget('acetate_strength').setValue(100)")
    painter.choose("acetate_outcome", "replace")
    painter.press_generate()
    painter.wait_for_layer(ids)
    assert painter.krita.run(shown) != before
    painter.undo()
    wait_until(lambda: painter.krita.run(shown) == before, "the canvas as it was")


def test_a_locked_layer_is_refused_before_the_job(square: Painter) -> None:
    square.set_up(PROMPT, Task.REFINE)
    square.choose("acetate_outcome", "replace")
    square.krita.run("node('mark').setLocked(True)")
    square.press_generate()
    square.wait_for_message("mark", "locked", "unlock")
    assert not square.is_busy()


# jobs and documents


def test_cancel_in_another_document_cancels_nothing_here(square: Painter, engine: Engine) -> None:
    square.set_up(PROMPT)
    square.krita.run("document().setName('first'); document().setModified(False)")
    job = engine.new_job(square.press_generate)
    square.new_document(64, 64)
    assert not square.is_busy()
    square.krita.run("app.action('acetate_cancel_job').trigger()")
    engine.wait_for(job, "done")


def test_each_document_has_its_own_prompt(painter: Painter) -> None:
    painter.new_document(64, 64)
    painter.krita.run("document().setName('first')")
    painter.set_up("a red apple")
    painter.new_document(64, 64)
    wait_until(lambda: painter.krita.run("text('acetate_prompt')") == "", "an empty prompt")
    painter.set_up("a green pear")
    painter.krita.run(
        "area = app.activeWindow().qwindow().centralWidget().findChild(QtWidgets.QMdiArea); "
        "area.setActiveSubWindow(area.subWindowList()[0])"
    )
    wait_until(lambda: painter.krita.run("text('acetate_prompt')") == "a red apple", "the prompt of the first")


def test_a_job_of_an_earlier_krita_is_shown_and_its_result_listed(painter: Painter, engine: Engine) -> None:
    """The engine of the painter goes on, or is started again; nothing that was asked for is lost."""
    painter.new_document(SIDE, SIDE)
    painter.set_up(PROMPT)
    job = engine.new_job(painter.press_generate)
    painter.restart_krita()
    painter.new_document(64, 64)
    painter.hands.click("acetate_prompt")  # brings up the engine
    listed = "[entry.result.job for entry in _docker('acetate_dock').session.history.entries]"
    wait_until(lambda: job in painter.krita.run(listed), "the result in the history", 180)


def test_what_was_wrong_is_forgotten_with_its_cause(square: Painter) -> None:
    square.set_up("")
    square.press_generate()
    message = square.wait_for_message("prompt is empty")
    assert "not valid" not in message
    square.hands.type_into("acetate_prompt", "a fox")
    wait_until(lambda: not square.message(), "no message")
    square.set_up(PROMPT, Task.INPAINT)
    square.press_generate()
    square.wait_for_message("nothing is selected")
    square.krita.run("select(16, 24, 32, 32)")
    x, y = square.krita.run("canvas_centre()")
    square.hands.move_to(x, y)
    square.hands.move_to(*square.krita.run("place('acetate_prompt')")[:2])
    wait_until(lambda: not square.message(), "no message")
