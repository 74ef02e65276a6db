"""Nothing is cut off in the docker, narrow or wide, in any language."""

from __future__ import annotations

import pytest

from acetate import language
from acetate.language import known
from acetate.protocol.labels import label_of
from acetate.protocol.tasks import TASKS
from acetate.session.live import OFF, STATES
from tests.krita.fitting import ASK, CHOSEN, CLOSE, CUT, LIST, LIVE, MAKE
from tests.krita.harness.painter import Painter

OFFERED = [task for task, traits in TASKS.items() if traits.is_offered]


@pytest.mark.parametrize("width", [220, 258, 420, 800])
@pytest.mark.parametrize("code", list(known()))
def test_nothing_is_cut(painter: Painter, code: str, width: int) -> None:
    painter.krita.run(MAKE, speaks=code, width=width, height=560)
    try:
        for task in OFFERED:
            painter.krita.run(ASK, task=task.value)
            found, cut = painter.krita.run(CUT)
            assert (found, cut) == (width, []), task
    finally:
        painter.krita.run(CLOSE)


@pytest.mark.parametrize("code", list(known()))
def test_the_closed_box_shows_each_task_whole_with_its_icon(painter: Painter, code: str) -> None:
    language.use(code)
    painter.krita.run(MAKE, speaks=code, width=220, height=560)
    icons = set()
    try:
        for task in OFFERED:
            painter.krita.run(ASK, task=task.value)
            words, is_whole, has_icon, icon, tips, described = painter.krita.run(CHOSEN)
            description = language.tr(task.traits.description)
            assert (words, is_whole, has_icon) == (language.tr(label_of(task)), True, True), task
            assert described == description and all(description in tip for tip in tips), task
            icons.add(tuple(icon))
    finally:
        language.use("en")
        painter.krita.run(CLOSE)
    assert len(icons) == len(OFFERED)


WRONG = "this needs a background with a width of at least 64 pixels"  # any remark may be as long


@pytest.mark.parametrize("width", [220, 258, 420])
@pytest.mark.parametrize("code", list(known()))
def test_what_live_says_is_read_whole(painter: Painter, code: str, width: int) -> None:
    painter.krita.run(MAKE, speaks=code, width=width, height=560)
    try:
        heights = [read_live(painter, code, width, state) for state in STATES]
        assert len(set(heights)) == 1  # what lies under it does not jump while drafts come
        read_live(painter, code, width, WRONG)
        read_live(painter, code, width, OFF, is_on=False)
    finally:
        painter.krita.run("app.acetate_fitting.session.live.is_on.value = False")
        painter.krita.run(CLOSE)


def read_live(painter: Painter, code: str, width: int, state: str, *, is_on: bool = True) -> int:
    """The height of the row that says it, whole."""
    found, words, is_whole, is_covered, height = painter.krita.run(LIVE, speaks=code, is_on=is_on, state=state)
    assert (found, is_whole, is_covered) == (width, True, False), words
    return int(height)


@pytest.mark.parametrize("code", list(known()))
def test_an_open_list_is_as_wide_as_its_words(painter: Painter, code: str) -> None:
    painter.krita.run(MAKE, speaks=code, width=220, height=560)
    try:
        for name in ("task", "region", "sampler"):
            there, wanted = painter.krita.run(LIST, name=f"acetate_{name}")
            assert there >= wanted, name
    finally:
        painter.krita.run(CLOSE)
