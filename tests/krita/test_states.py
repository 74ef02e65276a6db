"""Whatever is active, selected, shown or done meanwhile: the layer lands beside what was active, and undo returns all.

Each test works through many states in one document, with jobs that give a layer back as it is: they need no model.
"""

from __future__ import annotations

from typing import Any

import pytest

from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import Task
from tests.krita.harness.engine import Engine
from tests.krita.harness.painter import Layer, Painter
from tests.krita.harness.scenes import paint_document, untouched
from tests.krita.harness.waiting import wait_until
from tests.krita.test_regions import ALLOW_IDENTITY

AREA = Bounds(10, 10, 80, 60)
_PAINTED = "add_paint_layer('{name}', 20, 20, 40, 40, bytes([1, 2, 200, 255]), above='above'); "
_MASKED = _PAINTED + "s = Selection(); s.select(0, 0, 320, 256, 255); node('{name}').addChildNode({mask}, None)"
_SVG = '<svg xmlns="http://www.w3.org/2000/svg"><rect x="20" y="20" width="40" height="40" fill="#c02020"/></svg>'
_ATTACH = "document().rootNode().addChildNode({made}, node('above'))"
# What makes the node that becomes active, by its name; the layer that it belongs to has that name, too, or “of ”+name.
NODES = {
    "clone": _ATTACH.format(made="document().createCloneLayer('clone', node('below'))"),
    "fill": "i = InfoObject(); i.setProperty('color', '#ff0000'); "
    + _ATTACH.format(made="document().createFillLayer('fill', 'color', i, Selection())"),
    "filter": "s = Selection(); s.select(0, 0, 320, 256, 255); "
    + _ATTACH.format(made="document().createFilterLayer('filter', app.filter('invert'), s)"),
    "vector": f"l = document().createVectorLayer('vector'); {_ATTACH.format(made='l')}; l.addShapesFromSvg('{_SVG}')\n"
    "while not any(bytes(l.projectionPixelData(30, 30, 1, 1))): turn_the_event_loop(20)",  # Krita draws shapes later
    "passes through": "add_group('passes through', above='above'); node('passes through').setPassThroughMode(True); "
    "add_paint_layer('in it', 20, 20, 40, 40, bytes([1, 2, 200, 255]), parent='passes through')",
    "transform": _MASKED.format(name="of transform", mask="document().createTransformMask('transform')"),
    "filter mask": _MASKED.format(
        name="of filter mask", mask="document().createFilterMask('filter mask', app.filter('invert'), s)"
    ),
    "alpha locked": _PAINTED.format(name="alpha locked") + "node('alpha locked').setAlphaLocked(True)",
    "clipped": _PAINTED.format(name="clipped") + "node('clipped').setInheritAlpha(True)",
    "invisible": _PAINTED.format(name="invisible") + "node('invisible').setVisible(False)",
    "see-through": _PAINTED.format(name="see-through") + "node('see-through').setOpacity(0)",
    "empty": "add_paint_layer('empty', above='above')",
    "animated": _PAINTED.format(name="animated") + "node('animated').enableAnimation()",
}
EMPTY = ("fill", "filter", "see-through", "empty")  # what they show alone
_SETTLE = "document().waitForDone(); document().refreshProjection(); document().waitForDone()"
_IMPORTS = "from krita import InfoObject, Selection\n"


@pytest.fixture
def scene(painter: Painter) -> Painter:
    paint_document(painter)
    painter.krita.run(ALLOW_IDENTITY)
    painter.set_up("", Task.IDENTITY)
    painter.krita.run("select(*box)", box=list(vars(AREA).values()))
    return painter


def given_back(painter: Painter) -> list[Layer]:
    """What a press of Generate adds."""
    before = painter.layer_ids()
    painter.krita.run("_docker('acetate_dock').session.message.value = None")
    painter.press_generate()
    return [painter.wait_for_layer(before)]


def named(painter: Painter, name: str) -> dict[str, Any]:
    return next(layer for layer in painter.layers() if layer["name"] == name)


def lands_beside(painter: Painter, name: str) -> None:
    painter.activate(name)
    owner = f"of {name}" if named(painter, name)["type"].endswith("mask") else name
    before, done = painter.fingerprint(), painter.krita.run("undo_position()")
    (layer,) = given_back(painter)
    there = named(painter, owner)
    assert (layer["parent"], layer["index"]) == (there["parent"], there["index"] + 1)
    shown = Bounds(*layer["bounds"])
    assert shown.is_empty if name in EMPTY else AREA.contains(shown)
    assert untouched(before, painter.fingerprint())
    assert painter.krita.run("undo_position()") == done + 1
    painter.undo()
    wait_until(lambda: painter.fingerprint()["nodes"] == before["nodes"], "undo")


def test_whatever_kind_of_node_is_active(scene: Painter) -> None:
    wrong = []
    for name, code in NODES.items():
        scene.krita.run(f"{_IMPORTS}{code}\n{_SETTLE}")
        try:
            lands_beside(scene, name)
        except (AssertionError, TimeoutError) as error:
            wrong.append(f"{name}: {error}")
    assert not wrong, "\n".join(wrong)


def test_a_hidden_group_is_said(scene: Painter) -> None:
    scene.krita.run("node('garden').setVisible(False)")
    scene.activate("tree")
    (layer,) = given_back(scene)
    assert layer["parent"] == "garden"
    scene.wait_for_message("garden", "hidden")


VIEWS = {
    "mirrored": ("view.setMirror(True)", "view.setMirror(False)"),
    "rotated": ("view.setRotation(30)", "view.setRotation(0)"),
    "wrapped around": ("view.setWrapAroundMode(True)", "view.setWrapAroundMode(False)"),
    "another resolution": ("document().setResolution(300)", "document().setResolution(72)"),
    "zoomed far in": ("view.setZoomLevel(12.0)", "view.setZoomLevel(1.0)"),
}
SELECTIONS = {
    "trigger('deselect')": Bounds(0, 0, 320, 256),  # what was selected before is remembered, and does not count
    "trigger('reselect')": AREA,
    "trigger('deselect'); select(-40, -40, 90, 80)": Bounds(0, 0, 50, 40),
    "select(*box); trigger('invert_selection')": Bounds(0, 0, 320, 256),
}


def test_the_view_and_the_selection_as_they_are(scene: Painter, engine: Engine) -> None:
    scene.activate("below")
    view = "view = app.activeWindow().activeView().canvas(); "
    for name, (change, back) in VIEWS.items():
        scene.krita.run(f"{view}{change}; None")
        try:
            (layer,) = given_back(scene)
            assert engine.request(engine.newest()).bounds == AREA, name
            assert Bounds(*layer["bounds"]) == Bounds(10, 12, 60, 50), name
        finally:
            scene.krita.run(f"{view}{back}; None")
        scene.undo()
    for code, bounds in SELECTIONS.items():
        scene.krita.run(f"{code}; document().waitForDone()", box=list(vars(AREA).values()))
        scene.activate("below")
        given_back(scene)
        assert engine.request(engine.newest()).bounds == bounds, code
        scene.undo()


MEANWHILE = {  # what is done while the job waits, and in which group the layer is then
    "node('garden').setName('park')": "park",
    "node('above').setLocked(True)": "park",
    "add_paint_layer('extra', above='above'); trigger('edit_undo')": "park",
    "t = node('tree'); node('park').removeChildNode(t); document().rootNode().addChildNode(t, node('below'))": "root",
    "document().flatten()": "root",
}


def test_what_is_done_while_the_job_runs(scene: Painter, engine: Engine) -> None:
    given_back(scene)
    scene.undo()
    for code, parent in MEANWHILE.items():
        scene.activate("tree")
        before = scene.layer_ids()
        with engine.worker_held():
            engine.new_job(scene.press_generate)
            scene.krita.run(f"{code}; document().waitForDone(); None")
            there = scene.layer_ids()
        wait_until(lambda there=there: scene.new_layers(there), f"the layer after {code}")
        scene.wait_for_end()
        (layer,) = scene.new_layers(there)
        assert layer["parent"] == parent, code
        assert layer["id"] not in before
        scene.undo()
        wait_until(lambda there=there: scene.layer_ids() == there, f"undo after {code}")
