"""The docker as a painter sees it: what is in sight, the queue, previews on the canvas, a good first picture."""

from __future__ import annotations

import numpy as np
import pytest

from acetate.protocol.geometry import Extent
from tests.krita.harness.engine import Engine
from tests.krita.harness.painter import Painter
from tests.krita.harness.rich import as_eight_bits
from tests.krita.harness.scenes import PROMPT
from tests.krita.harness.waiting import wait_until

JOBS = "[job.request.prompt for job in _docker('acetate_dock').session.jobs]"
CANVAS = """
window = app.activeWindow().qwindow()
veil = window.centralWidget().findChild(QtWidgets.QWidget, 'acetate_canvas_preview')
"""
SEEN = (
    CANVAS
    + """
canvas = veil.parentWidget()
image = canvas.grab().toImage()
[[(c.red(), c.green(), c.blue()) for c in [image.pixelColor(round(p.x()), round(p.y()))]][0]
 for x, y in points for p in [veil._transform.map(QtCore.QPointF(x + 0.5, y + 0.5))]]
"""
)


def test_the_docker_fits_into_a_narrow_dock(painter: Painter) -> None:
    """Nothing is wider than 220 pixels; what is always needed does not scroll away."""
    painter.new_document(64, 64)
    code = """
dock = _docker('acetate_dock')
window = app.activeWindow().qwindow()
window.resizeDocks([dock, _docker('KisLayerBox')], [1, 1], QtCore.Qt.Orientation.Horizontal)
turn_the_event_loop(200)
[dock.minimumSizeHint().width(), dock.widget().minimumSizeHint().width()]
"""
    assert max(painter.krita.run(code)) <= 220
    pinned = "[widget(name).mapTo(_docker('acetate_dock'), QtCore.QPoint(0, 0)).y() for name in names]"
    names = ["acetate_task", "acetate_prompt", "acetate_generate"]
    before = painter.krita.run(pinned, names=names)
    painter.krita.run("scroll_to(widget('acetate_copy_settings'))")
    assert painter.krita.run(pinned, names=names) == before


def test_the_prompt_grows_with_what_is_typed(painter: Painter) -> None:
    """All of it is seen, up to eight lines."""
    painter.new_document(64, 64)
    heights = []
    for count in (1, 12, 20):
        painter.krita.run("widget('acetate_prompt').setPlainText('a hot air balloon, ' * count)", count=count)
        hidden = "turn_the_event_loop(100); widget('acetate_prompt').verticalScrollBar().maximum()"
        assert painter.krita.run(hidden) == 0, count
        heights.append(painter.krita.run("widget('acetate_prompt').height()"))
    assert heights == sorted(set(heights))


def test_a_row_for_each_job_and_each_can_be_ended(painter: Painter, engine: Engine) -> None:
    painter.new_document(128, 128)
    painter.generate("a star")  # the engine is there
    prompts = ["a red apple", "a green pear", "a lemon", "a blue cup"]
    with engine.worker_held():
        for prompt in prompts:
            painter.set_up(prompt)
            engine.new_job(painter.press_generate)
        assert painter.krita.run(JOBS) == prompts
        painter.hands.click("acetate_job_cancel_1")
        wait_until(lambda: "a green pear" not in painter.krita.run(JOBS), "the second job to end")
        assert "a red apple" in painter.krita.run(JOBS)
        assert not painter.message()
        painter.hands.click("acetate_cancel_all")
    painter.wait_for_message("All jobs are cancelled")
    wait_until(lambda: painter.krita.run(JOBS) == [], "all jobs to end")
    before = painter.layer_ids()
    painter.take_offer()
    wait_until(lambda: len(painter.krita.run(JOBS)) == 3, "all jobs to be there again")
    assert painter.krita.run(JOBS) == ["a red apple", "a lemon", "a blue cup"]
    painter.wait_for_end()
    assert len(painter.new_layers(before)) == 3


@pytest.mark.parametrize(
    "view",
    [
        "pass",
        "app.activeWindow().activeView().canvas().setZoomLevel(2.0)",
        "app.activeWindow().activeView().canvas().setRotation(30)",
        "trigger('mirror_canvas')",
    ],
)
def test_a_result_is_shown_on_the_canvas_before_it_is_inserted(painter: Painter, engine: Engine, view: str) -> None:
    painter.new_document(256, 192)
    painter.krita.run("select(64, 48, 96, 96)")
    painter.generate(PROMPT)
    made = as_eight_bits(engine.picture(engine.newest(), 0))
    painter.undo()
    painter.krita.run(f"trigger('deselect'); {view}; turn_the_event_loop(200)")
    try:
        before, steps = painter.fingerprint(), painter.undo_steps()
        x, y = painter.krita.run(
            "view = widget('acetate_history'); scroll_to(view); box = view.visualItemRect(view.item(0));"
            "point = view.viewport().mapToGlobal(box.center()); [point.x(), point.y()]"
        )
        painter.hands.move_to(x, y)
        wait_until(lambda: painter.krita.run(CANVAS + "veil is not None and veil.isVisible()"), "the preview")
        solid = [(int(x), int(y)) for y, x in np.argwhere(made[..., 3] == 255)[::97]]
        points = [[64 + x, 48 + y] for x, y in solid]
        expected = np.array([made[y, x, :3] for x, y in solid], float)

        def is_shown() -> bool:
            seen = np.array(painter.krita.run(SEEN, points=points), float)
            return bool(np.median(np.abs(seen - expected)) < 12)

        wait_until(is_shown, "the result where it belongs")
        assert painter.fingerprint() == before
        assert painter.undo_steps() == steps
        painter.hands.move_to(*painter.krita.run("canvas_centre()"))
        wait_until(lambda: painter.krita.run(CANVAS + "veil is None or not veil.isVisible()"), "no preview")
    finally:
        painter.krita.run(
            "canvas = app.activeWindow().activeView().canvas(); canvas.setRotation(0)\n"
            "if canvas.mirror(): trigger('mirror_canvas')"
        )


def test_a_layer_on_a_large_canvas_has_a_good_size_in_the_middle_of_the_view(painter: Painter, engine: Engine) -> None:
    painter.new_document(2480, 1754)
    layer = painter.generate(PROMPT)
    bounds = engine.request(engine.newest()).bounds
    assert bounds.extent == Extent(512, 512)
    assert abs(bounds.x - 984) <= 2 and abs(bounds.y - 621) <= 2
    assert layer["parent"] == "root"
