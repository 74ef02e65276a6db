"""A combo box for an observable value."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Generic, TypeVar

from acetate.language import tr
from acetate.qt import QtGui, QtWidgets
from acetate.session.observable import Observable
from acetate.ui.inputs import ComboBox

T = TypeVar("T", bound=str)


class Choice(ComboBox, Generic[T]):
    """Shows `options` (value, text to be translated); the data of an item is the value as the protocol writes it."""

    def __init__(
        self, value: Observable[T], options: Sequence[tuple[T, str]], parent: QtWidgets.QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._value = value
        self._options = [option for option, _ in options]
        self.keep_narrow()
        for option, text in options:
            self.addItem(tr(text), getattr(option, "value", option))
        self.currentIndexChanged.connect(self._take)
        value.bind(self._show)

    def enable_only(self, values: Collection[T]) -> None:
        """Greys out the other options; one that is chosen stays so."""
        model = self.model()
        assert isinstance(model, QtGui.QStandardItemModel)  # a combo box makes it
        for index, option in enumerate(self._options):
            model.item(index).setEnabled(option in values)

    def _take(self, index: int) -> None:
        self._value.value = self._options[index]

    def _show(self, value: T) -> None:
        self.setCurrentIndex(self._options.index(value))
