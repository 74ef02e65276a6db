"""A picture over the canvas, where it would be inserted: no layer, no undo step, and strokes go through it."""

from __future__ import annotations

from acetate.krita.host import KritaHost
from acetate.krita.view import transform_of
from acetate.picture import Picture
from acetate.protocol.geometry import Bounds
from acetate.qt import QtCore, QtGui, QtWidgets
from acetate.ui.binding import named
from acetate.ui.checkerboard import to_image

_FOLLOW = 40  # milliseconds between two looks at how the view is turned and zoomed


class CanvasPreview(QtCore.QObject):
    """Follows zoom, rotation and mirror as long as it is shown."""

    def __init__(self, parent: QtCore.QObject) -> None:
        super().__init__(parent)
        self._veil: _Veil | None = None
        self._timer = QtCore.QTimer(self)
        self._timer.setInterval(_FOLLOW)
        self._timer.timeout.connect(self._follow)

    def show(self, picture: Picture, bounds: Bounds) -> None:
        """`picture` is RGBA8, of any size; `bounds` are canvas pixels. Nothing where no document is in front."""
        image = to_image(picture)
        self.hide()
        document = KritaHost().active_document()
        shown = transform_of(document.handle) if document else None
        if document and shown:
            self._document = document.handle
            self._veil = _Veil(shown[0], image, bounds)
            self._veil.place(shown[1])
            self._timer.start()

    def hide(self) -> None:
        self._timer.stop()
        veil, self._veil = self._veil, None
        if veil is not None:
            veil.hide()
            veil.deleteLater()

    def _follow(self) -> None:
        document = KritaHost().active_document()
        shown = transform_of(document.handle) if document and document.handle == self._document else None
        if self._veil is None or shown is None or shown[0] is not self._veil.parentWidget():
            self._veil = None  # it went with the canvas that it was on
            self._timer.stop()
        else:
            self._veil.place(shown[1])


class _Veil(QtWidgets.QWidget):
    def __init__(self, canvas: QtWidgets.QWidget, image: QtGui.QImage, bounds: Bounds) -> None:
        super().__init__(canvas)
        named(self, "acetate_canvas_preview")
        self._image = image
        self._area = QtCore.QRectF(bounds.x, bounds.y, bounds.width, bounds.height)
        self._transform = QtGui.QTransform()
        self.setAttribute(QtCore.Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(QtCore.Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setFocusPolicy(QtCore.Qt.FocusPolicy.NoFocus)

    def place(self, transform: QtGui.QTransform) -> None:
        parent = self.parentWidget()
        if transform != self._transform or self.size() != parent.size() or not self.isVisible():
            self._transform = transform
            self.setGeometry(parent.rect())
            self.show()
            self.update()

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.RenderHint.SmoothPixmapTransform)
        painter.setTransform(self._transform)
        painter.drawImage(self._area, self._image)
        painter.setPen(QtGui.QPen(QtGui.QColor(255, 255, 255, 160), 0, QtCore.Qt.PenStyle.DashLine))
        painter.drawRect(self._area)
        painter.end()
