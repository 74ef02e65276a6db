"""Documents that are not there, go away, change or resist."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from acetate.protocol.requests import Task
from tests.krita.harness.engine import Engine
from tests.krita.harness.painter import JOB_LIMIT, Painter
from tests.krita.harness.scenes import PROMPT, paint_document, untouched
from tests.krita.harness.waiting import wait_until


def test_no_document(painter: Painter) -> None:
    painter.krita.run("close_documents()")
    painter.press_generate()
    painter.wait_for_message("document", "open")


def test_document_closed_while_the_job_runs(painter: Painter, engine: Engine) -> None:
    """Nothing crashes, nothing lands in another document, and the plugin goes on working."""
    paint_document(painter)
    painter.set_up(PROMPT)
    job = engine.new_job(painter.press_generate)
    engine.wait_for(job, "running")
    painter.krita.run("close_documents(); new_document(64, 64)")
    other = painter.fingerprint()
    painter.wait_for_message("document", "closed")
    assert painter.fingerprint() == other
    assert painter.undo_steps() == []
    painter.generate(PROMPT)


SLOWER = """
import threading, time
from acetate.krita.insertion import KritaInsertion
KritaInsertion.quick, KritaInsertion.closing = KritaInsertion._add, threading.Event()
def add_slowly(self, *arguments, **named):
    self.quick(*arguments, **named)
    self.closing.wait(60)
    time.sleep(1.0)
KritaInsertion._add = add_slowly
"""
CLOSE_IT = """
from acetate.krita.insertion import KritaInsertion
old = document(); new_document(64, 64); turn_the_event_loop(LAYERS_DOCKER)
old.setBatchmode(True); old.setModified(False); KritaInsertion.closing.set(); old.close()
"""
LATER = """
import threading, time
from acetate.krita.insertion import KritaInsertion
KritaInsertion.quick, KritaInsertion.closing = KritaInsertion._add, threading.Event()
reached = KritaInsertion.reached = []
def add_later(self, *arguments, **named):
    reached.append(self)
    self.closing.wait(60)
    time.sleep(1.0)
    self.quick(*arguments, **named)
KritaInsertion._add = add_later
"""
IN_A_THREAD = "from acetate.krita.waiting import lets_threads_run; lets_threads_run()"
REACHED = "from acetate.krita.insertion import KritaInsertion; bool(KritaInsertion.reached)"
QUICK = "from acetate.krita.insertion import KritaInsertion; KritaInsertion._add = KritaInsertion.quick"


def test_document_closed_while_a_layer_is_put_into_it(painter: Painter) -> None:
    """Its own thread adds it, and the GUI thread closes documents meanwhile."""
    paint_document(painter)
    painter.set_up(PROMPT)
    steps = len(painter.undo_steps())
    close_when(painter, SLOWER, lambda: len(painter.undo_steps()) > steps)


def test_document_closed_while_a_layer_is_about_to_be_put_into_it(painter: Painter) -> None:
    """Its thread has looked, and not begun: Krita ends where a node is added to a document that is gone."""
    paint_document(painter)
    painter.set_up(PROMPT)
    close_when(painter, LATER, lambda: bool(painter.krita.run(REACHED)))


LOOKED = """
from acetate.krita.geometry import boxes_of, layer_boxes_of
gone, ids = document(), [it.uniqueId().toString() for it in walk()]
before = len(boxes_of(gone)), len(layer_boxes_of(gone, ids))
turn_the_event_loop(LAYERS_DOCKER)
gone.setBatchmode(True); gone.setModified(False); gone.close()
for _ in range(50):
    if gone.rootNode() is not None: turn_the_event_loop(100)
[*before, len(boxes_of(gone)), len(layer_boxes_of(gone, ids)), gone.rootNode() is None]
"""


def test_a_document_that_is_closed_has_no_layers_to_look_at(painter: Painter) -> None:
    """Threads look at them: their document may be gone by then, and the job says that it is, in place of a fault."""
    paint_document(painter)
    assert painter.krita.run(LOOKED) == [4, 5, 0, 0, True]


def close_when(painter: Painter, slowed: str, is_so_far: Callable[[], bool]) -> None:
    """A job's document is closed then: that is said, another document has nothing of it, and work goes on."""
    if not painter.krita.run(IN_A_THREAD):
        pytest.skip("from 5.2 on the GUI thread adds layers, and closes nothing meanwhile")
    painter.krita.run(slowed)
    try:
        painter.press_generate()
        wait_until(is_so_far, "the call that adds the layer", JOB_LIMIT, every=0.05)
        painter.krita.run(CLOSE_IT)
        painter.wait_for_message("document", "closed")
    finally:
        painter.krita.run(QUICK)
    assert painter.undo_steps() == []
    painter.generate(PROMPT)


def test_document_resized_while_the_job_runs(painter: Painter, engine: Engine) -> None:
    """A layer for the old canvas would sit wrong: the docker says so, and where the result is kept."""
    paint_document(painter, 256, 192)
    painter.set_up(PROMPT)
    job = engine.new_job(painter.press_generate)
    engine.wait_for(job, "running")
    painter.krita.run("document().resizeImage(0, 0, 128, 300); document().waitForDone()")
    state, steps = painter.fingerprint(), painter.undo_steps()
    painter.wait_for_message("resized", "256", "128", "history")
    assert painter.fingerprint() == state
    assert painter.undo_steps() == steps
    painter.generate(PROMPT)


def test_active_layer_deleted_while_the_job_runs(painter: Painter, engine: Engine) -> None:
    paint_document(painter)
    painter.activate("tree")
    painter.set_up(PROMPT)
    before = painter.layer_ids()
    job = engine.new_job(painter.press_generate)
    engine.wait_for(job, "running")
    painter.krita.run("node('garden').remove(); document().waitForDone()")
    state = painter.fingerprint()
    layer = painter.wait_for_layer(before)
    assert layer["parent"] == "root"
    assert untouched(state, painter.fingerprint())


def test_another_document_is_active_when_the_job_ends(painter: Painter, engine: Engine) -> None:
    """The layer goes where it was asked for."""
    paint_document(painter)
    painter.krita.run("document().setName('asked'); document().setModified(False)")
    before = painter.layer_ids()
    painter.set_up(PROMPT)
    job = engine.new_job(painter.press_generate)
    engine.wait_for(job, "running")
    painter.new_document(64, 64)
    other = painter.fingerprint()
    engine.wait_for(job, "done")
    code = """
asked = next(item for item in app.documents() if item.name() == 'asked')
len(asked.topLevelNodes())
"""
    wait_until(lambda: painter.krita.run(code) == 5, "the layer in the document that is not active")
    painter.wait_for_end()
    assert painter.fingerprint() == other
    painter.krita.run("app.setActiveDocument(next(item for item in app.documents() if item.name() == 'asked'))")
    assert len(painter.new_layers(before)) == 1


KINDS = "from acetate.krita import colour, reading; kinds = colour.Converter, reading.KritaSnapshot\n"
WATCHED = f"""{KINDS}
reading.seen = []
def watch(kind):
    kind.begin = kind.__init__
    def init(self, document, *rest):
        reading.seen.append(document.is_idle())
        kind.begin(self, document, *rest)
    kind.__init__ = init
for kind in kinds: watch(kind)
"""
SEEN = f"{KINDS}reading.seen"
UNWATCHED = f"{KINDS}for kind in kinds: kind.__init__ = kind.begin"
SESSION = "_docker('acetate_dock').session"
LOOK = "is_free = document().tryBarrierLock()\nif is_free: document().unlock()\n"
IS_FREE = f"{LOOK}is_free"
TURNED = f"app.action('rotateImage180').trigger()\n{LOOK}"


def test_layers_are_read_and_put_when_krita_has_turned_the_image(painter: Painter) -> None:
    """Krita copies a document whatever its own threads do in it, and can end by that."""
    painter.new_document(2048, 2048, depth="U16")
    code = "for name in 'abc': add_paint_layer(name, 0, 0, 2048, 2048, bytes([1, 2, 3, 4, 5, 6, 255, 255]))"
    painter.krita.run(f"{code}; select(500, 500, 256, 256)")
    painter.activate("c")
    painter.generate(PROMPT, Task.FOREGROUND_ON_BACKGROUND, seed=3)
    wait_until(lambda: painter.krita.run("app.action('rotateImage180').isEnabled()"), "Krita to let it be turned")
    painter.krita.run(WATCHED)
    try:
        assert painter.krita.run(f"{TURNED}{SESSION}.look()\nis_free") is False
        wait_until(lambda: painter.krita.run(f"{SEEN} != []"), "the layers to be read")
        steps = len(painter.undo_steps())
        insert = f"{SESSION}.insert({SESSION}.history.entries[0].result)"
        assert painter.krita.run(f"{TURNED}{insert}\nis_free") is False
        wait_until(lambda: len(painter.undo_steps()) == steps + 2, "the image to be turned, and the layer")
        assert set(painter.krita.run(SEEN)) == {True}
    finally:
        painter.krita.run(UNWATCHED)


TOOLS = {"Move": "KritaTransform/KisToolMove", "Transform": "KisToolTransform"}
BRUSH = "trigger('KritaShape/KisToolBrush'); turn_the_event_loop(200)"


def drag_with(painter: Painter, tool: str) -> None:
    """Of the active layer, beside the middle of the canvas; the tool keeps its stroke open."""
    painter.krita.run(f"trigger('{TOOLS[tool]}'); turn_the_event_loop(500)")
    x, y = painter.krita.run("canvas_centre()")
    painter.hands.click_at(x, y)
    time.sleep(0.5)  # else a double click
    painter.hands.drag((x + 60, y + 60), (x + 100, y + 80))  # a transform's own centre is in the middle
    wait_until(lambda: not painter.krita.run(IS_FREE), "a stroke to be open")


@pytest.fixture
def large(painter: Painter) -> Iterator[Painter]:
    """A layer on the whole canvas is active; afterwards the brush is the tool again."""
    painter.new_document(256, 256)
    painter.krita.run("add_paint_layer('large', 0, 0, 256, 256, bytes([20, 200, 40, 255]))")
    painter.activate("large")
    yield painter
    painter.krita.run(BRUSH)


def drag_while_a_job_runs(painter: Painter, engine: Engine, tool: str) -> set[str]:
    """The layers before."""
    painter.set_up(PROMPT)
    before = painter.layer_ids()
    with engine.worker_held():
        engine.new_job(painter.press_generate)
        drag_with(painter, tool)
    return before


@pytest.mark.parametrize("tool", TOOLS)
def test_a_press_ends_what_a_tool_keeps_open(large: Painter, tool: str) -> None:
    """As Krita's own commands do: what is seen is sent, what was done is an undo step, and the layer comes."""
    large.set_up(PROMPT, Task.FOREGROUND_ON_BACKGROUND)
    before = large.layer_ids()
    drag_with(large, tool)
    large.press_generate()
    large.wait_for_layer(before)
    assert large.undo_steps()[-2] == tool
    assert large.krita.run("node('large').bounds().x()") > 0
    large.wait_for_end()
    assert large.message() == ""


def test_a_layer_comes_although_a_tool_keeps_its_stroke_open(large: Painter, engine: Engine) -> None:
    """Nobody thinks of a move as not done."""
    before = drag_while_a_job_runs(large, engine, "Move")
    large.wait_for_layer(before)
    assert large.undo_steps()[-2] == "Move"


def test_a_transform_is_not_taken_out_of_the_painters_hands(large: Painter, engine: Engine) -> None:
    """The layer waits, which is said, and comes as soon as it is applied."""
    before = drag_while_a_job_runs(large, engine, "Transform")
    large.wait_for_message("at work", "transform")
    assert large.layer_ids() == before
    large.hands.keys("Return")
    large.wait_for_layer(before)
    large.wait_for_end()
    assert large.message() == ""


def test_locked_layer_is_neither_changed_nor_in_the_way(painter: Painter) -> None:
    paint_document(painter)
    painter.activate("below")
    painter.krita.run("node('below').setLocked(True)")
    before = painter.fingerprint()
    layer = painter.generate(PROMPT)
    assert (layer["parent"], layer["index"]) == ("root", 2)
    assert untouched(before, painter.fingerprint())


def test_nothing_is_put_into_a_locked_group(painter: Painter) -> None:
    paint_document(painter)
    painter.activate("tree")
    painter.krita.run("node('garden').setLocked(True)")
    before = painter.fingerprint()
    painter.set_up(PROMPT)
    painter.press_generate()
    painter.wait_for_message("garden", "locked", "unlock")
    assert painter.fingerprint() == before
