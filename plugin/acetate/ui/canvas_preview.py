"""A picture over the canvas, where it would be inserted: no layer, no undo step, and strokes go through it."""

from __future__ import annotations

from acetate.krita.host import KritaHost
from acetate.krita.view import transform_of
from acetate.picture import Picture
from acetate.protocol.geometry import Bounds
from acetate.qt import QtCore, QtGui, QtWidgets
from acetate.ui.binding import named
from acetate.ui.checkerboard import to_image

_FADED = 0.2  # of its opacity
_FOLLOW = 40  # milliseconds between two looks at how the view is turned and zoomed


def is_pressed() -> bool:
    """Whether a button of the mouse is down: a stroke may be under way."""
    return bool(QtWidgets.QApplication.mouseButtons())


class CanvasPreview(QtCore.QObject):
    """Follows zoom, rotation and mirror as long as it is shown."""

    def __init__(self, parent: QtCore.QObject, *, fades: bool = False) -> None:
        """`fades`: while a button of the mouse is down, what lies under it shows through."""
        super().__init__(parent)
        self._fades = fades
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
            self._veil.fade(self._fades and is_pressed())


class _Veil(QtWidgets.QWidget):
    def __init__(self, canvas: QtWidgets.QWidget, image: QtGui.QImage, bounds: Bounds) -> None:
        super().__init__(canvas)
        named(self, "acetate_canvas_preview")
        self._image = image
        self._area = QtCore.QRectF(bounds.x, bounds.y, bounds.width, bounds.height)
        self._transform = QtGui.QTransform()
        self._pixmap = QtGui.QPixmap()
        self._is_faded = False
        self.setAttribute(QtCore.Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(QtCore.Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setFocusPolicy(QtCore.Qt.FocusPolicy.NoFocus)

    def place(self, transform: QtGui.QTransform) -> None:
        """Only where it covers the canvas, drawn once: Krita paints it again with every dab under it."""
        covered = transform.mapRect(self._area).toAlignedRect().adjusted(-1, -1, 1, 1)
        shown = covered.intersected(self.parentWidget().rect())
        if transform == self._transform and shown == self.geometry() and self.isVisible():
            return
        self._transform = transform
        self.setVisible(not shown.isEmpty())
        if not shown.isEmpty():
            self._pixmap = self._drawn(shown)
            self.setGeometry(shown)
            self.update()

    def fade(self, is_faded: bool) -> None:
        if is_faded != self._is_faded:
            self._is_faded = is_faded
            self.update()

    def _drawn(self, shown: QtCore.QRect) -> QtGui.QPixmap:
        pixmap = QtGui.QPixmap(shown.size())
        pixmap.fill(QtCore.Qt.GlobalColor.transparent)
        painter = QtGui.QPainter(pixmap)
        painter.setRenderHint(QtGui.QPainter.RenderHint.SmoothPixmapTransform)
        painter.translate(-shown.topLeft())
        painter.setTransform(self._transform, True)
        painter.drawImage(self._area, self._image)
        painter.setPen(QtGui.QPen(QtGui.QColor(255, 255, 255, 160), 0, QtCore.Qt.PenStyle.DashLine))
        painter.drawRect(self._area)
        painter.end()
        return pixmap

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        painter = QtGui.QPainter(self)
        painter.setOpacity(_FADED if self._is_faded else 1.0)
        painter.drawPixmap(event.rect(), self._pixmap, event.rect())
        painter.end()
