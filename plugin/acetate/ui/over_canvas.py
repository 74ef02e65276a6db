"""Something over the canvas that is no layer of it: no undo step, and strokes go through."""

from __future__ import annotations

from collections.abc import Callable

from acetate.krita.host import KritaHost
from acetate.krita.view import transform_of
from acetate.protocol.geometry import Bounds
from acetate.qt import QtCore, QtGui, QtWidgets, sip
from acetate.ui.binding import named

_FOLLOW = 40  # milliseconds between two looks at how the view is turned and zoomed


class Veil(QtWidgets.QWidget):
    """Covers `area` (canvas pixels) of the canvas; painted once for each way the view is turned and zoomed."""

    def __init__(self, canvas: QtWidgets.QWidget, name: str, area: QtCore.QRectF) -> None:
        super().__init__(canvas)
        named(self, name)
        self._area = area
        self._transform = QtGui.QTransform()
        self._pixmap = QtGui.QPixmap()
        self.opacity = 1.0
        self.setAttribute(QtCore.Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(QtCore.Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setFocusPolicy(QtCore.Qt.FocusPolicy.NoFocus)

    def draw(self, painter: QtGui.QPainter, transform: QtGui.QTransform) -> None:
        """In pixels of the widget that shows the canvas; `transform` leads there from canvas pixels."""
        raise NotImplementedError

    def place(self, transform: QtGui.QTransform) -> None:
        """Only where it covers something: Krita paints it again with every dab under it."""
        covered = transform.mapRect(self._area).toAlignedRect().adjusted(-2, -2, 2, 2)
        shown = covered.intersected(self.parentWidget().rect())
        if transform == self._transform and shown == self.geometry() and self.isVisible():
            return
        self._transform = transform
        self.setVisible(not shown.isEmpty())
        if not shown.isEmpty():
            self._pixmap = self._painted(shown)
            self.setGeometry(shown)
            self.update()

    def fade(self, opacity: float) -> None:
        if opacity != self.opacity:
            self.opacity = opacity
            self.update()

    def _painted(self, shown: QtCore.QRect) -> QtGui.QPixmap:
        pixmap = QtGui.QPixmap(shown.size())
        pixmap.fill(QtCore.Qt.GlobalColor.transparent)
        painter = QtGui.QPainter(pixmap)
        painter.translate(-shown.topLeft())
        self.draw(painter, self._transform)
        painter.end()
        return pixmap

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        painter = QtGui.QPainter(self)
        painter.setOpacity(self.opacity)
        painter.drawPixmap(event.rect(), self._pixmap, event.rect())
        painter.end()


class OverCanvas(QtCore.QObject):
    """Follows zoom, rotation and mirror of the document that was in front, as long as that is in front."""

    def __init__(self, parent: QtCore.QObject) -> None:
        super().__init__(parent)
        self._veil: Veil | None = None
        self._timer = QtCore.QTimer(self)
        self._timer.setInterval(_FOLLOW)
        self._timer.timeout.connect(self._follow)

    def put(self, make: Callable[[QtWidgets.QWidget], Veil]) -> None:
        """`make` gets the widget that shows the canvas. Nothing where no document is in front."""
        self.hide()
        document = KritaHost().active_document()
        shown = transform_of(document.handle) if document else None
        if document and shown:
            self._document = document.handle
            self._veil = make(shown[0])
            self._veil.place(shown[1])
            self._timer.start()

    @property
    def is_shown(self) -> bool:
        return self._veil is not None

    def hide(self) -> None:
        self._timer.stop()
        veil, self._veil = self._veil, None
        if veil is not None and not sip.isdeleted(veil):  # it goes with the canvas that it is on
            veil.hide()
            veil.deleteLater()

    def _follow(self) -> None:
        document = KritaHost().active_document()
        shown = transform_of(document.handle) if document and document.handle == self._document else None
        if self._veil is None or shown is None or shown[0] is not self._veil.parentWidget():
            self.hide()
        else:
            self._veil.place(shown[1])
            self.followed(self._veil)

    def followed(self, veil: Veil) -> None:
        """Some times a second while it is shown."""


def rectangle(bounds: Bounds) -> QtCore.QRectF:
    return QtCore.QRectF(bounds.x, bounds.y, bounds.width, bounds.height)
