"""Undo steps, and what becomes one."""

from __future__ import annotations

from typing import Any

from acetate_driver.binding import QtWidgets
from acetate_driver.dockers import _docker, app
from acetate_driver.documents import document


def _undo_view() -> Any:
    (view,) = [view for view in _docker("History").findChildren(QtWidgets.QListView) if view.inherits("KisUndoView")]
    return view


def undo_steps() -> list[str]:
    """Names of the steps on the stack, oldest first."""
    model = _undo_view().model()
    return [model.index(row, 0).data() for row in range(1, model.rowCount())]  # row 0 is the empty document


def undo_position() -> int:
    """How many of the steps are done."""
    return _undo_view().currentIndex().row()


def trigger(action: str) -> None:
    """While Krita works on the image, be it for a thumbnail, it ignores undo and redo (KisDocument's UndoStack)."""
    document().waitForDone()
    app.action(action).trigger()
    document().waitForDone()
