"""Picks layers of the document: a few fixed answers, then every layer by its name."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from acetate.canvas.document import LayerInfo
from acetate.model.observable import Observable
from acetate.qt import QtCore, QtWidgets

_INDENT = "   "


class LayerPicker(QtWidgets.QComboBox):
    """`choice` is a fixed word, or the id of a layer. The list is read anew whenever the painter comes near."""

    def __init__(
        self,
        choice: Observable[str],
        fixed: Sequence[tuple[str, str]],
        layers: Callable[[], list[LayerInfo]],
    ) -> None:
        super().__init__()
        self._choice = choice
        self._fixed = fixed
        self._layers = layers
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed)
        self.setSizeAdjustPolicy(QtWidgets.QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(6)
        self.currentIndexChanged.connect(self._take)
        self.refresh()
        choice.changed.connect(lambda _: self.refresh())

    def refresh(self) -> None:
        """Lists the layers as they are now, and shows the choice; one that is gone stays, and is named so."""
        items = [*self._fixed, *((layer.id, _INDENT * layer.depth + layer.name) for layer in self._layers())]
        if self._choice.value not in (value for value, _ in items):
            items.append((self._choice.value, "(a layer that is gone)"))
        self.blockSignals(True)
        self.clear()
        for value, text in items:
            self.addItem(text, value)
        self.insertSeparator(len(self._fixed))
        self.setCurrentIndex(self.findData(self._choice.value))
        self.blockSignals(False)

    def showPopup(self) -> None:
        self.refresh()
        super().showPopup()

    def enterEvent(self, event: QtCore.QEvent) -> None:
        if not self.view().isVisible():
            self.refresh()
        super().enterEvent(event)

    def _take(self, index: int) -> None:
        value = self.itemData(index)
        if isinstance(value, str):
            self._choice.value = value
