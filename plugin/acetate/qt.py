"""The one place that knows PyQt5 (Krita 5) from PyQt6 (Krita 6), and how work comes back to the GUI thread.

Enums are written scoped (`Qt.AlignmentFlag.AlignLeft`) everywhere: both bindings understand that.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

# Krita has imported its binding before any plugin; importing the other one beside it would crash.
if TYPE_CHECKING or "PyQt6.QtCore" not in sys.modules:
    from PyQt5 import QtCore, QtGui, QtWidgets, sip
else:
    from PyQt6 import QtCore, QtGui, QtWidgets, sip

TURN = 0.004  # seconds

__all__ = ["TURN", "GuiThread", "QtCore", "QtGui", "QtWidgets", "sip"]


class GuiThread(QtCore.QObject):
    """Runs what any thread posts, in order, in the event loop of the thread that made it.

    In each turn of the loop no longer than `TURN`, or one call: many small ones must not add up to what a painter
    feels. What is posted meanwhile waits for a later turn.
    """

    _wanted = QtCore.pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self._calls: deque[Callable[[], None]] = deque()  # its own methods are atomic
        self._is_wanted = False  # in a turn to come
        self._rest = QtCore.QTimer(self)
        self._rest.timeout.connect(self._run)
        queued = QtCore.Qt.ConnectionType.QueuedConnection
        self._wanted.connect(self._run, queued)  # type: ignore[call-arg]  # the stubs lack the type of a connection

    def post(self, call: Callable[[], None]) -> None:
        self._calls.append(call)
        if not self._is_wanted:
            self._is_wanted = True
            self._wanted.emit()

    def _run(self) -> None:
        self._is_wanted = False
        self._rest.start(0)  # goes on also where a call raises, or opens a window with an event loop of its own
        end = time.monotonic() + TURN
        for _ in range(len(self._calls)):
            if not self._calls or time.monotonic() > end:
                break
            self._calls.popleft()()
        if not self._calls:
            self._rest.stop()
