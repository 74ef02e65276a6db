"""Each task on pictures from the menu: what comes of it, where, and that one undo takes it back."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

import numpy as np
import pytest

from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import Task
from acetate.protocol.tasks import TASKS
from acetate_engine.paths import models_dir
from tests.engine.conftest import parts  # noqa: F401  # a fixture
from tests.krita.conftest import Studio
from tests.krita.harness.engine import Engine
from tests.krita.harness.painter import Painter
from tests.krita.harness.scenes import untouched
from tests.krita.harness.steps import steps_done
from tests.krita.harness.waiting import wait_until

CANVAS, TOY = Bounds(0, 0, 160, 128), Bounds(60, 40, 40, 50)
_SCENE = """
add_paint_layer('ground', 0, 0, 160, 128, bytes([90, 170, 120, 255]))
add_paint_layer('photo', 0, 0, 160, 128, bytes([90, 170, 120, 255]))
node('photo').setPixelData(bytes([40, 30, 210, 255]) * (40 * 50), 60, 40, 40, 50)
add_paint_layer('toy', 60, 40, 40, 50, bytes([40, 30, 210, 255]))
document().refreshProjection()
document().waitForDone()
"""


@pytest.fixture(scope="module")
def networks(studio: Studio, parts: None) -> None:  # noqa: F811
    """The small networks lie where this engine looks for them."""
    shutil.copytree(
        models_dir() / "parts", studio.home.root / "data" / "acetate" / "models" / "parts", dirs_exist_ok=True
    )


@pytest.fixture
def scene(painter: Painter, engine: Engine, networks: None) -> Painter:
    """A plain ground; a picture of a red toy on that ground; and the toy alone, on top."""
    painter.new_document(CANVAS.width, CANVAS.height)
    painter.krita.run(_SCENE)
    return painter


def trigger(painter: Painter, action: str, active: str) -> None:
    painter.activate(active)
    painter.krita.run("app.action(action).trigger()", action=f"acetate_{action}")
    painter.wait_for_end()


@contextmanager
def taken_back(painter: Painter) -> Iterator[set[str]]:
    """As `one_step`, of what may leave the canvas as it looks: a cut-out above its picture."""
    before, done = painter.fingerprint(), steps_done(painter)
    yield painter.layer_ids()
    assert steps_done(painter) == done + 1
    assert untouched(before, painter.fingerprint())
    painter.undo()
    painter.krita.run("document().waitForDone()")
    assert painter.fingerprint()["nodes"] == before["nodes"]


def draw_box(painter: Painter) -> None:
    """Around the toy."""
    code = """
from acetate.protocol.geometry import Bounds
_docker('acetate_dock').session.settings.box.value = Bounds(x, y, width, height)
"""
    painter.krita.run(code, **asdict(TOY.padded(6)))


@pytest.mark.parametrize(
    ("action", "active", "names", "is_below"),
    [
        ("cut_out", "photo", ["Subject"], False),
        ("remove_subject", "photo", ["Behind"], False),
        ("split_layer", "photo", ["Background", "Subject"], False),
        ("contact_shadow", "toy", ["Contact shadow"], True),
        ("cast_shadow", "toy", ["Cast shadow"], True),
        ("reflect_layer", "toy", ["Reflection"], True),
        ("match_light", "toy", ["Light"], False),
        ("enlarge_layer", "toy", ["Enlarged 2×"], False),
    ],
)
def test_a_task_makes_its_layers_in_one_step(
    scene: Painter, action: str, active: str, names: list[str], is_below: bool
) -> None:
    if action in ("cut_out", "remove_subject", "split_layer"):
        draw_box(scene)
    with taken_back(scene) as before:
        trigger(scene, action, active)
        made = [layer for layer in scene.new_layers(before) if layer["type"] == "paintlayer"]
        assert [layer["name"] for layer in made] == names, scene.message()
        (of,) = [layer for layer in scene.layers() if layer["name"] == active]
        (top,) = [layer for layer in scene.new_layers(before) if layer["parent"] == "root"]
        assert top["index"] == of["index"] + (-1 if is_below else 1)
        alpha = scene.shown_pixels(made[-1], CANVAS)[..., 3]
        assert alpha.any()
        if action == "cut_out":
            inside = np.zeros(alpha.shape, bool)
            inside[TOY.y : TOY.bottom, TOY.x : TOY.right] = True
            assert alpha[inside].mean() > 0.9 and alpha[~inside].mean() < 0.1
        if action == "match_light":
            assert scene.krita.run("node('Light').inheritAlpha()")
            assert not alpha[: TOY.y].any()


@pytest.mark.parametrize("way", ["docker", "menu"])
def test_transparency_as_a_mask_looks_the_same_and_is_one_step(scene: Painter, way: str) -> None:
    trigger(scene, "cast_shadow", "toy")
    plain = _canvas(scene)
    scene.undo()
    scene.krita.run("document().waitForDone()")
    if way == "docker":
        scene.krita.run("widget('acetate_more').setChecked(True); widget('acetate_as_mask').setChecked(True)")
    else:
        scene.krita.run("app.action('acetate_mask_layers').trigger()")
    with taken_back(scene) as before:
        trigger(scene, "cast_shadow", "toy")
        layer, mask = sorted(scene.new_layers(before), key=lambda one: one["type"])
        assert (layer["type"], mask["type"], mask["parent"]) == ("paintlayer", "transparencymask", "Cast shadow")
        alpha = np.frombuffer(scene.node_pixels(layer, CANVAS), np.uint8)[3::4]
        coverage = np.frombuffer(scene.node_pixels(mask, CANVAS), np.uint8)
        assert alpha[coverage < 255].any() and set(alpha[coverage < 255]) <= {0, 255} and 0 < coverage.min() + 1 < 255
        assert np.abs(_canvas(scene).astype(int) - plain).max() <= 1
    scene.krita.run("_docker('acetate_dock').session.settings.as_mask.value = False")


def _canvas(painter: Painter, width: int = CANVAS.width, height: int = CANVAS.height) -> np.ndarray:
    code = "document().refreshProjection(); document().waitForDone(); list(bytes(document().pixelData(0, 0, w, h)))"
    return np.array(painter.krita.run(code, w=width, h=height), np.uint8)


def test_the_subject_is_selected(scene: Painter) -> None:
    before = scene.layer_ids()
    draw_box(scene)
    trigger(scene, "select_subject", "photo")
    (mask,) = scene.new_layers(before)
    assert mask["type"] == "selectionmask" and mask["parent"] == "root", scene.message()  # Krita's global selection
    found = scene.krita.run(
        "selection = document().selection(); [selection.x(), selection.y(), selection.width(), selection.height()]"
    )
    assert np.abs(np.subtract(found, (TOY.x, TOY.y, TOY.width, TOY.height))).max() <= 3


def test_what_lies_beyond_the_canvas_reaches_beyond_it_in_one_step(scene: Painter) -> None:
    with taken_back(scene) as before:
        trigger(scene, "expand_canvas", "photo")
        (made,) = scene.new_layers(before)
        shown = scene.shown_pixels(made, CANVAS.padded(40))  # a quarter of the longer side
        assert made["name"] == "Beyond" and (shown[:40, :, 3] == 1).all() and not shown[60:100, 70:170, 3].any()
        assert np.abs(shown[0, 0, :3] - np.array([120, 170, 90]) / 255).max() < 0.02


def test_kritas_own_trim_makes_the_canvas_as_large_as_what_lies_beyond(scene: Painter) -> None:
    before, shown, done = scene.fingerprint(), _canvas(scene), steps_done(scene)
    trigger(scene, "expand_canvas", "photo")
    trim = scene.krita.run("app.action('resizeimagetolayer').text().replace('&', '')")
    assert "Beyond" in scene.message() and trim in scene.message()
    scene.krita.run("app.action('resizeimagetolayer').trigger(); document().waitForDone()")
    assert scene.krita.run("[document().width(), document().height()]") == [CANVAS.width + 80, CANVAS.height + 80]
    wide = _canvas(scene, CANVAS.width + 80, CANVAS.height + 80).reshape(CANVAS.height + 80, CANVAS.width + 80, 4)
    middle, seam = wide[40:-40, 40:-40], 8
    was = shown.reshape(CANVAS.height, CANVAS.width, 4)
    assert (wide[..., 3] == 255).all()
    assert np.array_equal(middle[seam:-seam, seam:-seam], was[seam:-seam, seam:-seam])
    assert steps_done(scene) == done + 2  # scripts of Krita cannot do both in one
    for _ in range(2):
        scene.undo()
    scene.krita.run("document().waitForDone()")
    assert scene.fingerprint()["nodes"] == before["nodes"] and np.array_equal(_canvas(scene), shown)


_CLICKS = "[[it.x, it.y, it.is_on] for it in _docker('acetate_dock').session.settings.clicks.value]"
_LOOKS = """
image = widget('acetate_subject').grab().toImage(); digest(image.constBits().asstring(image.sizeInBytes()))
"""
_FOCUSED = "QApplication.focusWidget().objectName()"


def test_where_the_subject_is_can_be_said_without_a_mouse(scene: Painter) -> None:
    scene.activate("photo")
    scene.choose("acetate_task", Task.EXTRACT.value)
    wait_until(lambda: scene.krita.run("not widget('acetate_subject')._image.isNull()"), "the layer to be shown")
    scene.krita.run("widget('acetate_most').setFocus()")
    scene.hands.keys("Tab")
    wait_until(lambda: scene.krita.run(_FOCUSED) == "acetate_subject", "Tab to come to the picture")
    focused = scene.krita.run(_LOOKS)
    scene.krita.run("widget('acetate_most').setFocus()")
    assert scene.krita.run(_LOOKS) != focused
    scene.hands.keys("Tab")
    scene.hands.keys("space", "shift+Right", "shift+Right", *["Right"] * 5, "shift+Down", "shift+space", "Up", "Return")
    middle = (CANVAS.width // 2, CANVAS.height // 2)
    step = round(6 * CANVAS.width / scene.krita.run("widget('acetate_subject')._area().width()"))
    wait_until(lambda: len(scene.krita.run(_CLICKS)) == 3, "three clicks", 20.0)
    x, y = middle[0] + 2 + 5 * step, middle[1] + 1
    assert scene.krita.run(_CLICKS) == [[*middle, True], [x, y, False], [x, y - step, True]]
    scene.hands.keys("Delete", "shift+Down")
    wait_until(lambda: len(scene.krita.run(_CLICKS)) == 2, "Delete to take the last one back")
    nodes = scene.layer_ids()
    scene.hands.keys("Delete", "Delete", "Delete")
    wait_until(lambda: scene.krita.run(_CLICKS) == [], "Delete to take all of them back")
    assert scene.layer_ids() == nodes and _canvas(scene).any()  # Delete is Krita's, too


_LEFT = """
turn_the_event_loop(100)
[widget(name).mapTo(_docker('acetate_dock'), QPoint()).x() for name in ('acetate_foreground', 'acetate_region', beside)]
"""


def test_rows_of_a_task_stand_under_the_others(scene: Painter) -> None:
    for task, name in ((Task.EXTRACT, "most"), (Task.UPSCALE, "factor"), (Task.CAST_SHADOW, "angle")):
        scene.choose("acetate_task", task.value)
        assert len(set(scene.krita.run(_LEFT, beside=f"acetate_{name}"))) == 1, task


def test_rows_are_there_for_the_task_that_has_them(scene: Painter) -> None:
    seen = {}
    for task in (Task.CAST_SHADOW, Task.UPSCALE, Task.EXPAND, Task.EXTRACT, Task.FOREGROUND_ON_BACKGROUND):
        scene.choose("acetate_task", task.value)
        code = "[name for name in names if has_widget(f'acetate_{name}')]"
        seen[task] = scene.krita.run(code, names=["angle", "softness", "factor", "margin", "most", "subject", "settle"])
    assert seen == {
        Task.CAST_SHADOW: ["angle", "softness"],
        Task.UPSCALE: ["factor"],
        Task.EXPAND: ["margin"],
        Task.EXTRACT: ["most", "subject"],
        Task.FOREGROUND_ON_BACKGROUND: ["settle"],
    }


_ROWS = """
turn_the_event_loop(50)
dock = _docker('acetate_dock')
there = {name: dock.findChild(QWidget, f'acetate_{name}').isVisible() for name in names}
used = dock.session.settings.used.value
[sorted(name for name in names if there[name]), sorted(name for name, setting in names.items() if setting in used)]
"""
ROWS = {  # object names, and what Settings.used calls them
    **{name: name for name in ("prompt", "negative_prompt", "background_prompt", "foreground_prompt")},
    **{name: name for name in ("blended_prompt", "background", "foreground", "strength", "outcome", "region")},
    **{name: name for name in ("preset", "seed", "images", "grow", "feather", "padding", "steps", "finish", "as_mask")},
    **{name: name for name in ("factor", "margin", "settle", "most")},
    **{name: f"light.{name}" for name in ("angle", "length", "softness", "opacity")},
    "preset_choice": "model",  # which it holds, too
    "subject": "box",
    "sampler": "scheduler",
    "guidance": "guidance_scale",
}


def test_each_task_shows_what_it_uses_and_no_more(scene: Painter) -> None:
    scene.krita.run("widget('acetate_more').setChecked(True)")
    for task, traits in TASKS.items():
        if traits.is_offered:
            scene.choose("acetate_task", task.value)
            shown, used = scene.krita.run(_ROWS, names=ROWS)
            assert shown == used, task
    scene.choose("acetate_task", Task.FOREGROUND_ON_BACKGROUND.value)
    before, _ = scene.krita.run(_ROWS, names=ROWS)
    scene.krita.run("widget('acetate_settle').setChecked(True)")
    after, used = scene.krita.run(_ROWS, names=ROWS)
    assert after == used and set(after) - set(before) == {"softness", "opacity"}
    scene.krita.run("widget('acetate_settle').setChecked(False)")
