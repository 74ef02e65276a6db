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

# Of a layer that is looked for, as after each insertion
_LOSING_A_LAYER = """
from acetate.krita import geometry
from acetate.krita.document import KritaDocument
from acetate.qt import sip
ours, find, calls = KritaDocument(document()), geometry.find_node, []
def losing(*given):
    found = find(*given)
    calls.append(1)
    if len(calls) == 1:
        sip.delete(found)
    return found
geometry.find_node = losing
try:
    boxes = ours.layer_boxes([node("mark").uniqueId().toString(), "gone"])
finally:
    geometry.find_node = find
[[box.x, box.y, box.width, box.height] for box in boxes.values()]
"""


def test_where_layers_are_is_looked_at_again(painter: Painter, krita: KritaProcess) -> None:
    painter.new_document(64, 64)
    krita.run("add_paint_layer('mark', 4, 5, 8, 9, b'\\1\\2\\3\\xff')")
    assert krita.run(_LOSING_A_LAYER) == [[4, 5, 8, 9]]


@pytest.mark.parametrize("lost", [0, 1, 4])
def test_work_whose_node_is_lost_is_done_again(painter: Painter, krita: KritaProcess, lost: int) -> None:
    painter.new_document(16, 16)
    assert krita.run(_LOSING, lost=lost) == ["paintlayer", lost + 1]


def test_what_is_lost_again_and_again_is_an_error(painter: Painter, krita: KritaProcess) -> None:
    painter.new_document(16, 16)
    answer, calls = krita.run(_LOSING, lost=99)
    assert "has been deleted" in answer
    assert calls == 5
