"""How long Krita's GUI thread answers nobody while a job runs: reading, uploading, waiting, inserting.

A gap is the longest time between two ticks of a 5 ms timer in the driver. What other processes do to a shared
machine only ever lengthens a gap, so the shortest of up to five runs is compared with the limit.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable

import pytest

from acetate.protocol.requests import Task
from tests.krita.harness.display import Display
from tests.krita.harness.engine import Engine
from tests.krita.harness.hands import Hands
from tests.krita.harness.painter import Painter
from tests.krita.harness.process import KritaProcess, start_plain
from tests.krita.harness.scenes import PROMPT
from tests.krita.harness.waiting import wait_until

LIMIT = 50.0  # milliseconds, on an 8-bit sRGB canvas
AT_REST = 25.0  # milliseconds; a new document keeps Krita busy with thumbnails for a while
AFTERMATH = 1.0  # seconds after a layer was added, in which Krita makes its thumbnails
SIDE = 2048  # canvas pixels
RUNS = 5

SRGB8 = {"model": "RGBA", "depth": "U8", "profile": "sRGB-elle-V2-srgbtrc.icc"}
SPACES = {
    "U16": {"model": "RGBA", "depth": "U16", "profile": "sRGB-elle-V2-srgbtrc.icc"},
    "F32": {"model": "RGBA", "depth": "F32", "profile": "sRGB-elle-V2-g10.icc"},
    "CMYKA": {"model": "CMYKA", "depth": "U8", "profile": "Chemical proof"},
}


def measured(krita: KritaProcess, work: Callable[[], object]) -> float:
    """The longest gap while `work` is done, milliseconds; Krita has come to rest before."""
    wait_until(lambda: gap_of_a_second(krita) <= AT_REST, "Krita to be at rest", every=0.0, timeout=60)
    krita.run("gap_meter.start()")
    work()
    longest: float = krita.run("gap_meter.stop()")[0]
    return longest


def gap_of_a_second(krita: KritaProcess) -> float:
    krita.run("gap_meter.start()")
    time.sleep(1.0)
    longest: float = krita.run("gap_meter.stop()[0]")
    return longest


def best_of(runs: int, measure: Callable[[], float], limit: float) -> list[float]:
    """Gaps of one run after the other, until one is within the limit."""
    gaps: list[float] = []
    while len(gaps) < runs and (not gaps or min(gaps) > limit):
        gaps.append(measure())
    return gaps


def gap_of_a_job(painter: Painter, engine: Engine, space: dict[str, str]) -> float:
    """The whole canvas is read, sent, worked on, fetched and inserted: the most that one job can ask for."""
    painter.new_document(SIDE, SIDE, **space)
    painter.set_up(PROMPT, Task.REFINE)

    def job() -> None:
        number = engine.new_job(painter.press_generate)
        engine.wait_for(number, "done", timeout=240)
        painter.wait_for_end()
        assert len(painter.undo_steps()) == 1
        time.sleep(AFTERMATH)

    gap = measured(painter.krita, job)
    painter.krita.run("close_documents()")
    return gap


def duplicate_layer(krita: KritaProcess) -> None:
    krita.run("app.action('duplicatelayer').trigger()")
    time.sleep(AFTERMATH)


@pytest.fixture(scope="module")
def own_gaps(display: Display) -> tuple[float, float]:
    """Krita without the plugin: idle for five seconds, and while it duplicates the only layer."""
    krita = start_plain(display)
    try:
        krita.run("fill_screen(); new_document(side, side)", side=SIDE)
        idle = measured(krita, lambda: time.sleep(5.0))
        return idle, measured(krita, lambda: duplicate_layer(krita))
    finally:
        krita.quit()
        krita.home.remove()


@pytest.mark.timed
@pytest.mark.timeout(900)
def test_a_job_on_a_large_8_bit_canvas_never_holds_up_the_painter(
    painter: Painter, engine: Engine, own_gaps: tuple[float, float], record: Callable[[str], None]
) -> None:
    painter.new_document(64, 64)
    painter.generate(PROMPT)  # starts the engine and loads the model
    gaps = best_of(RUNS, lambda: gap_of_a_job(painter, engine, SRGB8), LIMIT)
    record(f"Krita without the plugin: idle {own_gaps[0]:.0f} ms, duplicating a layer {own_gaps[1]:.0f} ms")
    record(f"sRGB 8 bit, {SIDE}²: {', '.join(f'{gap:.0f}' for gap in gaps)} ms (limit {LIMIT:.0f})")
    assert min(gaps) <= LIMIT


@pytest.mark.timed
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", SPACES)
def test_gaps_in_other_colour_spaces_are_reported(
    painter: Painter, engine: Engine, name: str, record: Callable[[str], None]
) -> None:
    """No limit is promised here: Krita converts on the GUI thread. What it takes is printed, and a layer arrives."""
    gap = gap_of_a_job(painter, engine, SPACES[name])
    record(f"{name}, {SIDE}²: {gap:.0f} ms")


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
    painter.new_document(4096, 4096)
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


MANY = int(os.environ.get("ACETATE_GAP_RUNS", "30"))
MEDIAN, WORST = 33.0, 50.0  # milliseconds; where Krita by itself takes longer, that is the limit
ROW = """
view = widget('acetate_history'); scroll_to(view); box = view.visualItemRect(view.item(row % view.count()))
point = view.viewport().mapToGlobal(box.center()); [point.x(), point.y()]
"""


def gap_of_strokes(krita: KritaProcess, between: Callable[[], object] = lambda: None) -> float:
    """The longest while strokes are painted across the middle, and something is done after each."""
    hands = Hands(krita)
    x, y = krita.run("canvas_centre()")
    krita.run("gap_meter.start()")
    for step in range(4):
        hands.drag((x - 60, y - 40 + 20 * step), (x + 60, y + 40 - 20 * step))
        between()
    time.sleep(AFTERMATH)
    longest: float = krita.run("gap_meter.stop()")[0]
    return longest


@pytest.fixture(scope="module")
def own_strokes(display: Display) -> list[float]:
    """The same strokes in Krita without the plugin."""
    krita = start_plain(display)
    try:
        krita.run("fill_screen(); new_document(4096, 4096)")
        return [gap_of_strokes(krita) for _ in range(MANY)]
    finally:
        krita.quit()
        krita.home.remove()


@pytest.mark.timed
@pytest.mark.timeout(3600)
def test_gaps_while_previews_come_live_paints_and_results_are_browsed(
    painter: Painter, engine: Engine, own_strokes: list[float], record: Callable[[str], None]
) -> None:
    """4096², 8 bit; the longest gap of each run, beside that of Krita alone. ACETATE_GAP_RUNS: how many."""
    painter.new_document(4096, 4096)
    painter.krita.run("select(1000, 1000, 512, 512)")
    for seed in (1, 2):
        painter.generate(PROMPT, seed=seed)
    painter.krita.run("trigger('deselect'); widget('acetate_live').setChecked(True)")
    gaps = []
    try:
        for run in range(MANY):
            painter.krita.run("select(x, 1000, 512, 512); trigger('deselect')", x=1000 + run)
            engine.new_job(painter.press_generate)
            gaps.append(gap_of_strokes(painter.krita, lambda run=run: browse(painter, run)))
            painter.wait_for_end()
    finally:
        painter.krita.run("widget('acetate_live').setChecked(False)")
    for name, found in (("Krita without the plugin", own_strokes), ("live, a job and the list", gaps)):
        record(f"{name}, {len(found)} runs: median {statistics.median(found):.0f} ms, worst {max(found):.0f} ms")
    assert statistics.median(gaps) <= max(MEDIAN, statistics.median(own_strokes))
    assert max(gaps) <= max(WORST, *own_strokes)


def browse(painter: Painter, row: int) -> None:
    """A pointer rests on a result, which is shown on the canvas."""
    painter.hands.move_to(*painter.krita.run(ROW, row=row))
    time.sleep(0.3)
