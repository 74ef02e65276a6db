"""Regions on the canvas: where the layers of a stack go, and a new one drawn with the mouse or a pen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from acetate.krita.document import KritaDocument
from acetate.krita.geometry import bounds_of
from acetate.krita.host import KritaHost
from acetate.krita.view import transform_of
from acetate.protocol.geometry import Bounds
from acetate.qt import QtCore, QtGui, QtWidgets
from acetate.ui.binding import named
from acetate.ui.over_canvas import OverCanvas, Veil, rectangle

_LINE, _CHOSEN = QtGui.QColor(255, 255, 255, 200), QtGui.QColor("#4a90d9")
_SHADE = QtGui.QColor(0, 0, 0, 150)
_LABEL = QtCore.QSize(20, 16)  # pixels of the screen


@dataclass(frozen=True)
class ShownRegion:
    bounds: Bounds  # canvas pixels
    label: str
    is_chosen: bool


class CanvasRegions(OverCanvas):
    def show(self, regions: Sequence[ShownRegion]) -> None:
        """Nothing where there are none."""
        if regions:
            self.put(lambda canvas: _RegionsVeil(canvas, regions))
        else:
            self.hide()


class _RegionsVeil(Veil):
    def __init__(self, canvas: QtWidgets.QWidget, regions: Sequence[ShownRegion]) -> None:
        covered = Bounds(0, 0, 0, 0)
        for region in regions:
            covered = covered.union(region.bounds)
        super().__init__(canvas, "acetate_canvas_regions", rectangle(covered))
        self._regions = sorted(regions, key=lambda region: region.is_chosen)  # the chosen one over the others

    def draw(self, painter: QtGui.QPainter, transform: QtGui.QTransform) -> None:
        for region in self._regions:
            outline = transform.map(QtGui.QPolygonF(rectangle(region.bounds)))
            for colour, width in ((_SHADE, 3), (_CHOSEN if region.is_chosen else _LINE, 2 if region.is_chosen else 1)):
                painter.setPen(QtGui.QPen(colour, width))
                painter.drawPolygon(outline)
            corner = outline.boundingRect().topLeft().toPoint()
            box = QtCore.QRect(corner, _LABEL)
            painter.fillRect(box, _CHOSEN if region.is_chosen else _SHADE)
            painter.setPen(QtCore.Qt.GlobalColor.white)
            painter.drawText(box, int(QtCore.Qt.AlignmentFlag.AlignCenter), region.label)


def draw_region(done: Callable[[Bounds], None]) -> RegionSheet | None:
    """A sheet over the canvas that takes one rectangle, as far as the canvas goes; any other button gives it up.

    None where no document is in front.
    """
    document = KritaHost().active_document()
    shown = transform_of(document.handle) if document else None
    if document is None or shown is None:
        return None
    sheet = RegionSheet(shown[0], document, done)
    sheet.show()
    return sheet


class RegionSheet(QtWidgets.QWidget):
    def __init__(self, canvas: QtWidgets.QWidget, document: KritaDocument, done: Callable[[Bounds], None]) -> None:
        super().__init__(canvas)
        named(self, "acetate_draw_region")
        self._document, self._done = document, done
        self._start: QtCore.QPoint | None = None
        self._drawn = QtCore.QRect()
        self.setGeometry(canvas.rect())
        self.setCursor(QtCore.Qt.CursorShape.CrossCursor)
        self.setAttribute(QtCore.Qt.WidgetAttribute.WA_NoSystemBackground)

    def mousePressEvent(self, event: QtGui.QMouseEvent) -> None:
        if event.button() == QtCore.Qt.MouseButton.LeftButton:
            self._start = event.pos()
        else:
            self.deleteLater()

    def mouseMoveEvent(self, event: QtGui.QMouseEvent) -> None:
        if self._start is not None:
            self._drawn = QtCore.QRect(self._start, event.pos()).normalized()
            self.update()

    def mouseReleaseEvent(self, event: QtGui.QMouseEvent) -> None:
        if self._start is None:
            return
        bounds = self._bounds()
        self.deleteLater()
        if not bounds.is_empty:
            self._done(bounds)

    @property
    def is_in_front(self) -> bool:
        """Whether it lies where the painter looks."""
        return transform_of(self._document.handle) is not None

    def _bounds(self) -> Bounds:
        """On the canvas as it is now: the wheel goes through, and zooms."""
        shown = transform_of(self._document.handle)
        if shown is None:
            return Bounds(0, 0, 0, 0)
        there, _ = shown[1].inverted()
        box = there.mapRect(QtCore.QRectF(self._drawn)).toRect()
        return bounds_of(box).intersection(Bounds.of(self._document.current_extent()))

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        painter = QtGui.QPainter(self)
        painter.fillRect(self.rect(), QtGui.QColor(0, 0, 0, 40))
        painter.setPen(QtGui.QPen(_CHOSEN, 2))
        painter.drawRect(self._drawn)
        painter.end()
