"""A line of text that is cut with an ellipsis where there is no room: it must not widen the docker."""

from __future__ import annotations

from acetate.qt import QtCore, QtGui, QtWidgets


class ElidedLabel(QtWidgets.QLabel):
    def __init__(self, text: str = "") -> None:
        super().__init__(text)
        self.setTextFormat(QtCore.Qt.TextFormat.PlainText)  # names would be read as markup
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Ignored, QtWidgets.QSizePolicy.Policy.Preferred)

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        painter = QtWidgets.QStylePainter(self)
        text = self.fontMetrics().elidedText(self.text(), QtCore.Qt.TextElideMode.ElideRight, self.width())
        role = QtGui.QPalette.ColorRole.WindowText
        painter.drawItemText(self.rect(), int(self.alignment()), self.palette(), self.isEnabled(), text, role)
        painter.end()
