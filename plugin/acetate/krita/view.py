"""Which part of a document its view shows, and where on the screen.

Krita 5.1 tells zoom, rotation, mirror and, by the values of its scroll bars, the corner of the rectangle around the
picture as it is shown (measured: to a pixel, at any zoom and angle).
"""

from __future__ import annotations

from typing import NamedTuple

from krita import Document, Krita, View

from acetate.krita.windows import part
from acetate.qt import QtCore, QtGui, QtWidgets, sip

_POINTS = 72.0  # an inch; Krita's zoom levels are of that resolution
_CANVASES = ("KisQPainterCanvas", "KisOpenGLCanvas2")  # without and with OpenGL


def view_centre(document: Document) -> tuple[int, int]:
    """Canvas pixels; the middle of the canvas where it is in no view that is in front."""
    shown = transform_of(document)
    width, height = document.width(), document.height()
    if shown is None:
        return width // 2, height // 2
    canvas, transform = shown
    there, _ = transform.inverted()
    point = there.map(QtCore.QPointF(canvas.width() / 2, canvas.height() / 2))
    return min(max(round(point.x()), 0), width), min(max(round(point.y()), 0), height)


def transform_of(document: Document) -> tuple[QtWidgets.QWidget, QtGui.QTransform] | None:
    """The widget that shows it, and the way from canvas pixels to pixels of that widget."""
    window = Krita.instance().activeWindow()
    view = window.activeView() if window else None
    if window is None or view is None or view.document() != document:
        return None
    front = _front(window.qwindow())
    return (front.canvas, _transform(front.area, view, document)) if front else None


def canvas_in_front(window: QtWidgets.QMainWindow) -> QtWidgets.QWidget | None:
    """The widget that is painted on; those of documents in other tabs count as visible, too."""
    front = _front(window)
    return front.canvas if front else None


def _transform(area: QtWidgets.QAbstractScrollArea, view: View, document: Document) -> QtGui.QTransform:
    zoom = view.canvas().zoomLevel() * _POINTS / max(1, document.resolution())
    width, height = document.width(), document.height()
    turned = _turned(QtGui.QTransform(), view, zoom)
    box = turned.mapRect(QtCore.QRectF(-width / 2, -height / 2, width, height))
    x, y = (-bar.value() for bar in (area.horizontalScrollBar(), area.verticalScrollBar()))  # the corner of the box
    whole = QtGui.QTransform()
    whole.translate(x - box.x(), y - box.y())
    _turned(whole, view, zoom).translate(-width / 2, -height / 2)
    return whole


def _turned(transform: QtGui.QTransform, view: View, zoom: float) -> QtGui.QTransform:
    """Around the middle of the picture."""
    transform.scale(-1 if view.canvas().mirror() else 1, 1)
    transform.rotate(view.canvas().rotation())
    transform.scale(zoom, zoom)
    return transform


class _Front(NamedTuple):
    """The view in front, of a window."""

    view: QtWidgets.QMdiSubWindow
    area: QtWidgets.QAbstractScrollArea  # what the canvas scrolls in
    canvas: QtWidgets.QWidget


_last: list[_Front] = []  # what was found last: to search a view takes a millisecond, and it is asked for all the time


def _front(window: QtWidgets.QMainWindow) -> _Front | None:
    views = part(window, "views", lambda it: it.centralWidget().findChild(QtWidgets.QMdiArea))
    view = views.currentSubWindow() if views else None  # the active one is None while a floating docker is active
    if view is None:
        return None
    for known in _last:
        if known.view is view and not sip.isdeleted(known.canvas) and known.canvas.isVisible():
            return known
    area = _area(view)
    canvas = _canvas(area) if area else None
    _last[:] = [_Front(view, area, canvas)] if area and canvas else []
    return _last[0] if _last else None


def _area(view: QtWidgets.QMdiSubWindow) -> QtWidgets.QAbstractScrollArea | None:
    areas = view.findChildren(QtWidgets.QAbstractScrollArea)
    return next((area for area in areas if area.metaObject().className() == "KisCanvasController"), None)


def _canvas(area: QtWidgets.QAbstractScrollArea) -> QtWidgets.QWidget | None:
    widgets = area.findChildren(QtWidgets.QWidget)
    return next((widget for widget in widgets if is_canvas(widget) and widget.isVisible()), None)


def is_canvas(widget: QtWidgets.QWidget) -> bool:
    return widget.metaObject().className() in _CANVASES
