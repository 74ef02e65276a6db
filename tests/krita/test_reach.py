"""Everything without a mouse, and nothing cut off: the docker and its windows in the real Krita."""

from __future__ import annotations

import pytest

from tests.krita.harness.painter import Painter
from tests.krita.harness.waiting import wait_until

NARROWEST = 220  # screen pixels
_NAMELESS = """
from acetate.ui.reach import name_parts, reachable
windows = [w for w in QApplication.allWidgets() if w.objectName() in names]
def says(item):
    words = item.text() if hasattr(item, 'text') else ''
    return item.accessibleName() or ''.join(filter(str.isalpha, words if isinstance(words, str) else ''))
[item.objectName() or type(item).__name__ for window in windows for item in reachable(window) if not says(item)]
"""
_OPEN_ALL = """
dock = _docker('acetate_dock')
for name in ('acetate_more', 'acetate_hints', 'acetate_styles'):
    title = dock.findChild(QWidget, name)
    if title.isVisible() and not title.isChecked():
        title.click()
results = dock.findChild(QtWidgets.QListWidget, 'acetate_history')
if results.count():  # of an earlier test: the keyboard chooses one when it comes there, which shows more buttons
    results.setCurrentRow(0)
"""
_ORDER = """
from acetate.ui.reach import reachable
[item.objectName() for item in reachable(_docker('acetate_dock').widget())]
"""
_FOCUSED = "found.objectName() if (found := QApplication.focusWidget()) else ''"
_OPEN_WINDOWS = """
dock = _docker('acetate_dock')
dock._settings_window.open()
dock._engine_window.open()
"""
_PAGE = "_docker('acetate_dock')._settings_window.findChild(QtWidgets.QTabWidget).setCurrentIndex(page)"
_CLOSE_WINDOWS = """
dock = _docker('acetate_dock')
dock._settings_window.close()
dock._engine_window.close()
"""
_STACK_IS_OPEN = """
any(item.isVisible() for item in QApplication.topLevelWidgets() if item.objectName() == 'acetate_stack_window')
"""
_MNEMONICS = """
dock, bar = _docker('acetate_dock'), app.activeWindow().qwindow().menuBar()
def letter(text):
    place = text.replace('&&', '').find('&')
    return text.replace('&&', '')[place + 1].lower() if place >= 0 else ''
kinds = (QtWidgets.QAbstractButton, QtWidgets.QLabel)
there = [item for item in dock.findChildren(QWidget) if isinstance(item, kinds) and item.window() is dock.window()]
own = [letter(item.text()) for item in there if item.isVisible()]
[sorted(filter(None, own)), sorted(filter(None, (letter(action.text()) for action in bar.actions())))]
"""


@pytest.fixture
def docker(painter: Painter) -> Painter:
    painter.new_document(256, 256)
    painter.krita.run("_docker('acetate_dock').session.warm_up()")
    model = "_docker('acetate_dock').session.model.value is not None"
    wait_until(lambda: painter.krita.run(model), "a model: what can be of no use without one is hidden", timeout=60)
    painter.krita.run(_OPEN_ALL)
    return painter


def pressed(docker: Painter, key: str) -> str:
    """What has the keyboard then: another widget than before."""
    before = docker.krita.run(_FOCUSED)
    docker.hands.keys(key)
    focused: str = wait_until(
        lambda: name if (name := docker.krita.run(_FOCUSED)) != before else "", f"{before} to lose the keyboard"
    )
    return focused


def test_tab_goes_through_the_docker_as_it_is_read(docker: Painter) -> None:
    names = docker.krita.run(_ORDER)
    places = [names.index(f"acetate_{name}") for name in ("task", "prompt", "generate", "region", "preset")]
    assert len(names) > 12 and places == sorted(places)
    docker.hands.click("acetate_prompt")
    wait_until(lambda: docker.krita.run(_FOCUSED) == "acetate_prompt", "the prompt to have the keyboard")
    walked = []
    for _ in names[names.index("acetate_prompt") + 1 :]:
        walked.append(pressed(docker, "Tab"))
    assert walked == names[names.index("acetate_prompt") + 1 :]
    assert pressed(docker, "shift+Tab") == names[-2]


def test_every_part_says_what_it_is(docker: Painter) -> None:
    docker.hands.click("acetate_build_stack")
    wait_until(lambda: docker.krita.run(_STACK_IS_OPEN), "the stack window")
    assert docker.krita.run(_NAMELESS, names=["acetate_dock", "acetate_stack_window"]) == []
    docker.krita.run(_OPEN_WINDOWS)
    for page in range(3):
        docker.krita.run(_PAGE, page=page)
        windows = ["acetate_settings_window", "acetate_engine_window"]
        assert docker.krita.run(_NAMELESS, names=windows) == [], page
    docker.krita.run(_CLOSE_WINDOWS)


def test_letters_choose_one_thing_each_and_leave_those_of_the_menus(docker: Painter) -> None:
    own, of_krita = docker.krita.run(_MNEMONICS)
    assert len(own) >= 6 and len(set(own)) == len(own)
    assert not set(own) & set(of_krita)
    docker.hands.click("acetate_prompt")
    docker.hands.keys("alt+q")
    wait_until(lambda: docker.krita.run(_FOCUSED) == "acetate_preset", "the quality to have the keyboard")
