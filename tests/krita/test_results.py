"""The list of results and the queue, by real clicks: stars, discards, where a result goes, what is made first."""

from __future__ import annotations

import time

from acetate.protocol.geometry import Bounds
from tests.krita.harness.engine import Engine
from tests.krita.harness.painter import Painter
from tests.krita.harness.scenes import PROMPT
from tests.krita.harness.steps import steps_done
from tests.krita.harness.waiting import wait_until

ITEM = """
view = widget('acetate_history'); scroll_to(view); box = view.visualItemRect(view.item(row))
point = view.viewport().mapToGlobal(box.center()); [point.x(), point.y()]
"""
COUNT = "view = widget('acetate_history'); sum(not view.item(row).isHidden() for row in range(view.count()))"
VEIL = "app.activeWindow().qwindow().centralWidget().findChild(QtWidgets.QWidget, 'acetate_canvas_preview') is not None"
STARRED = "[entry.is_starred for entry in _docker('acetate_dock').session.history.entries]"
JOBS = "[job.request.prompt for job in _docker('acetate_dock').session.jobs]"


def choose(painter: Painter, row: int) -> None:
    """Without inserting it: a click shows it on the canvas."""
    if not painter.krita.run("widget('acetate_results_look').isChecked()"):
        painter.hands.click("acetate_results_look")
    painter.hands.click_at(*painter.krita.run(ITEM, row=row))
    wait_until(lambda: painter.krita.run("has_widget('acetate_result_star')"), "the buttons of the result")


def test_a_tap_looks_first_and_everything_is_reached_from_there(painter: Painter, engine: Engine) -> None:
    painter.new_document(192, 160)
    painter.krita.run("widget('acetate_more').setChecked(True); widget('acetate_images').setValue(2)")
    painter.generate(PROMPT)
    painter.undo()
    there, before = painter.layer_ids(), painter.fingerprint()
    choose(painter, 1)
    wait_until(lambda: painter.krita.run(VEIL), "the result over the canvas")
    painter.hands.move_to(*painter.krita.run("canvas_centre()"))
    time.sleep(0.4)
    assert painter.krita.run(VEIL)  # a pen that is lifted leaves the list, too
    assert painter.layer_ids() == there and painter.fingerprint() == before

    # compared: pressed, it is gone
    x, y, _ = painter.krita.run("place('acetate_result_compare')")
    painter.hands.press_at(x, y)
    wait_until(lambda: not painter.krita.run(VEIL), "the canvas without it")
    painter.hands.release()
    wait_until(lambda: painter.krita.run(VEIL), "the canvas with it again")

    # starred, the other thrown away; another Krita knows
    painter.hands.click("acetate_result_star")
    wait_until(lambda: painter.krita.run(STARRED)[:2] == [False, True], "the star")
    choose(painter, 0)
    count = painter.krita.run("widget('acetate_history').count()")
    painter.hands.click("acetate_result_discard")
    wait_until(lambda: painter.krita.run("widget('acetate_history').count()") == count - 1, "the result to go")
    painter.hands.click("acetate_results_starred")
    wait_until(lambda: painter.krita.run(COUNT) == 1, "only the one with a star")
    painter.hands.click("acetate_results_starred")

    # into a group
    painter.krita.run("add_group('group'); activate('group')")
    painter.activate("group")
    choose(painter, 0)
    painter.hands.click("acetate_result_apply")
    x, y = wait_until(lambda: painter.krita.run("menu_entry('Into the active group')"), "the menu")
    painter.hands.click_at(x, y)
    wait_until(lambda: [it for it in painter.layers() if it["parent"] == "group"], "the layer in the group")
    painter.hands.click("acetate_results_look")


def test_results_are_listed_for_the_picture_that_they_were_made_for(painter: Painter) -> None:
    painter.new_document(96, 96)
    painter.generate(PROMPT)
    painter.choose("acetate_results_of", 1)  # type: ignore[arg-type]  # the data of its entries
    wait_until(lambda: painter.krita.run(COUNT) == 1, "this picture's result")
    painter.new_document(64, 64)
    wait_until(lambda: painter.krita.run(COUNT) == 0, "none of another picture")
    painter.choose("acetate_results_of", 0)  # type: ignore[arg-type]
    assert painter.krita.run(COUNT) >= 1
    more_are_listed_at_a_press(painter)


def more_are_listed_at_a_press(painter: Painter) -> None:
    """Of a long list only the newest are in it at first."""
    painter.generate(PROMPT, seed=11)
    every = painter.krita.run(COUNT)
    painter.krita.run("panel = _docker('acetate_dock')._results; panel._most = 1; panel.refresh()")
    assert painter.krita.run(COUNT) == 1 < every
    painter.hands.click("acetate_results_older")
    wait_until(lambda: painter.krita.run(COUNT) == every, "all of them")


VARY = "button = widget('acetate_result_vary'); [button.isEnabled(), button.toolTip()]"
VARY_ENTRY = """
menu = QApplication.activePopupWidget()
[[it.isEnabled(), it.toolTip()] for it in menu.actions() if it.text().startswith('Vary')] if menu else None
"""
SAME = "“Reflection” comes out the same with any seed"


def test_what_has_no_seed_is_not_varied(painter: Painter, engine: Engine) -> None:
    painter.new_document(128, 96)
    painter.generate(PROMPT)
    before = painter.layer_ids()
    painter.krita.run("app.action('acetate_reflect_layer').trigger()")
    mirrored = painter.wait_for_layer(before)
    choose(painter, 1)
    assert painter.krita.run(VARY) == [True, "Vary: another seed."]
    choose(painter, 0)
    wait_until(lambda: painter.krita.run(VARY) == [False, SAME], "the button to say why")
    with_keys(painter, "Menu")
    assert wait_until(lambda: painter.krita.run(VARY_ENTRY), "the menu") == [[False, SAME]]
    painter.hands.keys("Escape")

    # the layer itself: the row beneath says so to a pointer, the menu in a message
    painter.activate(mirrored["name"])
    jobs = len(engine.jobs())
    x, y, _ = painter.krita.run("place('acetate_vary')")
    painter.hands.move_to(x, y)
    wait_until(lambda: painter.krita.run("widget('acetate_vary').toolTip()") == SAME, "the row to say why")
    assert not painter.krita.run("widget('acetate_vary').isEnabled()")
    painter.hands.move_to(*painter.krita.run("canvas_centre()"))
    wait_until(lambda: painter.krita.run("widget('acetate_vary').isEnabled()"), "the row to be as before")
    painter.krita.run("app.action('acetate_vary_layer').trigger()")
    painter.wait_for_message("“Reflection” comes out the same")
    painter.wait_for_end()
    assert len(engine.jobs()) == jobs
    painter.hands.click("acetate_results_look")


LIMIT = """
import acetate.session.history as it
before, it.LIMIT = it.LIMIT, most or len(front_dock().session.history.entries)
"""


def test_a_list_that_is_full_says_so_and_goes_on_where_there_is_room(painter: Painter) -> None:
    painter.new_document(96, 96)
    for seed in (21, 22):
        painter.generate(PROMPT, seed=seed)
    usual = painter.krita.run(f"{LIMIT}before", most=0)
    try:
        count = painter.krita.run(COUNT)
        assert not painter.krita.run("has_widget('acetate_results_limit')")
        painter.generate(PROMPT, seed=23)
        wait_until(lambda: painter.krita.run("has_widget('acetate_results_limit')"), "the remark")
        assert painter.krita.run(COUNT) == count
        choose(painter, 0)
        painter.hands.click("acetate_result_discard")
        wait_until(lambda: painter.krita.run(COUNT) == count - 1, "the result to go")
        assert not painter.krita.run("has_widget('acetate_results_limit')")
        painter.hands.click("acetate_results_older")
        wait_until(lambda: painter.krita.run(COUNT) == count, "the one that had no room")
    finally:
        painter.krita.run(f"{LIMIT}None", most=usual)
        painter.krita.run("widget('acetate_results_look').setChecked(False)")


MANY = """
from dataclasses import replace
from acetate.protocol.filing import Filing
history = front_dock().session.history
entry = history.entries[0]
for copy in range(400):
    if added: history.add_older(replace(entry, result=replace(entry.result, job=f"copy {copy}")))
    else: history.refile(f"copy {copy}", Filing(discarded=(entry.image,)))
"""
DRAWN = """
view = widget('acetate_history'); scroll_to(view); bar = view.verticalScrollBar()
bar.setValue(bar.maximum() if is_end else 0); turn_the_event_loop(200)
items = [item for item in map(view.item, range(view.count())) if not item.isHidden()]
seen = [item for item in items if view.visualItemRect(item).intersects(view.viewport().rect())]
[len({item.icon().cacheKey() for item in items}),
 sorted({item.icon().actualSize(QtCore.QSize(999, 999)).width() for item in seen})]
"""


def test_results_are_drawn_as_they_are_seen(painter: Painter) -> None:
    """Also where they become larger: of hundreds that takes no longer than of the few that the list shows."""
    painter.new_document(96, 96)
    painter.generate(PROMPT, seed=31)
    painter.krita.run(f"{MANY}None", added=True)
    try:
        for side in (62, 100):
            painter.krita.run("widget('acetate_results_size').setValue(side)", side=side)
            few, at_first = painter.krita.run(DRAWN, is_end=False)
            more, at_last = painter.krita.run(DRAWN, is_end=True)
            assert 1 < few < more < 200
            assert at_first == at_last == [side]
        painter.krita.run("widget('acetate_results_size').setValue(62)")
        painter.generate(PROMPT, seed=32)  # all others move on
        assert painter.krita.run(DRAWN, is_end=False)[1] == [62]
    finally:
        painter.krita.run("widget('acetate_results_size').setValue(62)")
        painter.krita.run(f"{MANY}None; widget('acetate_history').verticalScrollBar().setValue(0)", added=False)


def test_a_job_is_moved_to_the_front(painter: Painter, engine: Engine) -> None:
    painter.new_document(96, 96)
    painter.generate(PROMPT)
    prompts = ["a red apple", "a green pear", "a lemon"]
    with engine.worker_held():
        for prompt in prompts:
            painter.set_up(prompt)
            engine.new_job(painter.press_generate)
        painter.hands.click("acetate_job_front_2")
        wait_until(lambda: painter.krita.run(JOBS)[1] == "a lemon", "the list")
        lemon = engine.newest()
        wait_until(lambda: engine.priority(lemon) > 0, "the engine to know")
    for _ in prompts:
        wait_until(lambda: not painter.krita.run(JOBS) or not painter.is_busy(), "the jobs", 180)
    assert [painter.krita.run(SAID, row=row)[:7] for row in (0, 1)] == ["a green", "a lemon"]


def test_a_result_takes_the_place_of_a_layer(painter: Painter) -> None:
    painter.new_document(96, 96)
    made = painter.generate(PROMPT)
    result = painter.node_pixels(made, Bounds(0, 0, 96, 96))
    painter.undo()
    painter.krita.run("add_paint_layer('old', 10, 10, 20, 20, [10, 20, 30, 255])")
    painter.activate("old")
    choose(painter, 0)
    painter.hands.click("acetate_result_apply")
    x, y = wait_until(lambda: painter.krita.run("menu_entry('In place of the active layer')"), "the menu")
    painter.hands.click_at(x, y)
    wait_until(lambda: "old" not in [layer["name"] for layer in painter.layers()], "the old layer to go")
    (new,) = [layer for layer in painter.layers() if layer["name"] != "Background"]
    assert painter.node_pixels(new, Bounds(0, 0, 96, 96)) == result
    painter.hands.click("acetate_results_look")


TILES = """
canvas = app.activeWindow().qwindow().centralWidget().findChild(QtWidgets.QWidget, 'acetate_side_by_side')
def on_screen(tile):
    box = canvas._transform.mapRect(tile)
    corner = canvas.parentWidget().mapToGlobal(QPoint(0, 0))
    return [box.x() + corner.x(), box.y() + corner.y(), box.width(), box.height()]
[on_screen(tile) for tile in canvas._tiles] if canvas is not None else []
"""
CHOSEN = "(entry := widget('acetate_history').entry) and [entry.result.job, entry.image]"
APPLIED = "[entry.is_applied for entry in _docker('acetate_dock').session.history.entries]"
SAID = "widget('acetate_history').item(row).data(Qt.ItemDataRole.AccessibleTextRole)"
VIEWS = {
    "as it is": "view.setZoomLevel(1.0)",
    "zoomed in": "view.setZoomLevel(3.0)",
    "rotated and mirrored": "view.setZoomLevel(0.7); view.setRotation(30); view.setMirror(True)",
}
VIEW = "view = app.activeWindow().activeView().canvas(); "


def test_a_batch_lies_side_by_side_on_the_canvas_and_a_click_picks_one(painter: Painter, engine: Engine) -> None:
    painter.new_document(160, 120)
    painter.krita.run("widget('acetate_more').setChecked(True); widget('acetate_images').setValue(3)")
    painter.krita.run("select(20, 10, 96, 64)")
    painter.generate(PROMPT)
    assert painter.krita.run(APPLIED)[:3] == [True, False, False]
    assert "was put into a picture" in painter.krita.run(SAID, row=0)
    assert "No picture has it" in painter.krita.run(SAID, row=2)
    painter.undo()
    before, done = painter.fingerprint(), steps_done(painter)
    job = engine.newest()
    try:
        for name, code in VIEWS.items():
            painter.krita.run(f"{VIEW}{code}; turn_the_event_loop(100)")
            choose(painter, 0)
            painter.hands.click("acetate_result_beside")
            tiles = wait_until(lambda: painter.krita.run(TILES), "the tiles")
            x, y, width, height = painter.krita.run(
                "area = app.activeWindow().activeView(); w = app.activeWindow().qwindow().centralWidget();"
                "c = w.mapToGlobal(QPoint(0, 0)); [c.x(), c.y(), w.width(), w.height()]"
            )
            assert len(tiles) == 3, name
            for left, top, wide, high in tiles:
                assert x <= left and y <= top and left + wide <= x + width and top + high <= y + height, name
            middles = [(round(left + wide / 2), round(top + high / 2)) for left, top, wide, high in tiles]
            assert len(set(middles)) == 3
            painter.hands.move_to(*middles[2])
            assert painter.fingerprint() == before and painter.krita.run(TILES)
            painter.hands.click_at(*middles[2])
            wait_until(lambda: not painter.krita.run(TILES), "the tiles to go")
            assert painter.krita.run(CHOSEN) == [job, 2], name
            wait_until(lambda: painter.krita.run(VEIL), "the chosen one alone")
        assert painter.fingerprint() == before and steps_done(painter) == done
    finally:
        painter.krita.run(f"{VIEW}view.setMirror(False); view.setRotation(0); view.setZoomLevel(1.0)")
        painter.krita.run("widget('acetate_images').setValue(1)")
    a_pen_picks_too(painter)
    assert painter.fingerprint() == before
    painter.hands.click("acetate_result_apply")
    x, y = wait_until(lambda: painter.krita.run("menu_entry('Above the active layer')"), "the menu")
    painter.hands.click_at(x, y)
    wait_until(lambda: painter.krita.run(APPLIED)[2], "the third to count as applied")
    painter.hands.click("acetate_results_look")


def a_pen_picks_too(painter: Painter) -> None:
    """A tile takes the touch, which would paint on the canvas below; the docker leaves it to Qt, for a click."""
    if painter.krita.run("QtCore.PYQT_VERSION >> 16") > 5:
        return  # its events of pens cannot be made in Python
    for number in (0, 2):
        painter.hands.click("acetate_result_beside")
        left, top, wide, high = wait_until(lambda: painter.krita.run(TILES), "the tiles")[number]
        touch = {"x": round(left + wide / 2), "y": round(top + high / 2)}
        assert painter.krita.run("tap(x, y)", **touch) == [True, True]
        wait_until(lambda: not painter.krita.run(TILES), "the tiles to go")
        assert painter.krita.run(CHOSEN)[1] == number
    for name in ("acetate_generate", "acetate_result_star", "acetate_prompt", "acetate_history"):
        x, y, _ = painter.krita.run("place(name)", name=name)
        assert painter.krita.run("tap(x, y)", x=x, y=y) == [False, False], name


def test_a_result_that_is_not_shown_is_shown_while_compared(painter: Painter) -> None:
    """Nothing may stay over the canvas where a click inserts: no pointer would leave the list to take it away."""
    painter.new_document(256, 256)
    painter.generate(PROMPT)
    painter.krita.run("view = widget('acetate_history'); view.setCurrentItem(view.item(0))")
    x, y = wait_until(lambda: painter.krita.run("place('acetate_result_compare')"), "the button")[:2]
    painter.hands.press_at(x, y)
    wait_until(lambda: painter.krita.run(VEIL), "the canvas with it")
    painter.hands.release()
    wait_until(lambda: not painter.krita.run(VEIL), "the canvas without it")


FOCUS = "view = widget('acetate_history'); view.setFocus(Qt.FocusReason.TabFocusReason); view.setCurrentRow(-1)"
COUNTED = "widget('acetate_history').count()"
KEY = "[widget('acetate_history').hasFocus(), widget('acetate_history').currentRow()]"


def with_keys(painter: Painter, *keys: str) -> None:
    painter.krita.run(FOCUS)
    painter.hands.keys("Home", *keys)


def test_all_is_done_to_a_result_with_keys(painter: Painter) -> None:
    """Delete and Space are Krita's own, too: they must not reach the picture."""
    painter.new_document(160, 120)
    for seed in (1, 2):
        painter.generate(PROMPT, seed=seed)
    before, done, count = painter.fingerprint(), steps_done(painter), painter.krita.run(COUNTED)
    with_keys(painter)
    wait_until(lambda: painter.krita.run(KEY) == [True, 0], "the first to be chosen")
    painter.hands.keys("space")
    wait_until(lambda: painter.krita.run(VEIL), "it on the canvas")
    painter.hands.keys("space")
    wait_until(lambda: not painter.krita.run(VEIL), "it to go from there")
    with_keys(painter, "Delete")
    wait_until(lambda: painter.krita.run(COUNTED) == count - 1, "it to be discarded")
    assert painter.fingerprint() == before and steps_done(painter) == done
    painter.take_offer()
    wait_until(lambda: painter.krita.run(COUNTED) == count, "it to be back")
    there = painter.layer_ids()
    with_keys(painter, "Return")
    wait_until(lambda: painter.new_layers(there), "a layer of it")
    painter.wait_for_end()
    with_keys(painter, "Menu")
    x, y = wait_until(lambda: painter.krita.run("menu_entry('Show on the canvas')"), "the menu")
    painter.hands.click_at(x, y)
    wait_until(lambda: painter.krita.run(VEIL), "it on the canvas")
    painter.hands.move_to(*painter.krita.run("place('acetate_history')[:2]"))
    painter.hands.move_to(*painter.krita.run("canvas_centre()"))
    time.sleep(0.4)
    assert painter.krita.run(VEIL)  # it was asked for: the pointer may go


EVERY_VEIL = "[w.objectName() for w in app.activeWindow().qwindow().findChildren(QWidget, 'acetate_canvas_preview')]"
FRONT = """
next(view for view in app.activeWindow().views() if view.document().width() == width).setVisible()
turn_the_event_loop(200)
"""


def test_what_lies_over_the_canvas_goes_with_its_document(painter: Painter) -> None:
    """Left behind, it would lie there for good: nothing knows of it any more."""
    painter.new_document(160, 120)
    painter.generate(PROMPT)
    with_keys(painter, "space")
    wait_until(lambda: painter.krita.run(VEIL), "it on the canvas")
    painter.new_document(120, 160)
    wait_until(lambda: not painter.krita.run(EVERY_VEIL), "it to go")
    painter.krita.run(FRONT, width=160)
    assert not painter.krita.run(EVERY_VEIL)


def test_a_row_of_the_queue_names_the_document_that_is_not_in_front(painter: Painter, engine: Engine) -> None:
    row = "widget('acetate_queue')._rows[0]._text.text()"
    painter.new_document(160, 120)
    painter.set_up(PROMPT)
    with engine.worker_held():
        engine.new_job(painter.press_generate)
        assert painter.krita.run(row) == PROMPT
        name = painter.krita.run("document().name()")
        painter.new_document(120, 160)
        wait_until(lambda: painter.krita.run(row) == f"{PROMPT} · {name}", "the row to say so")
        painter.krita.run(FRONT, width=160)
        wait_until(lambda: painter.krita.run(row) == PROMPT, "the row to be of this one")
    painter.wait_for_end()


def test_nothing_is_done_to_a_result_that_is_not_listed(painter: Painter) -> None:
    painter.new_document(96, 96)
    painter.generate(PROMPT)
    choose(painter, 0)
    painter.hands.click("acetate_results_starred")
    wait_until(lambda: painter.krita.run(COUNT) == 0 or not painter.krita.run(STARRED)[0], "the list")
    wait_until(lambda: not painter.krita.run("has_widget('acetate_result_discard')"), "its buttons to go")
    painter.hands.click("acetate_results_starred")
    painter.hands.click("acetate_results_look")
