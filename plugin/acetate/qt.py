"""The one place that knows PyQt5 (Krita 5) from PyQt6 (Krita 6), and how work comes back to the GUI thread.

Enums are written scoped (`Qt.AlignmentFlag.AlignLeft`) everywhere: both bindings understand that.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

# Krita has imported its binding before any plugin; importing the other one beside it would crash.
if TYPE_CHECKING or "PyQt6.QtCore" not in sys.modules:
    from PyQt5 import sip
    from PyQt5.QtCore import QByteArray, QEvent, QObject, QPoint, QRect, QSize, Qt, QTimer, pyqtSignal
    from PyQt5.QtGui import (
        QBrush,
        QColor,
        QFocusEvent,
        QIcon,
        QImage,
        QKeyEvent,
        QPainter,
        QPaintEvent,
        QPixmap,
        QStandardItemModel,
    )
    from PyQt5.QtWidgets import (
        QApplication,
        QCheckBox,
        QComboBox,
        QDoubleSpinBox,
        QFrame,
        QGridLayout,
        QHBoxLayout,
        QLabel,
        QLineEdit,
        QListView,
        QListWidget,
        QListWidgetItem,
        QPlainTextEdit,
        QProgressBar,
        QPushButton,
        QScrollArea,
        QSizePolicy,
        QSlider,
        QToolButton,
        QVBoxLayout,
        QWidget,
    )
else:
    from PyQt6 import sip
    from PyQt6.QtCore import QByteArray, QEvent, QObject, QPoint, QRect, QSize, Qt, QTimer, pyqtSignal
    from PyQt6.QtGui import (
        QBrush,
        QColor,
        QFocusEvent,
        QIcon,
        QImage,
        QKeyEvent,
        QPainter,
        QPaintEvent,
        QPixmap,
        QStandardItemModel,
    )
    from PyQt6.QtWidgets import (
        QApplication,
        QCheckBox,
        QComboBox,
        QDoubleSpinBox,
        QFrame,
        QGridLayout,
        QHBoxLayout,
        QLabel,
        QLineEdit,
        QListView,
        QListWidget,
        QListWidgetItem,
        QPlainTextEdit,
        QProgressBar,
        QPushButton,
        QScrollArea,
        QSizePolicy,
        QSlider,
        QToolButton,
        QVBoxLayout,
        QWidget,
    )

__all__ = [
    "GuiThread",
    "QApplication",
    "QBrush",
    "QByteArray",
    "QCheckBox",
    "QColor",
    "QComboBox",
    "QDoubleSpinBox",
    "QEvent",
    "QFocusEvent",
    "QFrame",
    "QGridLayout",
    "QHBoxLayout",
    "QIcon",
    "QImage",
    "QKeyEvent",
    "QLabel",
    "QLineEdit",
    "QListView",
    "QListWidget",
    "QListWidgetItem",
    "QObject",
    "QPaintEvent",
    "QPainter",
    "QPixmap",
    "QPlainTextEdit",
    "QPoint",
    "QProgressBar",
    "QPushButton",
    "QRect",
    "QScrollArea",
    "QSize",
    "QSizePolicy",
    "QSlider",
    "QStandardItemModel",
    "QTimer",
    "QToolButton",
    "QVBoxLayout",
    "QWidget",
    "Qt",
    "pyqtSignal",
    "sip",
]


class GuiThread(QObject):
    """Runs what any thread posts, in order, in the event loop of the thread that made it."""

    _posted = pyqtSignal(object)

    def __init__(self) -> None:
        super().__init__()
        self._posted.connect(self._run, Qt.ConnectionType.QueuedConnection)  # type: ignore[call-arg]  # stubs lack it

    def post(self, call: Callable[[], None]) -> None:
        self._posted.emit(call)

    def _run(self, call: Callable[[], None]) -> None:
        call()
