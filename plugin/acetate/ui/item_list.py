"""Rows for the items of a setting, each with what changes and removes it, and a button that adds one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from acetate.qt import QtWidgets
from acetate.session.observable import Observable
from acetate.session.session import Session
from acetate.ui.inputs import SpinBox
from acetate.ui.reach import name_parts

Item = TypeVar("Item")


class ItemRow(QtWidgets.QFrame, Generic[Item]):
    """One item. A subclass shows it, and calls `take` with what the painter has made of it."""

    def __init__(self, session: Session, items: Observable[tuple[Item, ...]], index: int) -> None:
        super().__init__()
        self.session = session
        self.index = index
        self._items = items
        self._is_showing = False

    def show_item(self, item: Item) -> None:
        self._is_showing = True  # what its widgets say meanwhile is half the old item
        self.fill(item)
        self._is_showing = False

    def fill(self, item: Item) -> None:
        """With what the chosen model offers for it. The row may be gone later: it listens to nothing but itself."""
        raise NotImplementedError

    def take(self, make: Callable[[], Item]) -> None:
        if not self._is_showing:
            self._replace((make(),))

    def remove(self) -> None:
        self._replace(())

    def _replace(self, new: tuple[Item, ...]) -> None:
        items = self._items.value
        self._items.value = (*items[: self.index], *new, *items[self.index + 1 :])


class ItemList(QtWidgets.QWidget, Generic[Item]):
    def __init__(
        self,
        session: Session,
        items: Observable[tuple[Item, ...]],
        make_row: Callable[[int], ItemRow[Item]],
        make_item: Callable[[], Item],
        add: QtWidgets.QPushButton,
    ) -> None:
        super().__init__()
        self.rows: list[ItemRow[Item]] = []
        self._make_row = make_row
        self._column = QtWidgets.QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(6)
        self._column.addWidget(add)
        add.clicked.connect(lambda: setattr(items, "value", (*items.value, make_item())))
        items.bind(self._show)
        session.model.changed.connect(lambda _: self._show(items.value))

    def _show(self, items: tuple[Item, ...]) -> None:
        while len(self.rows) > len(items):
            self.rows.pop().deleteLater()
        while len(self.rows) < len(items):
            row = self._make_row(len(self.rows))
            name_parts(row)
            self._column.insertWidget(len(self.rows), row)
            self.rows.append(row)
        for row, item in zip(self.rows, items, strict=True):
            row.show_item(item)


def percent(least: int, most: int, tip: str) -> QtWidgets.QSpinBox:
    number = SpinBox()
    number.setRange(least, most)
    number.setSuffix(" %")
    number.setSingleStep(5)
    number.setToolTip(tip)
    return number
