"""The main job: type, press, go on painting; a transparent layer arrives, in its place, in one undo step."""

from __future__ import annotations

import time

import pytest

from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import Task
from tests.krita.harness.engine import Engine
from tests.krita.harness.painter import JOB_LIMIT, Painter
from tests.krita.harness.scenes import PROMPT, assert_holds_the_result, paint_document, untouched
from tests.krita.harness.waiting import wait_until
from tests.krita.test_live import WHERE


@pytest.mark.parametrize(
    ("active", "parent", "index"), [("below", "root", 2), ("tree", "garden", 1), ("above", "root", 4)]
)
def test_layer_arrives_above_the_active_one(painter: Painter, active: str, parent: str, index: int) -> None:
    paint_document(painter)
    painter.activate(active)
    layer = painter.generate(PROMPT)
    assert (layer["parent"], layer["index"], layer["type"]) == (parent, index, "paintlayer")
    assert PROMPT in layer["name"]


def test_one_undo_step_restores_every_byte(painter: Painter) -> None:
    paint_document(painter)
    painter.activate("tree")
    before, steps = painter.fingerprint(), painter.undo_steps()
    painter.generate(PROMPT)
    after = painter.fingerprint()
    assert len(painter.undo_steps()) == len(steps) + 1
    assert untouched(before, after)
    assert after["projection"] != before["projection"]
    painter.undo()
    assert painter.fingerprint() == before
    painter.redo()
    assert painter.fingerprint() == after


WATCH = """
from acetate_driver import windows
class Watch(QtCore.QObject):
    blocked = 0
    def eventFilter(self, target, event):
        self.blocked += event.type() == QtCore.QEvent.Type.WindowBlocked
        return False
windows.watch = Watch()
app.activeWindow().qwindow().installEventFilter(windows.watch)
"""
PAINTED = """
background = node('Background')
[background.pixelData(round(x), round(y), 1, 1) != background.pixelData(1, 1, 1, 1) for x, y in points]
"""
WATCHED = """
from acetate_driver import windows
app.activeWindow().qwindow().removeEventFilter(windows.watch)
windows.watch.blocked
"""


@pytest.mark.parametrize("task", [Task.FOREGROUND, Task.JOINT])
def test_layers_that_come_during_a_stroke_cut_nothing_off(painter: Painter, engine: Engine, task: Task) -> None:
    """And no dialog is in the way, which Krita puts before its windows where its GUI thread has to wait."""
    painter.new_document(512, 512)
    painter.krita.run("trigger('KritaShape/KisToolBrush')")
    painter.set_up(PROMPT, task)
    before = painter.layer_ids()
    number = engine.new_job(painter.press_generate)
    x, y = painter.krita.run("canvas_centre()")
    painter.krita.run(WATCH)
    painter.hands.press_at(x - 100, y)
    painter.hands.move_to(x - 50, y)
    engine.wait_for(number, "done", timeout=JOB_LIMIT)
    time.sleep(2.0)  # it is on its way into the document
    painter.hands.move_to(x + 100, y)
    painter.hands.release()
    wait_until(lambda: painter.new_layers(before), "what was made", JOB_LIMIT)
    painter.wait_for_end()
    assert painter.krita.run(WATCHED) == 0
    strokes = [[x - 80, y], [x - 40, y], [x + 40, y], [x + 90, y]]
    assert painter.krita.run(PAINTED, points=painter.krita.run(WHERE, points=strokes)) == [True] * 4
    assert len(painter.undo_steps()) == 2


def test_layer_covers_exactly_the_canvas(painter: Painter, engine: Engine) -> None:
    paint_document(painter, 321, 199)
    layer = painter.generate(PROMPT)
    assert_holds_the_result(painter, engine, engine.newest(), layer, Bounds(0, 0, 321, 199))


def test_layer_covers_exactly_the_selection(painter: Painter, engine: Engine) -> None:
    paint_document(painter)
    region = Bounds(37, 41, 129, 111)
    painter.krita.run("select(37, 41, 129, 111)")
    outside = painter.krita.run("projection_around(37, 41, 129, 111)")
    layer = painter.generate(PROMPT)
    assert_holds_the_result(painter, engine, engine.newest(), layer, region)
    assert painter.krita.run("projection_around(37, 41, 129, 111)") == outside


def test_selection_partly_off_the_canvas_counts_as_far_as_the_canvas(painter: Painter, engine: Engine) -> None:
    paint_document(painter)
    painter.krita.run("select(-50, 200, 150, 200)")
    layer = painter.generate(PROMPT)
    assert_holds_the_result(painter, engine, engine.newest(), layer, Bounds(0, 200, 100, 56))


@pytest.mark.parametrize(("width", "height"), [(1, 1), (16384, 64)])
def test_extreme_canvases(painter: Painter, engine: Engine, width: int, height: int) -> None:
    painter.new_document(width, height)
    before = painter.fingerprint()
    layer = painter.generate(PROMPT)
    assert_holds_the_result(painter, engine, engine.newest(), layer, Bounds(0, 0, width, height))
    assert untouched(before, painter.fingerprint())


def test_same_seed_gives_the_same_pixels(painter: Painter, engine: Engine) -> None:
    painter.new_document(96, 96)
    first = painter.generate(PROMPT, seed=3)
    painter.activate("Background")
    second = painter.generate(PROMPT, seed=3)
    area = Bounds(0, 0, 96, 96)
    assert painter.node_pixels(first, area) == painter.node_pixels(second, area)
    assert first["id"] != second["id"]


def test_painting_goes_on_while_a_job_runs(painter: Painter, engine: Engine) -> None:
    """A brush stroke made meanwhile stays and has its own undo step; the new layer takes the next one."""
    paint_document(painter)
    painter.set_up(PROMPT)
    steps, ids, before = painter.undo_steps(), painter.layer_ids(), painter.fingerprint()
    with engine.worker_held():
        job = engine.new_job(painter.press_generate)
        painter.stroke()
        wait_until(lambda: len(painter.undo_steps()) == len(steps) + 1, "the stroke")
        assert not engine.has_ended(job), "the job was done before anything could be painted"
    painted = painter.fingerprint()
    assert painted["projection"] != before["projection"]
    painter.wait_for_layer(ids)
    assert len(painter.undo_steps()) == len(steps) + 2
    painter.undo()
    assert painter.fingerprint() == painted
    painter.undo()
    assert painter.fingerprint() == before
