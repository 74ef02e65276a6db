"""Python's wrappers of Krita's nodes, where one is lost on the way."""

from __future__ import annotations

import pytest

from tests.krita.harness.painter import Painter
from tests.krita.harness.process import KritaProcess

_LOSING = """
from acetate.krita.wrappers import beside_the_gui_thread
from acetate.qt import sip
calls = []
def work():
    calls.append(1)
    made = document().createNode('', 'paintlayer')
    if len(calls) <= lost:
        sip.delete(made)
    return made.type()
try:
    answer = beside_the_gui_thread(work)
except RuntimeError as error:
    answer = str(error)
[answer, len(calls)]
"""


@pytest.mark.parametrize("lost", [0, 1, 4])
def test_work_whose_node_is_lost_is_done_again(painter: Painter, krita: KritaProcess, lost: int) -> None:
    painter.new_document(16, 16)
    assert krita.run(_LOSING, lost=lost) == ["paintlayer", lost + 1]


def test_what_is_lost_again_and_again_is_an_error(painter: Painter, krita: KritaProcess) -> None:
    painter.new_document(16, 16)
    answer, calls = krita.run(_LOSING, lost=99)
    assert "has been deleted" in answer
    assert calls == 5
