"""Words in the prompt, by a real keyboard in Krita's own shortcuts: offered, brought back, and what was not taught."""

from __future__ import annotations

import pytest

from acetate.protocol.geometry import Bounds
from tests.krita.harness.builder import Builder
from tests.krita.harness.engine import Engine
from tests.krita.harness.painter import Painter
from tests.krita.harness.scenes import PROMPT
from tests.krita.harness.waiting import wait_until

OFFERED = """
shown = [w for w in QApplication.topLevelWidgets() if w.objectName() == 'acetate_completions' and w.isVisible()]
[found.item(row).text() for found in shown for row in range(found.count())]
"""
ROW = "text('acetate_untaught') if has_widget('acetate_untaught') else ''"


@pytest.fixture
def typing(painter: Painter, engine: Engine) -> Painter:
    painter.new_document(96, 96)
    painter.set_up("")
    painter.krita.run("session = _docker('acetate_dock').session; session.warm_up(); None")
    wait_until(
        lambda: painter.krita.run("len(_docker('acetate_dock').session.words.vocabulary.value.things)") > 0,
        "the words of the model",
    )
    return painter


def prompt_of(painter: Painter) -> str:
    found: str = painter.krita.run("text('acetate_prompt')")
    return found


def offered(painter: Painter) -> list[str]:
    found: list[str] = painter.krita.run(OFFERED)
    return found


def test_words_are_offered_and_taken(typing: Painter) -> None:
    typing.hands.type_into("acetate_prompt", "a cas")
    wait_until(lambda: "a castle, 3d emoji" in offered(typing), "the list")
    typing.hands.keys("Tab")
    wait_until(lambda: prompt_of(typing) == "a castle, 3d emoji", "the words")
    assert offered(typing) == [] and typing.krita.run("has_focus('acetate_prompt')")
    typing.hands.keys("ctrl+z")
    wait_until(lambda: prompt_of(typing) == "a cas", "the field's own undo")


def test_a_row_is_chosen_with_the_arrows(typing: Painter) -> None:
    typing.hands.type_into("acetate_prompt", "ap")
    wait_until(lambda: len(offered(typing)) > 0, "the list")
    first = offered(typing)[0]
    typing.hands.keys("Down", "Return")
    wait_until(lambda: prompt_of(typing) == first, "the words")


def test_return_and_escape_leave_what_was_typed(typing: Painter) -> None:
    typing.hands.type_into("acetate_prompt", "a cas")
    wait_until(lambda: len(offered(typing)) > 0, "the list")
    typing.hands.keys("Escape")
    wait_until(lambda: offered(typing) == [], "the list to go")
    typing.hands.keys("t")
    wait_until(lambda: len(offered(typing)) > 0, "the list")
    typing.hands.keys("Return")
    wait_until(lambda: prompt_of(typing) == "a cast\n", "a new line")
    assert offered(typing) == []


def test_control_return_generates_while_words_are_offered(typing: Painter, engine: Engine) -> None:
    before = typing.layer_ids()
    typing.hands.type_into("acetate_prompt", "a cas")
    wait_until(lambda: len(offered(typing)) > 0, "the list")
    typing.hands.keys("ctrl+Return")
    typing.wait_for_layer(before)
    assert engine.request(engine.newest()).prompt == "a cas" and offered(typing) == []


def test_a_click_on_generate_generates_while_words_are_offered(typing: Painter, engine: Engine) -> None:
    """As many as a list shows at once: it must not lie over the button."""
    before = typing.layer_ids()
    typing.hands.type_into("acetate_prompt", "a st")
    wait_until(lambda: len(offered(typing)) >= 8, "a long list")
    typing.press_generate()
    typing.wait_for_layer(before)
    assert engine.request(engine.newest()).prompt == "a st" and offered(typing) == []


def test_a_click_beside_the_list_closes_it(typing: Painter) -> None:
    """A box to tick leaves the keyboard where it is; the list covers a part of the field."""
    typing.hands.type_into("acetate_prompt", "a cas")
    wait_until(lambda: len(offered(typing)) > 0, "the list")
    typing.hands.click("acetate_seed_random")
    wait_until(lambda: offered(typing) == [], "the list to go")
    assert prompt_of(typing) == "a cas" and typing.krita.run("has_focus('acetate_prompt')")


def test_up_brings_back_what_was_generated(typing: Painter) -> None:
    typing.set_up(PROMPT)
    before = typing.layer_ids()
    typing.press_generate()
    typing.wait_for_layer(before)
    typing.set_up("")
    typing.hands.type_into("acetate_prompt", "zz")
    typing.hands.keys("Up")
    wait_until(lambda: prompt_of(typing) == PROMPT, "the earlier prompt")
    typing.hands.keys("Down")
    wait_until(lambda: prompt_of(typing) == "zz", "what was being typed")


def test_what_was_not_taught_is_said_with_what_is_near(typing: Painter) -> None:
    typing.hands.type_into("acetate_prompt", "kitten")
    wait_until(lambda: "was not taught “kitten”" in typing.krita.run(ROW), "the row")
    assert 'href="a cat, 3d emoji"' in typing.krita.run(ROW)
    typing.krita.run("widget('acetate_untaught').linkActivated.emit('a cat, 3d emoji')")
    wait_until(lambda: typing.krita.run(ROW) == "", "the row to go")
    assert prompt_of(typing) == "a cat, 3d emoji"
    typing.hands.click("acetate_prompt")
    typing.hands.keys("ctrl+z")
    wait_until(lambda: prompt_of(typing) == "kitten", "what was typed before")
    typing.hands.type_into("acetate_prompt", "golden sparks")
    wait_until(lambda: "does “sparks” badly" in typing.krita.run(ROW), "the row of what it was taught in vain")


def test_an_emoji_is_counted_as_it_is_shown(typing: Painter) -> None:
    """Qt counts two for it, Python one."""
    typing.krita.run("widget('acetate_prompt').setPlainText('🦊🦊\\n')")
    typing.hands.click("acetate_prompt")
    typing.hands.keys("ctrl+End")
    typing.hands.type_text("a cas")
    wait_until(lambda: "a castle, 3d emoji" in offered(typing), "the list")
    typing.hands.keys("Tab")
    wait_until(lambda: prompt_of(typing) == "🦊🦊\na castle, 3d emoji", "the words")
    typing.krita.run("_docker('acetate_dock').session.settings.prompt.value = 'a cat'")
    assert prompt_of(typing) == "a cat"


def test_undo_brings_no_words_of_another_document(typing: Painter) -> None:
    typing.hands.type_into("acetate_prompt", "a fox")
    typing.new_document(64, 64)
    wait_until(lambda: prompt_of(typing) == "", "the words of the new one")
    typing.hands.click("acetate_prompt")
    typing.hands.keys("ctrl+z", "ctrl+z")
    typing.hands.type_text("b")
    wait_until(lambda: prompt_of(typing) == "b", "what is typed")


def test_names_in_a_message_are_no_markup(painter: Painter) -> None:
    """A layer may be called anything."""
    painter.new_document(64, 64)
    code = """
from acetate.session.messages import Notice
_docker('acetate_dock').session.message.value = Notice("<u>Done</u> & gone", "<b>Sky</b> is <img src=x>locked")
turn_the_event_loop(50)
bar, page = widget('acetate_message'), QtGui.QTextDocument()
page.setHtml(bar.findChild(QWidget, 'acetate_message_title').text())
detail = bar.findChild(QWidget, 'acetate_message_detail')
is_plain = detail.textFormat() == Qt.TextFormat.PlainText or not Qt.mightBeRichText(detail.text())
[page.toPlainText(), detail.text(), is_plain]
"""
    expected = ["<u>Done</u> & gone", "<b>Sky</b> is <img src=x>locked", True]
    assert painter.krita.run(code) == expected


READ = """
def read(text):
    page = QtGui.QTextDocument()
    page.setHtml(text) if Qt.mightBeRichText(text) else page.setPlainText(text)
    return page.toPlainText()
def label(item):
    return item.text() if item.textFormat() == Qt.TextFormat.PlainText else read(item.text())
"""
ODD = "<b>a</b> & <i>fox</i>"


def test_names_beside_a_widget_are_no_markup(painter: Painter, engine: Engine) -> None:
    """Nor do they lose letters."""
    painter.new_document(64, 64)
    painter.set_up("")
    painter.krita.run("_docker('acetate_dock').session.settings.prompt.value = odd", odd=ODD)
    before = painter.layer_ids()
    with engine.worker_held():
        engine.new_job(painter.press_generate)
        tip, said = painter.krita.run(
            READ + "row = widget('acetate_queue')._rows[0]; [read(row.toolTip()), label(row._text)]"
        )
        assert tip.startswith(f"{ODD}\n") and said == ODD
    painter.wait_for_layer(before)
    assert painter.krita.run(READ + "read(widget('acetate_history').item(0).toolTip())").startswith(f"{ODD}\n")
    builder = Builder(painter)
    builder.open()
    builder.fill([ODD], [Bounds(0, 0, 64, 64)])
    code = READ + "view = widget('acetate_stack_list'); label(view.itemWidget(view.item(0))._prompt)"
    assert painter.krita.run(code) == ODD
    builder.close()
