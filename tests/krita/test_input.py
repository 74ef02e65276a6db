"""Keys, clicks and the wheel, by a real mouse and keyboard in Krita's own shortcuts: nothing surprises the painter."""

from __future__ import annotations

import time
from functools import partial

import pytest

from acetate.protocol.requests import Task
from tests.krita.harness.engine import Engine
from tests.krita.harness.painter import Painter
from tests.krita.harness.scenes import PROMPT
from tests.krita.harness.waiting import wait_until

SETTLED = 0.4  # seconds in which a key that does nothing would have done something
VALUE = "w = widget(name); w.currentIndex() if hasattr(w, 'currentIndex') else float(w.value())"
STACK_SAYS = "any(bar.isVisible() for bar in _docker('acetate_dock').findChildren(QWidget, 'acetate_stack_message'))"
CLOSE = """
button = widget('acetate_message').findChild(QWidget, 'acetate_message_close')
point = button.mapToGlobal(button.rect().center()); [point.x(), point.y()]
"""
ERASES = "app.action('erase_action').isChecked()"


@pytest.fixture
def small(painter: Painter) -> Painter:
    painter.new_document(96, 96)
    return painter


def jobs(painter: Painter) -> int:
    found: int = painter.krita.run("len(_docker('acetate_dock').session.jobs)")
    return found


def over_the_canvas(painter: Painter) -> None:
    """The pointer only: no click."""
    painter.hands.move_to(*painter.krita.run("canvas_centre()"))
    time.sleep(SETTLED)


def prompt_of(painter: Painter) -> str:
    found: str = painter.krita.run("text('acetate_prompt')")
    return found


def test_control_return_generates(small: Painter, engine: Engine) -> None:
    """Krita's own *Search Actions* has this shortcut, too."""
    small.set_up(PROMPT)
    before = small.layer_ids()
    small.hands.keys("ctrl+Return")
    small.wait_for_layer(before)
    assert small.krita.run("open_windows()['popup']") is None
    assert engine.request(engine.newest()).prompt == PROMPT


@pytest.mark.parametrize("key", ["ctrl+KP_Enter", "ctrl+Return"])
def test_control_return_in_every_text_field(small: Painter, key: str) -> None:
    small.set_up("")
    small.hands.type_into("acetate_negative_prompt", "fog")
    small.hands.keys(key)
    small.wait_for_message("prompt is empty")


def test_control_return_in_the_stack_builder(small: Painter) -> None:
    small.hands.click("acetate_build_stack")
    try:
        small.hands.type_into("acetate_stack_prompt", " ")
        small.hands.keys("ctrl+Return")
        small.wait_for_message("prompt of layer 1 is empty")
        small.hands.click_at(*small.krita.run(CLOSE))  # the docker's: it is gone in both
        wait_until(lambda: not small.krita.run(STACK_SAYS), "the message in the stack builder to go")
    finally:
        small.krita.run("widget('acetate_stack_window').close()")


def test_the_wheel_over_the_docker_changes_nothing(small: Painter) -> None:
    small.set_up(PROMPT, Task.REFINE)
    small.krita.run("widget('acetate_more').setChecked(True)")
    names = (
        *("acetate_task", "acetate_strength", "acetate_region", "acetate_preset", "acetate_outcome", "acetate_images"),
        *("acetate_grow", "acetate_grow_unit", "acetate_foreground", "acetate_seed"),
    )
    before = {name: small.krita.run(VALUE, name=name) for name in names}
    for name in names:
        x, y, _ = small.krita.run("place(name)", name=name)
        small.hands.click_at(x, y)  # what has the keyboard turns, too
        small.hands.keys("Escape")
        value = small.krita.run(VALUE, name=name)
        small.hands.wheel_at(x, y, -2)
        small.hands.wheel_at(x, y, 2)
        small.hands.wheel_at(x, y, 2)
        time.sleep(SETTLED)
        assert small.krita.run(VALUE, name=name) == value, name
    assert {name for name in names if before[name] != small.krita.run(VALUE, name=name)} <= {"acetate_strength"}


def test_the_wheel_over_what_a_shadow_is_told_changes_nothing(small: Painter) -> None:
    small.set_up("", Task.CAST_SHADOW)
    for name in ("acetate_angle", "acetate_length", "acetate_softness", "acetate_opacity"):
        x, y, _ = small.krita.run("place(name)", name=name)
        value = small.krita.run(VALUE, name=name)
        small.hands.wheel_at(x, y, -2)
        time.sleep(SETTLED)
        assert small.krita.run(VALUE, name=name) == value, name


def test_space_over_the_canvas_starts_no_job(small: Painter, engine: Engine) -> None:
    """It pans there; a button that keeps the keyboard after a click would be pressed by it."""
    small.set_up(PROMPT)
    before = small.layer_ids()
    job = engine.new_job(small.press_generate)
    for name in ("acetate_regenerate", "acetate_vary"):
        assert not small.krita.run("has_focus(name)", name=name)
    over_the_canvas(small)
    small.hands.keys("space", "space")
    time.sleep(SETTLED)
    assert jobs(small) <= 1
    small.wait_for_layer(before)
    assert engine.newest() == job
    assert prompt_of(small) == PROMPT


def test_keys_over_the_canvas_are_the_canvas_s(small: Painter) -> None:
    small.set_up(PROMPT)
    over_the_canvas(small)
    for is_erasing in (True, False):
        small.hands.keys("e")
        wait_until(lambda is_erasing=is_erasing: small.krita.run(ERASES) == is_erasing, "the eraser")
    assert prompt_of(small) == PROMPT


def test_keys_after_generate_are_the_canvas_s(small: Painter) -> None:
    small.set_up("")
    small.press_generate()
    small.wait_for_message("prompt is empty")
    for is_erasing in (True, False):
        small.hands.keys("e")
        wait_until(lambda is_erasing=is_erasing: small.krita.run(ERASES) == is_erasing, "the eraser")
    assert prompt_of(small) == ""


def test_generate_leaves_the_document_in_front(small: Painter) -> None:
    small.new_document(64, 48)
    small.set_up("")
    small.press_generate()
    time.sleep(SETTLED)
    assert small.krita.run("document().width()") == 64
    small.wait_for_message("prompt is empty")


def test_typing_a_prompt_goes_on_where_the_pointer_stays(small: Painter) -> None:
    small.hands.type_into("acetate_prompt", "a fox")
    small.hands.keys("b", "f", "space")
    wait_until(lambda: prompt_of(small) == "a foxbf ", "the keys in the prompt")


EDITED = (  # keys in a text field, and what it holds then; all of them are shortcuts in Krita's own scheme, too
    (("End", "ctrl+BackSpace"), "a red "),
    (("ctrl+z",), "a red fox"),
    (("Home", "Delete"), " red fox"),
    (("ctrl+z",), "a red fox"),
    (("ctrl+a", "Delete"), ""),
    (("ctrl+z",), "a red fox"),
    (("End", "shift+Left", "shift+Left", "ctrl+x", "ctrl+v", "ctrl+v"), "a red foxox"),
    (("ctrl+a", "ctrl+c", "Right", "ctrl+Left", "ctrl+Delete"), "a red "),
    (("Insert", "ctrl+u"), "a red "),
    (("ctrl+v", "Escape", "Left", "Right", "Up", "Down", "End"), "a red a red foxox"),
)


@pytest.mark.parametrize("name", ["acetate_prompt", "acetate_negative_prompt"])
def test_keys_that_edit_stay_in_the_text(small: Painter, name: str) -> None:
    """Not one of them undoes, clears, copies or selects anything in the picture."""
    small.krita.run("add_paint_layer('x', 10, 10, 20, 20, bytes([1, 2, 200, 255]))")
    small.activate("x")
    before, done = small.fingerprint(), small.krita.run("undo_position()")
    small.hands.type_into(name, "a red fox")
    for keys, expected in EDITED:
        small.hands.keys(*keys)
        wait_until(lambda expected=expected: small.krita.run("text(name)", name=name) == expected, f"{keys}")
    small.hands.keys("ctrl+a", "BackSpace")
    assert small.fingerprint() == before
    assert small.krita.run("undo_position()") == done
    assert small.krita.run("document().selection() is None")


def sent(engine: Engine) -> int:
    return len(engine.jobs())


@pytest.mark.parametrize("name", ["acetate_generate", "acetate_regenerate", "acetate_vary"])
def test_a_double_click_starts_one_job(small: Painter, engine: Engine, name: str) -> None:
    """Nor do three clicks, nor a pen that jitters."""
    small.generate(PROMPT)
    hands = small.hands
    for clicks in (hands.double_click_at, partial(hands.double_click_at, times=3), hands.jittered_double_click_at):
        before, there = sent(engine), small.layer_ids()
        x, y, _ = small.krita.run("place(name)", name=name)
        clicks(x, y)
        small.wait_for_layer(there)
        time.sleep(2 * SETTLED)
        small.wait_for_end()
        assert sent(engine) == before + 1


def test_a_key_that_is_held_down_starts_one_job(small: Painter, engine: Engine) -> None:
    small.generate(PROMPT)
    small.hands.click("acetate_prompt")
    before, there = sent(engine), small.layer_ids()
    small.hands.hold("ctrl", "Return", seconds=1.2)
    small.wait_for_layer(there)
    time.sleep(2 * SETTLED)
    small.wait_for_end()
    assert sent(engine) == before + 1


def test_a_double_click_in_the_stack_builder_starts_one_job(small: Painter, engine: Engine) -> None:
    small.generate(PROMPT)
    small.hands.click("acetate_build_stack")
    try:
        small.hands.type_into("acetate_stack_prompt", PROMPT)
        before, there = sent(engine), small.layer_ids()
        x, y, _ = small.krita.run("place('acetate_stack_generate')")
        small.hands.double_click_at(x, y)
        wait_until(lambda: small.new_layers(there), "the stack", 180)
        small.wait_for_end()
        time.sleep(2 * SETTLED)
        small.wait_for_end()
        assert sent(engine) == before + 1
    finally:
        small.krita.run("widget('acetate_stack_window').close()")


def test_a_double_click_ends_one_job(small: Painter, engine: Engine) -> None:
    """The row of the next one comes up under the pointer."""
    small.generate(PROMPT)
    with engine.worker_held():
        for _ in range(3):
            engine.new_job(small.press_generate)
        x, y, _ = small.krita.run("place('acetate_job_cancel_1')")
        small.hands.double_click_at(x, y, times=3)
        time.sleep(2 * SETTLED)
        assert jobs(small) == 2
    small.hands.click("acetate_cancel_all")
    wait_until(lambda: jobs(small) == 0, "all jobs to end")


def test_a_double_click_in_the_history_inserts_once(small: Painter) -> None:
    small.set_up(PROMPT)
    before = small.layer_ids()
    small.press_generate()
    small.wait_for_layer(before)
    there = small.layer_ids()
    x, y = small.krita.run(
        "view = widget('acetate_history'); scroll_to(view); box = view.visualItemRect(view.item(0));"
        "point = view.viewport().mapToGlobal(box.center()); [point.x(), point.y()]"
    )
    small.hands.double_click_at(x, y)
    wait_until(lambda: small.new_layers(there), "the layer of the history")
    small.wait_for_end()
    time.sleep(3 * SETTLED)
    assert len(small.new_layers(there)) == 1
