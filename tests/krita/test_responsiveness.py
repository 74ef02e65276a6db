"""How long Krita's GUI thread answers nobody while a job runs: reading, uploading, waiting, inserting."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from acetate.protocol.requests import Task
from tests.krita.harness.display import Display
from tests.krita.harness.engine import Engine
from tests.krita.harness.gaps import AFTERMATH, RUNS, assert_smooth, in_words, longest_gap
from tests.krita.harness.painter import Painter
from tests.krita.harness.process import KritaProcess, plain_krita
from tests.krita.harness.scenes import PROMPT

SIDE = 4096  # canvas pixels
SPACES = {
    "U8": {"model": "RGBA", "depth": "U8", "profile": "sRGB-elle-V2-srgbtrc.icc"},
    "U16": {"model": "RGBA", "depth": "U16", "profile": "sRGB-elle-V2-srgbtrc.icc"},
    "F32": {"model": "RGBA", "depth": "F32", "profile": "sRGB-elle-V2-g10.icc"},
    "CMYKA": {"model": "CMYKA", "depth": "U8", "profile": "Chemical proof"},
}


def duplicates(display: Display, space: dict[str, str]) -> list[float]:
    """Krita without the plugin, while it duplicates a layer as large as the canvas."""
    with plain_krita(display) as krita:
        krita.run("fill_screen(); new_document(side, side, **space)", side=SIDE, space=space)
        return [longest_gap(krita, lambda: duplicate_layer(krita)) for _ in range(RUNS)]


def duplicate_layer(krita: KritaProcess) -> None:
    krita.run("app.action('duplicatelayer').trigger()")
    time.sleep(AFTERMATH)
    krita.run("trigger('edit_undo'); document().waitForDone()")


def gap_of_a_job(painter: Painter, engine: Engine) -> float:
    """The whole canvas is read, sent, worked on, fetched and inserted: the most that one job can ask for."""

    def job() -> None:
        number = engine.new_job(painter.press_generate)
        engine.wait_for(number, "done", timeout=240)
        painter.wait_for_end()
        time.sleep(AFTERMATH)

    gap = longest_gap(painter.krita, job)
    assert len(painter.undo_steps()) == 1
    painter.undo()
    return gap


@pytest.mark.timed
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", SPACES)
def test_a_job_on_a_large_canvas_never_holds_up_the_painter(
    painter: Painter, engine: Engine, display: Display, name: str, record: Callable[[str], None]
) -> None:
    """4096²; the longest gap of each of many jobs, beside Krita's own *Duplicate Layer*. ACETATE_GAP_RUNS: how many."""
    own = duplicates(display, SPACES[name])
    painter.new_document(SIDE, SIDE, **SPACES[name])
    painter.set_up(PROMPT, Task.REFINE)
    gaps = [gap_of_a_job(painter, engine) for _ in range(RUNS)]
    record(f"{name}, {SIDE}²: Krita duplicates a layer: {in_words(own)}; a whole job: {in_words(gaps)}")
    assert_smooth(gaps, own)


POSTED = """
from acetate.qt import GuiThread
gui, done, seen = GuiThread(), [], []
looking = QTimer()
looking.timeout.connect(lambda: seen.append(len(done)))

def work(number):
    time.sleep(0.003)
    done.append(number)
    if number == 5: gui.post(lambda: done.append('later'))
    if number == 8: turn_the_event_loop(1)  # as a window does that waits for an answer
    if number == 11: raise ZeroDivisionError(number)

for number in range(20): gui.post(lambda number=number: work(number))
looking.start(0)
for _ in range(200):
    if len(done) < 21: turn_the_event_loop(5)
looking.stop()
[done, [after - before for before, after in zip([0, *seen], seen)]]
"""


def test_many_small_calls_leave_room_for_other_events(krita: KritaProcess) -> None:
    """What threads post comes in order, but not all in one turn of the event loop."""
    done, at_once = krita.run(POSTED)
    assert done == [*range(20), "later"]
    assert max(at_once) <= 4  # two in a turn, which may be asked for twice
    (error,) = krita.uncaught
    krita.uncaught.clear()
    assert "ZeroDivisionError" in error


STEPS = {
    "Live looks at the document": "session.live._wish()",
    "Live prepares a draft": "session._prepare(host.active_document())",
    "layers below are cloned": "snapshot = host.active_document().snapshot(View(Show.EVERYTHING)); snapshot.close()",
    "a picture is put over the canvas": "preview.show(to_image(picture), Bounds(1024, 1024, 2048, 2048))",
    "the picture over the canvas is followed": "preview._follow()",
    "a result is drawn in the list": "view._renew(0); view.viewport().repaint()",
    "a result of the list is shown on the canvas": "widget('acetate_history').show_preview()",
    "a preview of a job comes": "row._show_png(png)",
}
PREPARED = """
import time
from acetate.krita.host import KritaHost
from acetate.protocol.geometry import Bounds, Extent
from acetate.protocol.pixels import PixelFormat
from acetate.picture import Picture, row_strips
from acetate.session.jobs import Job
from acetate.session.views import Show, View
from acetate.ui.canvas_preview import CanvasPreview
from acetate.ui.checkerboard import to_image
from acetate.ui.queue import JobRow
session, host = _docker('acetate_dock').session, KritaHost()
area = Bounds(0, 0, 1024, 1024)
strips = tuple(b'\\x40\\x80\\xc0\\xff' * (strip.width * strip.height) for strip in row_strips(area, 4))
picture = Picture(area.extent, PixelFormat.RGBA8, strips)
preview = CanvasPreview(_docker('acetate_dock'))
preview.show(to_image(picture), area)
image = to_image(picture).scaled(256, 256)
data = QtCore.QByteArray(); buffer = QtCore.QBuffer(data); buffer.open(QtCore.QIODevice.OpenModeFlag.WriteOnly)
image.save(buffer, 'PNG'); png = bytes(data)
row = JobRow(session, Job(session.history.entries[0].result.request))
view = widget('acetate_history'); view.setCurrentItem(view.item(0))
"""
TIMED = """
found = []
for _ in range(10):
    before = time.thread_time()
    exec(step)
    found.append((time.thread_time() - before) * 1000)
preview.hide(); view.hide_preview()
sorted(found)
"""
STEP_LIMIT = 33.0  # milliseconds of the GUI thread's own processor time: other programs do not count


@pytest.mark.timed
@pytest.mark.timeout(600)
def test_no_step_of_live_previews_or_the_list_takes_a_frame(painter: Painter, record: Callable[[str], None]) -> None:
    """4096², 8 bit. Each step is a turn of the event loop; what it waits for is not counted, only what it computes."""
    painter.new_document(SIDE, SIDE)
    painter.krita.run("select(1000, 1000, 512, 512)")
    painter.generate(PROMPT)
    painter.set_up(PROMPT, Task.FOREGROUND_ON_BACKGROUND)
    slow = {}
    for name, step in STEPS.items():
        times = painter.krita.run(PREPARED + TIMED, step=step, timeout=60)
        record(f"{name}: {times[5]:.1f} ms, at most {times[-1]:.1f}")
        if times[5] > STEP_LIMIT:
            slow[name] = times
    assert not slow
