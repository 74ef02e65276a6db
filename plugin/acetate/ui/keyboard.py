"""Whose the keyboard is. Krita's shortcuts are single keys: over the canvas they must never end up in a text field."""

from __future__ import annotations

from krita import Krita

from acetate.krita.view import canvas_in_front, is_canvas
from acetate.qt import QtCore, QtGui, QtWidgets

_LOOK = 50  # milliseconds


def give_to_canvas() -> None:
    """To the canvas that is painted on; nothing where no document is open."""
    window = Krita.instance().activeWindow()
    if window is None:
        return
    if canvas := canvas_in_front(window.qwindow()):
        _give(canvas)


class Keyboard(QtCore.QObject):
    """Gives it back to the canvas once the pointer has gone there from the docker."""

    def __init__(self, docker: QtWidgets.QWidget) -> None:
        super().__init__(docker)
        self._docker = docker
        self._timer = QtCore.QTimer(self)
        self._timer.setInterval(_LOOK)
        self._timer.timeout.connect(self._look)

    def pointer_left(self) -> None:
        self._timer.start()
        self._look()

    def pointer_entered(self) -> None:
        self._timer.stop()

    def _look(self) -> None:
        focused = QtWidgets.QApplication.focusWidget()
        if focused is None or not self._docker.isAncestorOf(focused):
            self._timer.stop()
        elif canvas := _under_pointer():
            _give(canvas)
            self._timer.stop()


def _under_pointer() -> QtWidgets.QWidget | None:
    """The canvas there, if it is one."""
    widget = QtWidgets.QApplication.widgetAt(QtGui.QCursor.pos())
    while widget is not None and not is_canvas(widget):
        widget = widget.parentWidget()
    return widget


def _give(canvas: QtWidgets.QWidget) -> None:
    if not canvas.isActiveWindow():  # the docker floats
        canvas.activateWindow()
    canvas.setFocus()
