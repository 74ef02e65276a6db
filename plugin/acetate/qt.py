"""The one place that knows PyQt5 (Krita 5) from PyQt6 (Krita 6), and how work comes back to the GUI thread.

Enums are written scoped (`Qt.AlignmentFlag.AlignLeft`) everywhere: both bindings understand that.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

# Krita has imported its binding before any plugin; importing the other one beside it would crash.
if TYPE_CHECKING or "PyQt6.QtCore" not in sys.modules:
    from PyQt5 import QtCore, QtGui, QtWidgets, sip
else:
    from PyQt6 import QtCore, QtGui, QtWidgets, sip

__all__ = ["GuiThread", "QtCore", "QtGui", "QtWidgets", "sip"]


class GuiThread(QtCore.QObject):
    """Runs what any thread posts, in order, in the event loop of the thread that made it."""

    _posted = QtCore.pyqtSignal(object)

    def __init__(self) -> None:
        super().__init__()
        queued = QtCore.Qt.ConnectionType.QueuedConnection
        self._posted.connect(self._run, queued)  # type: ignore[call-arg]  # the stubs lack the type of a connection

    def post(self, call: Callable[[], None]) -> None:
        self._posted.emit(call)

    def _run(self, call: Callable[[], None]) -> None:
        call()
