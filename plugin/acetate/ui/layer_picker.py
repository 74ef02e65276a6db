"""Picks layers of the document: a fixed answer, or any layers and groups, each with a box to tick."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from acetate.host import LayerInfo
from acetate.language import mark, tr, trn
from acetate.qt import QtCore, QtGui
from acetate.session.observable import Observable
from acetate.session.settings import Picked
from acetate.ui.binding import silent
from acetate.ui.inputs import ComboBox

_INDENT = "   "
_GONE = mark("(a layer that is gone)")
_ON, _OFF = "☑ ", "☐ "  # Krita's dark themes hide the boxes that Qt draws in a list
_ID = QtCore.Qt.ItemDataRole.UserRole
_NAME = QtCore.Qt.ItemDataRole.UserRole + 1


class LayerPicker(ComboBox):
    """`picked` is a fixed word, or ids of layers. The list is read anew whenever the painter comes near.

    With `several`, a click on a layer in the open list ticks it and leaves the list open.
    """

    def __init__(
        self,
        picked: Observable[Picked],
        fixed: Sequence[tuple[str, str]],
        layers: Callable[[], list[LayerInfo]],
        *,
        several: bool = True,
    ) -> None:
        super().__init__()
        self._picked = picked
        self._fixed = tuple(fixed)
        self._layers = layers
        self._several = several
        self._pressed = -1  # row
        self.keep_narrow()
        self.currentIndexChanged.connect(self._take)
        self.view().viewport().installEventFilter(self)
        self.view().installEventFilter(self)
        self.refresh()
        picked.changed.connect(lambda _: self._show())

    def refresh(self) -> None:
        """Lists the layers as they are now, and shows the choice; one that is gone stays, and is named so."""
        layers = self._layers()
        known = {*(value for value, _ in self._fixed), *(layer.id for layer in layers)}
        layers += [LayerInfo(value, tr(_GONE), 0) for value in self._picked.value if value not in known]
        with silent(self):
            self.clear()
            for value, text in self._fixed:
                self.addItem(tr(text), value)
                self.setItemData(self.count() - 1, tr(text), _NAME)
            self.insertSeparator(len(self._fixed))
            for layer in layers:
                self.addItem(_INDENT * layer.depth + layer.name, layer.id)
                self.setItemData(self.count() - 1, layer.name, _NAME)
                if self._several:
                    self._tick(self.count() - 1, layer.id in self._picked.value, layer.depth)
            self.setCurrentIndex(self.findData(self._picked.value[0]))
        self.update()

    def _show(self) -> None:
        """A new list would take the open one from under the painter's hand."""
        if self.view().isVisible():
            self.update()
        else:
            self.refresh()

    def showPopup(self) -> None:
        self._pressed = -1
        self.refresh()
        super().showPopup()

    def enterEvent(self, event: QtCore.QEvent) -> None:
        if not self.view().isVisible():
            self.refresh()
        super().enterEvent(event)

    def eventFilter(self, watched: QtCore.QObject, event: QtCore.QEvent) -> bool:
        """A click on a layer in the open list ticks it: both halves of it, for the list may open under the pointer.

        So does Space.
        """
        if self._several and isinstance(event, QtGui.QKeyEvent):
            return self._ticked_by(event) or super().eventFilter(watched, event)
        if not self._several or not isinstance(event, QtGui.QMouseEvent):
            return super().eventFilter(watched, event)
        row = self.view().indexAt(event.pos()).row()
        if event.type() == event.Type.MouseButtonPress:
            self._pressed = row
        elif event.type() == event.Type.MouseButtonRelease and row == self._pressed and row > len(self._fixed):
            self._toggle(row)
            return True
        return super().eventFilter(watched, event)

    def _ticked_by(self, event: QtGui.QKeyEvent) -> bool:
        row = self.view().currentIndex().row()
        is_meant = event.type() == event.Type.KeyPress and event.key() == QtCore.Qt.Key.Key_Space
        if is_meant and row > len(self._fixed):
            self._toggle(row)
            return True
        return False

    def shown(self) -> str:
        """Several layers by their names."""
        names = [str(self.itemData(self.findData(value), _NAME)) for value in self._picked.value]
        several = trn("{count} layer: {names}", "{count} layers: {names}", len(names), names=", ".join(names))
        return names[0] if len(names) == 1 else several

    def _tick(self, row: int, is_on: bool, depth: int) -> None:
        self.setItemText(row, _INDENT * depth + (_ON if is_on else _OFF) + str(self.itemData(row, _NAME)))

    def _toggle(self, row: int) -> None:
        """In the order of the list, topmost first; ticking none at all is the first fixed answer."""
        clicked = str(self.itemData(row, _ID))
        kept = set(self._picked.value) ^ {clicked}
        rows = [str(self.itemData(i, _ID)) for i in range(len(self._fixed) + 1, self.count())]
        chosen = tuple(value for value in rows if value in kept)
        depth = len(self.itemText(row)) - len(self.itemText(row).lstrip())
        self._tick(row, clicked in kept, depth // len(_INDENT))
        self._picked.value = chosen or (self._fixed[0][0],)

    def _take(self, index: int) -> None:
        value = self.itemData(index)
        if isinstance(value, str):
            self._picked.value = (value,)
