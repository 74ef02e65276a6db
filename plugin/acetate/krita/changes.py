"""Whether a canvas was changed: scripts are not told, but Krita's list of undo steps tells whoever shows it."""

from __future__ import annotations

from krita import Document, Krita

from acetate.krita.geometry import undo_view
from acetate.krita.wrappers import Hold, wrappers
from acetate.qt import QtCore, QtWidgets

_MOST = 128  # nodes whose look is compared


def changes_of(document: Document) -> object:
    """Steps that were done or undone since this was first asked, and what the layers are set to, which is no step."""
    window = Krita.instance().activeWindow()
    if window is not None:
        _steps.listen(window.qwindow())
    with wrappers() as hold:
        found: list[object] = []
        _collect(document, hold, found)
        return (_steps.count, *found)


def _collect(document: Document, hold: Hold, found: list[object]) -> None:
    waiting = [hold(document.rootNode())]
    while waiting and len(found) < _MOST:
        node = waiting.pop()
        found.append((node.visible(), node.opacity(), node.blendingMode()))
        waiting += map(hold, node.childNodes())


class _Steps(QtCore.QObject):
    """Of every window; a number that only grows."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self._heard: list[QtCore.QAbstractItemModel] = []

    def listen(self, window: QtWidgets.QMainWindow) -> None:
        view = undo_view(window)
        model = view.model() if view else None
        if view is None or model is None or model in self._heard:
            return
        self._heard.append(model)
        model.modelReset.connect(self._add)
        model.rowsInserted.connect(self._add)
        model.dataChanged.connect(self._add)
        view.selectionModel().currentChanged.connect(self._add)

    def _add(self, *_: object) -> None:
        self.count += 1


_steps = _Steps()
