"""The lists of combo boxes, opened and clicked."""

from __future__ import annotations

from tests.krita.harness.painter import Painter
from tests.krita.harness.waiting import wait_until

DATA, NAME = 0, 1  # roles behind Qt.UserRole: what an entry stands for, and its name in a layer picker


def open_list(painter: Painter, box: str) -> None:
    painter.hands.click(box)
    wait_until(lambda: _is_open(painter, box), f"the list of {box}")


def wait_for_closed(painter: Painter, box: str) -> None:
    wait_until(lambda: not _is_open(painter, box), f"the list of {box} to close")


def click_entry(painter: Painter, box: str, text: str, role: int = DATA) -> None:
    """In the open list."""
    code = """
view = widget(box).view()
row = [widget(box).itemData(i, QtCore.Qt.ItemDataRole.UserRole + role) for i in range(widget(box).count())].index(text)
area = view.visualRect(view.model().index(row, 0)).intersected(view.viewport().rect())  # it may be wider than seen
point = view.viewport().mapToGlobal(area.center())
[point.x(), point.y()]
"""
    painter.hands.click_at(*painter.krita.run(code, box=box, text=text, role=role))


def pick(painter: Painter, box: str, text: str, role: int = DATA) -> None:
    """Opens the list and clicks on one entry, which closes it; does nothing where that is chosen already.

    Qt takes two clicks in one place, soon after each other, for a double click, and leaves the list open.
    """
    if painter.krita.run("widget(box).currentData(QtCore.Qt.ItemDataRole.UserRole + role)", box=box, role=role) == text:
        return
    open_list(painter, box)
    click_entry(painter, box, text, role)
    wait_for_closed(painter, box)


def _is_open(painter: Painter, box: str) -> bool:
    return bool(painter.krita.run("widget(box).view().isVisible()", box=box))
