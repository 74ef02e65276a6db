"""Live, by a real mouse: drafts over the canvas while strokes go on."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from acetate.protocol.requests import Task
from tests.krita.harness.engine import Engine
from tests.krita.harness.painter import Painter
from tests.krita.harness.scenes import PROMPT
from tests.krita.harness.waiting import wait_until

LIVE = "_docker('acetate_dock').session.live"
SHOWN = f"{LIVE}.sketch.value is not None and {LIVE}.is_up_to_date"
VEIL = "app.activeWindow().qwindow().centralWidget().findChild(QtWidgets.QWidget, 'acetate_canvas_preview') is not None"
PAINTED = "[document().pixelData(round(x), round(y), 1, 1) != document().pixelData(1, 1, 1, 1) for x, y in points]"
WHERE = """
from acetate.krita.view import transform_of
canvas, transform = transform_of(document())
there = transform.inverted()[0]
on_canvas = [QtCore.QPointF(canvas.mapFromGlobal(QPoint(x, y))) for x, y in points]
[[round(point.x()), round(point.y())] for point in map(there.map, on_canvas)]
"""
STROKES = 12


@pytest.fixture
def live(painter: Painter) -> Iterator[Painter]:
    """With a document of 512² and a brush; Live is on."""
    painter.new_document(512, 512)
    painter.krita.run("trigger('KritaShape/KisToolBrush')")
    painter.generate(PROMPT)  # the engine is there
    painter.undo()
    painter.set_up(PROMPT, Task.FOREGROUND_ON_BACKGROUND)
    painter.hands.click("acetate_live")
    yield painter
    painter.krita.run(f"{LIVE}.is_on.value = False")


def wait_for_sketch(painter: Painter) -> None:
    wait_until(lambda: painter.krita.run(SHOWN), "a draft on the canvas")


def test_a_draft_is_shown_and_one_click_keeps_it(live: Painter, engine: Engine) -> None:
    before, steps = live.fingerprint(), live.undo_steps()
    wait_for_sketch(live)
    wait_until(lambda: live.krita.run(VEIL), "the draft over the canvas")
    assert live.fingerprint() == before and live.undo_steps() == steps
    there = live.layer_ids()
    x, y, _ = live.krita.run("place('acetate_live_keep')")
    live.hands.double_click_at(x, y)
    wait_until(lambda: live.new_layers(there), "the layer")
    time.sleep(1.0)
    assert len(live.new_layers(there)) == 1
    assert len(live.undo_steps()) == 1
    assert not live.krita.run(VEIL)
    live.undo()
    assert live.fingerprint() == before


def test_all_strokes_arrive_while_drafts_are_made(live: Painter, engine: Engine) -> None:
    wait_for_sketch(live)
    before, made = live.fingerprint(), len(engine.jobs())
    x, y = live.krita.run("canvas_centre()")
    ends = []
    for index in range(STROKES):
        start, end = (x - 150, y - 160 + 25 * index), (x + 150, y - 150 + 25 * index)
        live.hands.drag(start, end)
        ends += [start, end]
        if index % 4 == 3:
            time.sleep(1.0)  # as a painter who looks
    wait_until(lambda: len(live.undo_steps()) >= STROKES, "all strokes")
    assert len(set(live.undo_steps())) == 1 and len(live.undo_steps()) == STROKES
    points = live.krita.run(WHERE, points=ends)
    assert all(live.krita.run(PAINTED, points=points))
    wait_for_sketch(live)
    assert len(engine.jobs()) > made
    for _ in range(STROKES):
        live.undo()
    assert live.fingerprint() == before


def test_another_prompt_is_drawn_and_the_old_one_given_up(live: Painter, engine: Engine) -> None:
    live.hands.type_into("acetate_prompt", "a green pear, 3d emoji")
    prompt = f"{LIVE}.sketch.value and {LIVE}.sketch.value.work.job.request.prompt"
    wait_until(lambda: live.krita.run(prompt) == "a green pear, 3d emoji", "the new words")
    live.hands.click("acetate_live")
    wait_until(lambda: not live.krita.run(VEIL), "nothing over the canvas")
