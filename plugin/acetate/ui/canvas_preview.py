"""A picture over the canvas, where it would be inserted."""

from __future__ import annotations

from acetate.protocol.geometry import Bounds
from acetate.qt import QtCore, QtGui, QtWidgets
from acetate.ui.over_canvas import OverCanvas, Veil, rectangle

_FADED = 0.2  # of its opacity


def is_pressed() -> bool:
    """Whether a button of the mouse is down: a stroke may be under way."""
    return bool(QtWidgets.QApplication.mouseButtons())


class CanvasPreview(OverCanvas):
    def __init__(self, parent: QtCore.QObject, *, fades: bool = False) -> None:
        """`fades`: while a button of the mouse is down, what lies under it shows through."""
        super().__init__(parent)
        self._fades = fades

    def show(self, image: QtGui.QImage, bounds: Bounds) -> None:
        """`image` is of any size; `bounds` are canvas pixels. Nothing where no document is in front."""
        self.put(lambda canvas: _PictureVeil(canvas, image, bounds))

    def followed(self, veil: Veil) -> None:
        veil.fade(_FADED if self._fades and is_pressed() else 1.0)


class _PictureVeil(Veil):
    def __init__(self, canvas: QtWidgets.QWidget, image: QtGui.QImage, bounds: Bounds) -> None:
        super().__init__(canvas, "acetate_canvas_preview", rectangle(bounds))
        self._image = image

    def draw(self, painter: QtGui.QPainter, transform: QtGui.QTransform) -> None:
        painter.setRenderHint(QtGui.QPainter.RenderHint.SmoothPixmapTransform)
        painter.setTransform(transform, True)
        painter.drawImage(self._area, self._image)
        painter.setPen(QtGui.QPen(QtGui.QColor(255, 255, 255, 160), 0, QtCore.Qt.PenStyle.DashLine))
        painter.drawRect(self._area)
