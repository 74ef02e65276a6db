"""Parts of Krita's windows that are looked for once: searching all of a window's widgets takes tens of milliseconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from krita import Krita

from acetate.qt import QtWidgets, sip

W = TypeVar("W", bound=QtWidgets.QWidget)
_found: dict[tuple[str, str], QtWidgets.QWidget] = {}  # by name of the window and of the part


def is_in_front(widget: QtWidgets.QWidget) -> bool:
    """Whether the window that it belongs to, in a docker that floats or not, is the one that is painted in."""
    window, above = Krita.instance().activeWindow(), widget.parentWidget()
    while above is not None and not isinstance(above, QtWidgets.QMainWindow):
        above = above.parentWidget()
    return window is not None and window.qwindow() is above


def part(window: QtWidgets.QMainWindow, name: str, find: Callable[[QtWidgets.QMainWindow], W | None]) -> W | None:
    """What `find` gives, as long as it lives."""
    key = (window.objectName(), name)
    known = _found.get(key)
    if known is not None and not sip.isdeleted(known):
        return known  # type: ignore[return-value]  # `find` has given it
    fresh = find(window)
    if fresh is not None:
        _found[key] = fresh
    return fresh
