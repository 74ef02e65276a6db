"""What scrolls in the docker: one column, or two where there is room for both."""

from __future__ import annotations

from acetate.qt import QtGui, QtWidgets

_ROOM = 560  # pixels from which on two columns are better than one


class Columns(QtWidgets.QWidget):
    def __init__(self, first: QtWidgets.QWidget, second: QtWidgets.QWidget) -> None:
        super().__init__()
        self._box = QtWidgets.QBoxLayout(QtWidgets.QBoxLayout.Direction.TopToBottom, self)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.setSpacing(0)
        self._box.addWidget(first)
        self._box.addWidget(second, 1)

    def resizeEvent(self, event: QtGui.QResizeEvent) -> None:
        directions = QtWidgets.QBoxLayout.Direction
        is_wide = event.size().width() >= _ROOM
        self._box.setDirection(directions.LeftToRight if is_wide else directions.TopToBottom)
        self._box.setStretch(0, 1 if is_wide else 0)
        super().resizeEvent(event)
