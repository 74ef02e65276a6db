"""The main job: type, press, go on painting; a transparent layer arrives, in its place, in one undo step."""

from __future__ import annotations

import pytest

from acetate.protocol.geometry import Bounds
from tests.krita.harness.engine import Engine
from tests.krita.harness.painter import Painter
from tests.krita.harness.scenes import PROMPT, assert_holds_the_result, paint_document, untouched
from tests.krita.harness.waiting import wait_until


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
