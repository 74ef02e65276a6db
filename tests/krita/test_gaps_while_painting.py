"""How long Krita's GUI thread answers nobody while previews come, Live draws, and results are browsed."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.krita.harness.display import Display
from tests.krita.harness.engine import Engine
from tests.krita.harness.gaps import AFTERMATH, RUNS, assert_smooth, in_words, longest_gap
from tests.krita.harness.hands import Hands
from tests.krita.harness.painter import Painter
from tests.krita.harness.process import KritaProcess, plain_krita
from tests.krita.harness.scenes import PROMPT
from tests.krita.harness.waiting import wait_until
from tests.krita.test_live import LIVE

SIDE = 4096  # canvas pixels
LONG = {"steps": 200, "images": 4}  # a job that is still under way when the strokes are done
ROW = """
view = widget('acetate_history'); scroll_to(view); box = view.visualItemRect(view.item(row % view.count()))
point = view.viewport().mapToGlobal(box.center()); [point.x(), point.y()]
"""
SESSION = "_docker('acetate_dock').session"
ASK = f"for name, value in asked.items(): {SESSION}.settings.values[name].value = value"


def paint(krita: KritaProcess, between: Callable[[], object] = lambda: None) -> None:
    """Strokes across the middle, and something is done after each."""
    hands = Hands(krita)
    x, y = krita.run("canvas_centre()")
    for step in range(4):
        hands.drag((x - 60, y - 40 + 20 * step), (x + 60, y + 40 - 20 * step))
        between()


@pytest.fixture(scope="module")
def own(display: Display) -> list[float]:
    """The same strokes in Krita without the plugin."""
    with plain_krita(display) as krita:
        krita.run("fill_screen(); new_document(side, side)", side=SIDE)
        return [longest_gap(krita, lambda: paint(krita, lambda: time.sleep(0.3))) for _ in range(RUNS)]


@pytest.fixture
def studio_of_two(painter: Painter) -> Painter:
    """A large canvas, and two results in the list."""
    painter.new_document(SIDE, SIDE)
    painter.krita.run("select(1000, 1000, 512, 512)")
    for seed in (1, 2):
        painter.generate(PROMPT, seed=seed)
    painter.krita.run("trigger('deselect')")
    return painter


@pytest.mark.timed
@pytest.mark.timeout(3600)
def test_gaps_while_previews_come(
    studio_of_two: Painter, engine: Engine, own: list[float], record: Callable[[str], None]
) -> None:
    """4096², 8 bit; what a whole job takes, its layer included, is measured elsewhere. ACETATE_GAP_RUNS: how many."""
    painter, gaps = studio_of_two, []
    painter.krita.run(ASK, asked=LONG)
    try:
        for run in range(RUNS):
            engine.new_job(painter.press_generate)
            wait_until(lambda: painter.krita.run(f"bool({SESSION}.jobs[0].preview.value)"), "a preview")
            gaps.append(longest_gap(painter.krita, lambda: paint(painter.krita, lambda: browse(painter, run))))  # noqa: B023  # called in this round
            assert painter.is_busy()
            painter.hands.click("acetate_cancel")
            painter.wait_for_end()
    finally:
        painter.krita.run(ASK, asked={"steps": None, "images": 1})
    record(f"Krita without the plugin: {in_words(own)}; previews come, results are browsed: {in_words(gaps)}")
    assert_smooth(gaps, own)


@pytest.mark.timed
@pytest.mark.timeout(3600)
def test_gaps_while_live_draws(studio_of_two: Painter, own: list[float], record: Callable[[str], None]) -> None:
    """4096², 8 bit; a draft is drawn, and shown on the canvas, in every run. ACETATE_GAP_RUNS: how many."""
    painter, gaps = studio_of_two, []

    def live(run: int) -> None:
        paint(painter.krita, lambda: browse(painter, run))
        wait_until(lambda: painter.krita.run(f"{LIVE}.sketch.value is not None"), "a draft", every=0.3)
        time.sleep(AFTERMATH)

    painter.krita.run("widget('acetate_live').setChecked(True)")
    try:
        for run in range(RUNS):
            painter.krita.run(f"{LIVE}._drop()")
            gaps.append(longest_gap(painter.krita, lambda: live(run)))  # noqa: B023  # called in this round
    finally:
        painter.krita.run("widget('acetate_live').setChecked(False)")
    record(f"Krita without the plugin: {in_words(own)}; Live draws, results are browsed: {in_words(gaps)}")
    assert_smooth(gaps, own)


def browse(painter: Painter, row: int) -> None:
    """A pointer rests on a result, which is shown on the canvas."""
    painter.hands.move_to(*painter.krita.run(ROW, row=row))
    time.sleep(0.3)
