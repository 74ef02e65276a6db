"""A double click is one click: what starts a job, applies or inserts does so once, however a pen jitters."""

from __future__ import annotations

import time
from collections.abc import Callable

from acetate.qt import QtCore, QtGui, QtWidgets

_LOOK = 25  # milliseconds
_JITTER = 12  # screen pixels; Krita's distance for drags, 25, reaches the button beside


def once(work: Callable[[], None]) -> Callable[..., None]:
    """`work`, unless this click is one more of a double click: soon after another such click, in the same place.

    What lay there before may have gone, and something else have come under the pointer. For clicks only: a key that is
    pressed beside a pointer at rest would count as one more of them.
    """

    def do(*_: object) -> None:
        if not _clicks().is_repeated():
            work()

    return do


class _Clicks(QtCore.QObject):
    """The last of them, until its time is over or the pointer has gone elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self._place: QtCore.QPoint | None = None
        self._end = 0.0
        self._timer = QtCore.QTimer(self)
        self._timer.setInterval(_LOOK)
        self._timer.timeout.connect(self._look)

    def is_repeated(self) -> bool:
        self._look()
        was_there = self._place is not None
        self._place = QtGui.QCursor.pos()
        self._end = time.monotonic() + QtWidgets.QApplication.doubleClickInterval() / 1000
        self._timer.start()
        return was_there

    def _look(self) -> None:
        if self._place is not None and (time.monotonic() > self._end or self._has_gone(self._place)):
            self._place = None
            self._timer.stop()

    def _has_gone(self, place: QtCore.QPoint) -> bool:
        way = QtGui.QCursor.pos() - place
        return max(abs(way.x()), abs(way.y())) > _JITTER


_made: list[_Clicks] = []


def _clicks() -> _Clicks:
    """Made with the first click, on the GUI thread."""
    if not _made:
        _made.append(_Clicks())
    return _made[0]
