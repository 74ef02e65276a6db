"""Every region and every picker, with the identity task where exact pixels are looked at."""

from __future__ import annotations

import numpy as np
import pytest

from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import Task
from tests.krita.harness.engine import Engine
from tests.krita.harness.lists import NAME, click_entry, open_list, wait_for_closed
from tests.krita.harness.painter import Layer, Painter
from tests.krita.harness.pixels import CANVAS
from tests.krita.harness.rich import (
    SPACES,
    as_eight_bits,
    difference,
    rich_document,
    select_ellipse,
    selection,
    shown_alone,
)
from tests.krita.harness.scenes import PROMPT
from tests.krita.harness.waiting import wait_until

TREE = Bounds(50, 40, 70, 70)
BACKGROUNDS = [("below", ("tone", "above")), ("up_to", ("above",)), ("canvas", ())]  # picked, hidden
ALLOW_IDENTITY = """
from acetate.protocol.requests import Task
box = widget('acetate_task')
if box.findData('identity') < 0:
    box._options.append(Task.IDENTITY)
    box.addItem('Identity', 'identity')
"""


@pytest.fixture
def scene(painter: Painter) -> Painter:
    return set_scene(painter, "U8")


def set_scene(painter: Painter, space: str) -> Painter:
    """The rich document with “tree” active and the identity task chosen; the docker as it is at first."""
    rich_document(painter, SPACES[space])
    painter.krita.run(ALLOW_IDENTITY)
    painter.set_up("", Task.IDENTITY)
    painter.krita.run("widget('acetate_more').setChecked(True)")
    reset(painter)
    painter.activate("tree")
    return painter


def reset(painter: Painter) -> None:
    painter.choose("acetate_region", "selection")
    for name, value, unit in (("grow", 0, "px"), ("feather", 0, "px"), ("padding", 25, "%")):
        set_length(painter, name, value, unit)
    if painter.krita.run("document().selection() is not None"):
        painter.krita.run("trigger('deselect')")


def set_length(painter: Painter, name: str, value: int, unit: str) -> None:
    painter.krita.run("widget(name).setValue(value)", name=f"acetate_{name}", value=value)
    painter.choose(f"acetate_{name}_unit", unit)


def generate(painter: Painter) -> Layer:
    before = painter.layer_ids()
    painter.press_generate()
    return painter.wait_for_layer(before)


def pixels_of(painter: Painter, layer: Layer, area: Bounds = CANVAS) -> np.ndarray:
    """(h, w, 4), as Krita holds them."""
    return np.frombuffer(painter.node_pixels(layer, area), np.uint8).reshape(area.height, area.width, 4)


def assert_is_tree(painter: Painter, engine: Engine, bounds: Bounds, mask: np.ndarray | None) -> None:
    """The new layer shows, within `bounds` and times `mask`, what Krita shows of “tree” alone; then it is undone."""
    truth = shown_alone(painter, ("Background", "ground", "leaf", "through", "tone", "above"))
    before = painter.fingerprint()
    layer = generate(painter)
    assert engine.request(engine.newest()).bounds == bounds
    expected = np.zeros_like(truth)
    part = np.s_[bounds.y : bounds.bottom, bounds.x : bounds.right]
    expected[part] = truth[part]
    if mask is not None:
        expected[..., 3] = (expected[..., 3].astype(np.uint32) * mask + 127) // 255
    found = pixels_of(painter, layer)[..., [2, 1, 0, 3]]
    assert np.array_equal(found[..., 3], expected[..., 3])
    visible = expected[..., 3] > 0
    assert np.array_equal(found[visible], expected[visible])
    around = pixels_of(painter, layer, CANVAS.padded(20))[..., 3]
    assert int(around.astype(bool).sum()) == int(visible.sum()), "there are pixels beside the canvas"
    painter.undo()
    assert painter.fingerprint() == before


def test_every_region(scene: Painter, engine: Engine) -> None:
    assert_is_tree(scene, engine, CANVAS, None)  # nothing is selected
    for area in (Bounds(60, 50, 50, 40), Bounds(-30, 60, 120, 200)):
        mask = select_ellipse(scene, area)
        assert_is_tree(scene, engine, area.intersection(CANVAS), mask)
    scene.krita.run("document().selection().invert()")
    assert_is_tree(scene, engine, CANVAS, selection(scene))
    scene.choose("acetate_region", "canvas")
    assert_is_tree(scene, engine, CANVAS, None)
    scene.choose("acetate_region", "layer")
    assert_is_tree(scene, engine, Bounds(50, 40, 70, 70), None)
    set_length(scene, "grow", 10, "%")
    assert_is_tree(scene, engine, Bounds(43, 33, 84, 84), None)


def test_growing_feathering_and_looking_around(scene: Painter, engine: Engine) -> None:
    select_ellipse(scene, Bounds(70, 60, 40, 30))
    set_length(scene, "grow", 4, "px")
    set_length(scene, "feather", 15, "%")  # 6 pixels of 40
    set_length(scene, "padding", 50, "%")
    bounds = Bounds(60, 50, 60, 50)
    assert_is_tree(scene, engine, bounds, selection(scene, 4, 6))
    request = engine.request(engine.newest())
    assert request.context == Bounds(30, 20, 120, 110)
    assert engine.image(request.foreground).extent == request.covered.extent


@pytest.mark.parametrize("space", [name for name in SPACES if name != "U8"])
def test_regions_and_pickers_in_other_spaces(painter: Painter, engine: Engine, space: str) -> None:
    """What is sent is what Krita's own canvas shows there; one undo step takes back what comes."""
    scene = set_scene(painter, space)
    others = ("Background", "ground", "leaf", "through", "tone", "above")
    for region, area, bounds in (
        ("selection", Bounds(60, 50, 50, 40), Bounds(60, 50, 50, 40)),
        ("selection", Bounds(-30, 60, 120, 200), Bounds(0, 60, 90, 84)),
        ("layer", None, Bounds(50, 40, 70, 70)),
        ("canvas", None, CANVAS),
    ):
        scene.choose("acetate_region", region)
        if area:
            select_ellipse(scene, area)
        assert_sends(scene, engine, "foreground", others, bounds)
    scene.choose("acetate_foreground", "active")
    tick(scene, "acetate_foreground", "garden")
    assert_sends(scene, engine, "foreground", ("Background", "ground", "through", "tone", "above"), CANVAS)
    scene.activate("tone")
    scene.set_up(PROMPT, Task.FOREGROUND_ON_BACKGROUND)
    for word, hidden in BACKGROUNDS:
        scene.choose("acetate_background", word)
        assert_sends(scene, engine, "background", hidden, CANVAS)


def assert_sends(scene: Painter, engine: Engine, what: str, hidden: tuple[str, ...], bounds: Bounds) -> None:
    """This condition is the canvas without `hidden`, and the docker shows it; a layer comes, and is undone."""
    truth, before = shown_alone(scene, hidden), scene.fingerprint()
    generate(scene)
    request = engine.request(engine.newest())
    sent, seen = getattr(request, what), request.covered
    assert request.bounds == bounds
    assert scene.krita.run("widget(name).property('digest')", name=f"acetate_sends_{what}") == sent
    part = truth[seen.y : seen.bottom, seen.x : seen.right]
    assert difference(as_eight_bits(engine.image(sent)), part) <= 1
    assert scene.fingerprint() != before
    scene.undo()
    assert scene.fingerprint() == before


def test_selections_that_cannot_be_worked_on(scene: Painter) -> None:
    scene.krita.run("select(500, 500, 20, 20)")
    scene.press_generate()
    scene.wait_for_message("selection is empty, or lies beside the canvas", "select")
    scene.krita.run("trigger('deselect')")
    scene.set_up(PROMPT, Task.INPAINT)
    scene.press_generate()
    scene.wait_for_message("nothing is selected", "select what to repaint")


def test_layers_are_picked_by_clicks(scene: Painter, engine: Engine) -> None:
    """Any number of them; what is shown as sent is what the engine gets, and what Krita's own canvas shows."""
    scene.activate("above")
    tick(scene, "acetate_foreground", "tree", "leaf", "shade")
    layer = generate(scene)
    request = engine.request(engine.newest())
    truth = shown_alone(scene, ("Background", "ground", "tone", "above", layer["name"]))
    assert scene.krita.run("widget('acetate_sends_foreground').property('digest')") == request.foreground
    assert difference(as_eight_bits(engine.image(request.foreground)), truth) <= 1
    scene.undo()
    tick(scene, "acetate_foreground", "tree", "leaf", "shade")  # off again
    assert picked(scene, "acetate_foreground") == ["active"]
    tick(scene, "acetate_foreground", "garden")
    generate(scene)
    truth = shown_alone(scene, ("Background", "ground", "through", "tone", "above", "Identity"))
    assert difference(as_eight_bits(engine.image(engine.request(engine.newest()).foreground)), truth) <= 1


@pytest.mark.parametrize(("word", "hidden"), BACKGROUNDS)
def test_backgrounds_are_shown_as_krita_shows_them(
    scene: Painter, engine: Engine, word: str, hidden: tuple[str, ...]
) -> None:
    """Before anything is sent: the docker looks when the pointer comes to it. Not even a layer style is lost."""
    scene.activate("tone")
    scene.set_up(PROMPT, Task.FOREGROUND_ON_BACKGROUND)
    scene.choose("acetate_background", word)
    truth = shown_alone(scene, hidden)
    before = scene.layer_ids()
    scene.hands.click("acetate_sends_background")
    shown = scene.krita.run("widget('acetate_sends_background').property('digest')")
    scene.press_generate()
    scene.wait_for_layer(before)
    request = engine.request(engine.newest())
    assert shown == request.background
    assert difference(as_eight_bits(engine.image(request.background)), truth) <= 1


def tick(painter: Painter, picker: str, *names: str) -> None:
    """Opens the list and clicks on these layers; each click shows at once."""
    open_list(painter, picker)
    for name in names:
        before = picked(painter, picker)
        click_entry(painter, picker, name, NAME)
        wait_until(lambda before=before: picked(painter, picker) != before, f"{name} to be ticked")
    painter.hands.keys("Escape")
    wait_for_closed(painter, picker)


def picked(painter: Painter, picker: str) -> list[str]:
    found: list[str] = painter.krita.run("list(widget(picker)._picked.value)", picker=picker)
    return found
