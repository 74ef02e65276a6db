"""Rows of a label and a widget, which can be hidden together."""

from __future__ import annotations

from acetate.qt import QtCore, QtGui, QtWidgets
from acetate.session.settings import Settings
from acetate.ui.choice import Choice
from acetate.ui.reach import name_first

Row = tuple[QtWidgets.QWidget, QtWidgets.QWidget]


class Rows(QtWidgets.QWidget):
    """A label is beside its widget, or above it where that would not be wide enough to be read."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[Row] = []
        self._above: list[bool] = []  # of each row, whether its label is
        self._label_width = 0  # pixels at least
        self._grid = QtWidgets.QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnStretch(1, 1)

    def add(self, text: str, widget: QtWidgets.QWidget) -> Row:
        """`text` with its mnemonic; its letter brings the keyboard to the widget."""
        label = QtWidgets.QLabel(text)
        label.setBuddy(widget)
        name_first(widget, text.replace("&", ""))
        self._rows.append((label, widget))
        self._above.append(False)
        self._lay_out(len(self._rows) - 1, is_above=False)
        return label, widget

    def add_used(self, settings: Settings, name: str, text: str, widget: QtWidgets.QWidget) -> Row:
        """Shown for tasks that use what `Settings.used` calls so."""
        row = self.add(text, widget)
        settings.used.bind(lambda used: show_row(row, name in used))
        return row

    def label_width(self) -> int:
        """Of the widest one that is shown."""
        return max((label.sizeHint().width() for label, _ in self._rows if not label.isHidden()), default=0)

    def set_label_width(self, width: int) -> None:
        self._label_width = width
        self._grid.setColumnMinimumWidth(0, width)
        self._fit()

    def resizeEvent(self, event: QtGui.QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def event(self, event: QtCore.QEvent) -> bool:
        """Rows come and go, and what is in them grows."""
        if event.type() == event.Type.LayoutRequest:
            self._fit()
        return super().event(event)

    def _fit(self) -> None:
        taken = max(self.label_width(), self._label_width) + self._grid.horizontalSpacing()
        for index, (label, widget) in enumerate(self._rows):
            is_above = not label.isHidden() and taken + _readable(widget) > self.width()
            if is_above != self._above[index]:
                self._lay_out(index, is_above=is_above)

    def _lay_out(self, index: int, *, is_above: bool) -> None:
        label, widget = self._rows[index]
        for each in (label, widget):
            self._grid.removeWidget(each)
        self._above[index] = is_above
        if is_above:
            self._grid.addWidget(label, 2 * index, 0, 1, 2)
            self._grid.addWidget(widget, 2 * index + 1, 0, 1, 2)
        else:
            self._grid.addWidget(label, 2 * index, 0)
            self._grid.addWidget(widget, 2 * index, 1)


def _readable(widget: QtWidgets.QWidget) -> int:
    """Pixels, width. What a painter has named may be any length: it ends with an ellipsis."""
    return widget.readable if isinstance(widget, Choice) else widget.sizeHint().width()


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
