"""How long Krita's GUI thread answers nobody while a job runs: reading, uploading, waiting, inserting.

A gap is the longest time between two ticks of a 5 ms timer in the driver. What other processes do to a shared
machine only ever lengthens a gap, so the shortest of up to five runs is compared with the limit.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from acetate.protocol.requests import Task
from tests.krita.harness.display import Display
from tests.krita.harness.engine import Engine
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
