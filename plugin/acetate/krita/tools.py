"""Tools that keep a stroke open when the drag is done, so that another drag goes on with it: Move and Transform.

Krita's own commands end such a stroke before they begin, and wait until that is done (`KisImage::requestStrokeEnd`). A
script can do the same: 2 ms for a move of a layer of 4096², as long as it takes for a transform.
"""

from __future__ import annotations

import time

from krita import Document, Krita

from acetate.krita.windows import part
from acetate.qt import QtCore, QtGui, QtWidgets

_MOVE, _TRANSFORM = "KritaTransform/KisToolMove", "KisToolTransform"
_RESTING = 0.5  # seconds without a movement of the pointer: a pen that drags is no pressed button


class _Pointer:
    def __init__(self) -> None:
        self._seen, self._since = QtCore.QPoint(), 0.0

    def is_at_rest(self) -> bool:
        """As far as one knows who asks some times a second."""
        there, now = QtGui.QCursor.pos(), time.monotonic()
        if there != self._seen:
            self._seen, self._since = there, now
        return not QtGui.QGuiApplication.mouseButtons() and now - self._since >= _RESTING


_pointer = _Pointer()


def end_open_stroke(document: Document, *, is_asked: bool) -> None:
    """Of the tool in front, as far as it can be ended now: what is done so far stays, as one undo step.

    A transform is the painter's to apply, unless something was asked for (`is_asked`), as with Krita's own commands.
    """
    tools = (_MOVE, _TRANSFORM) if is_asked else (_MOVE,)
    if (is_asked or _pointer.is_at_rest()) and any(map(_is_in_front, tools)):
        document.waitForDone()


def _is_in_front(tool: str) -> bool:
    window = Krita.instance().activeWindow()
    button = window and part(window.qwindow(), tool, lambda main: main.findChild(QtWidgets.QToolButton, tool))
    return bool(button and button.isChecked())
