"""What few painters need every day, behind a title that opens and closes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from acetate.protocol.events import ModelInfo
from acetate.qt import QtCore, QtWidgets
from acetate.session.observable import Observable
from acetate.ui.binding import named

T = TypeVar("T")


class Fold(QtWidgets.QWidget):
    """Closed at first. `name` is the object name of the title."""

    def __init__(self, title: str, name: str, content: QtWidgets.QWidget) -> None:
        super().__init__()
        self._text = title
        self._content = content
        self._title = QtWidgets.QToolButton()
        named(self._title, name)
        self._title.setText(title)
        self._title.setCheckable(True)
        self._title.setAutoRaise(True)
        self._title.setToolButtonStyle(QtCore.Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._title.toggled.connect(self._open)
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self._title)
        column.addWidget(content)
        self._open(False)

    def show_count(self, count: int) -> None:
        """How many things inside count, though it may be closed."""
        self._title.setText(f"{self._text} ({count})" if count else self._text)

    def _open(self, is_open: bool) -> None:
        arrow = QtCore.Qt.ArrowType.DownArrow if is_open else QtCore.Qt.ArrowType.RightArrow
        self._title.setArrowType(arrow)
        self._content.setVisible(is_open)


def where_useful(
    fold: Fold,
    model: Observable[ModelInfo | None],
    offered: Callable[[ModelInfo | None], Sequence[str]],
    chosen: Observable[tuple[T, ...]],
    is_used: Observable[bool] | None = None,
) -> Fold:
    """Hidden where the model offers nothing for it, unless something is chosen, which has to be seen; and where the
    task does not use it."""
    is_used = is_used or Observable(True)

    def show(_: object) -> None:
        fold.setVisible(is_used.value and bool(offered(model.value) or chosen.value))
        fold.show_count(len(chosen.value))

    model.bind(show)
    chosen.changed.connect(show)
    is_used.changed.connect(show)
    return fold
