"""The canvas actions: in the menu, with shortcuts, and never a button that does nothing."""

from __future__ import annotations

import pytest

from acetate.protocol.labels import label_of
from acetate.protocol.requests import Task
from tests.krita.harness.engine import Engine
from tests.krita.harness.painter import JOB_LIMIT, Painter
from tests.krita.harness.scenes import PROMPT, paint_document


@pytest.mark.parametrize(
    ("action", "task"),
    [("acetate_paint_behind", Task.BACKGROUND_BEHIND_FOREGROUND), ("acetate_generate_both", Task.JOINT)],
)
def test_a_task_that_the_model_may_lack(painter: Painter, engine: Engine, action: str, task: Task) -> None:
    """A layer, or a message that says what to do: never a button that does nothing."""
    paint_document(painter)
    painter.activate("tree")
    painter.set_up(PROMPT)
    before, print_before = painter.layer_ids(), painter.fingerprint()
    painter.krita.run("app.action(action).trigger()", action=action)
    if task in engine.tasks():
        painter.wait_for_end()
        assert painter.new_layers(before), painter.message()
    else:
        painter.wait_for_message("cannot do", label_of(task), "install a model that can", timeout=JOB_LIMIT)
        painter.wait_for_end()
        assert painter.fingerprint() == print_before


def test_the_menu_says_what_the_list_says(painter: Painter) -> None:
    """With an icon each; from 5.3 on Krita has an order of its own."""
    code = """
menus = app.activeWindow().qwindow().findChildren(QtWidgets.QMenu)
first = app.action('acetate_generate_layer')
menu = next(menu for menu in menus if first in menu.actions())
box = widget('acetate_task')
listed = [box.itemText(index) for index in range(box.count()) if box.itemData(index) != 'identity']
[listed, [[action.text().replace('&', ''), action.icon().isNull()] for action in menu.actions()]]
"""
    listed, menu = painter.krita.run(code)
    stack = [f"{label_of(Task.STACK)}…"]  # which opens a window
    assert all([text, False] in menu for text in (*listed, *stack))
    assert len(listed) >= 17


def test_each_action_is_in_the_menu_and_can_have_a_shortcut(painter: Painter) -> None:
    code = """
menus = app.activeWindow().qwindow().findChildren(QtWidgets.QMenu)
[app.action(name) in menu.actions() for menu in menus]
"""
    wanted = "generate_layer put_in_front paint_behind generate_both refine_layer repaint_selection cancel_job"
    for word in wanted.split():
        assert any(painter.krita.run(code, name=f"acetate_{word}")), word
    painter.new_document(64, 64)
    painter.set_up("")
    painter.krita.run("app.action('acetate_refine_layer').setShortcut(QtGui.QKeySequence('Ctrl+Alt+R'))")
    x, y = painter.krita.run("canvas_centre()")
    painter.hands.click_at(x, y)
    painter.hands.keys("ctrl+alt+r")
    painter.wait_for_message("prompt is empty")
    assert painter.krita.run("widget('acetate_task').currentData()") == Task.REFINE.value
