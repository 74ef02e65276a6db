"""A double click is one click: what starts a job, applies or inserts does so once, however a pen jitters."""

from __future__ import annotations

import time
from collections.abc import Callable

from acetate.qt import QtGui, QtWidgets

_last: tuple[float, int, int] | None = None  # when and where on the screen the last click was


def once(work: Callable[[], None]) -> Callable[..., None]:
    """`work`, unless this click is one more of a double click: soon after another such click, in the same place.

    What lay there before may have gone, and something else have come under the pointer.
    """

    def do(*_: object) -> None:
        if not _is_repeated():
            work()

    return do


def _is_repeated() -> bool:
    global _last
    place, now, before = QtGui.QCursor.pos(), time.monotonic(), _last
    _last = (now, place.x(), place.y())
    if before is None or now - before[0] > QtWidgets.QApplication.doubleClickInterval() / 1000:
        return False
    return max(abs(place.x() - before[1]), abs(place.y() - before[2])) <= QtWidgets.QApplication.startDragDistance()
