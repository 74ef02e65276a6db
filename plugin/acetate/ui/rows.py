"""Rows of a label and a widget, which can be hidden together."""

from __future__ import annotations

from acetate.qt import QtWidgets
from acetate.ui.reach import name_first

Row = tuple[QtWidgets.QWidget, QtWidgets.QWidget]


class Rows(QtWidgets.QWidget):
    def __init__(self) -> None:
        super().__init__()
        self._grid = QtWidgets.QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnStretch(1, 1)

    def add(self, text: str, widget: QtWidgets.QWidget) -> Row:
        """`text` with its mnemonic; its letter brings the keyboard to the widget."""
        label, row = QtWidgets.QLabel(text), self._grid.rowCount()
        label.setBuddy(widget)
        name_first(widget, text.replace("&", ""))
        self._grid.addWidget(label, row, 0)
        self._grid.addWidget(widget, row, 1)
        return label, widget

    def label_width(self) -> int:
        """Of the widest one that is shown."""
        labels = [self._grid.itemAtPosition(row, 0) for row in range(self._grid.rowCount())]
        shown = [item.widget() for item in labels if item is not None and not item.widget().isHidden()]
        return max((label.sizeHint().width() for label in shown), default=0)

    def set_label_width(self, width: int) -> None:
        self._grid.setColumnMinimumWidth(0, width)


def align(*parts: Rows) -> None:
    """What lies below each other as one table."""
    width = max((rows.label_width() for rows in parts if not rows.isHidden()), default=0)
    for rows in parts:
        rows.set_label_width(width)


def in_a_row(*parts: tuple[QtWidgets.QWidget, int], spacing: int = 4) -> QtWidgets.QWidget:
    """Beside each other, each with its share of what room is left; on the left where none wants any."""
    widget = QtWidgets.QWidget()
    row = QtWidgets.QHBoxLayout(widget)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(spacing)
    for part, stretch in parts:
        row.addWidget(part, stretch)
    if not any(stretch for _, stretch in parts):
        row.addStretch(1)
    return widget


def show_row(row: Row, is_visible: bool) -> None:
    for widget in row:
        widget.setVisible(is_visible)
