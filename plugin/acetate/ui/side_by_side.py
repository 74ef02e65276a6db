"""The results of one job beside each other over the canvas, from their place on: a click or a tap picks one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce

from acetate.picture import Picture
from acetate.protocol.geometry import Bounds
from acetate.qt import QtCore, QtGui, QtWidgets
from acetate.ui.checkerboard import to_image
from acetate.ui.over_canvas import OverCanvas, Veil, rectangle

_GAP = 0.05  # between two of them, of the longer side
_EDGE = 8  # pixels of the screen that stay free around them
_LABEL = QtCore.QSize(20, 16)  # pixels of the screen
_SHADE = QtGui.QColor(0, 0, 0, 150)
_FRAME = QtGui.QColor(255, 255, 255, 160)


class SideBySide(OverCanvas):
    def show(self, pictures: Sequence[Picture], bounds: Bounds, picked: Callable[[int], None]) -> None:
        """RGBA8 of any size; `bounds` (canvas pixels): where each would go. Nothing where no document is in front."""
        images, area = [to_image(picture) for picture in pictures], rectangle(bounds)

        def pick(index: int) -> None:
            self.hide()
            picked(index)

        self.put(lambda canvas: BatchVeil(canvas, images, area, pick))

    def refine(self, index: int, image: QtGui.QImage) -> None:
        """The same picture, finer; nothing where they are gone."""
        if isinstance(self._veil, BatchVeil):
            self._veil.take(index, image)


class BatchVeil(Veil):
    """Takes clicks and taps that hit one of them; all else goes on to the canvas."""

    def __init__(
        self, canvas: QtWidgets.QWidget, images: list[QtGui.QImage], place: QtCore.QRectF, pick: Callable[[int], None]
    ) -> None:
        super().__init__(canvas, "acetate_side_by_side", place)
        self.setAttribute(QtCore.Qt.WidgetAttribute.WA_TransparentForMouseEvents, False)
        self.setCursor(QtCore.Qt.CursorShape.PointingHandCursor)
        self._images, self._place, self._pick = images, place, pick
        self._tiles: list[QtCore.QRectF] = []  # canvas pixels
        self._pressed: int | None = None

    def place(self, transform: QtGui.QTransform) -> None:
        room = QtCore.QRectF(self.parentWidget().rect()).adjusted(_EDGE, _EDGE, -_EDGE, -_EDGE)
        self._tiles = arranged(self._place, len(self._images), transform, room)
        self._area = reduce(QtCore.QRectF.united, self._tiles)
        super().place(transform)

    def take(self, index: int, image: QtGui.QImage) -> None:
        self._images[index] = image
        if self.isVisible():
            self._pixmap = self._painted(self.geometry())
            self.update()

    def draw(self, painter: QtGui.QPainter, transform: QtGui.QTransform) -> None:
        painter.setRenderHint(QtGui.QPainter.RenderHint.SmoothPixmapTransform)
        for index, (tile, image) in enumerate(zip(self._tiles, self._images, strict=True)):
            painter.save()
            painter.setTransform(transform, True)
            painter.drawImage(tile, image)
            for colour, style in ((_SHADE, QtCore.Qt.PenStyle.SolidLine), (_FRAME, QtCore.Qt.PenStyle.DashLine)):
                painter.setPen(QtGui.QPen(colour, 0, style))  # seen on white and on black
                painter.drawRect(tile)
            painter.restore()
            box = QtCore.QRect(transform.mapRect(tile).topLeft().toPoint(), _LABEL)
            painter.fillRect(box, _SHADE)
            painter.setPen(QtCore.Qt.GlobalColor.white)
            painter.drawText(box, int(QtCore.Qt.AlignmentFlag.AlignCenter), str(index + 1))

    def _hit(self, point: QtCore.QPointF) -> int | None:
        """Which of them lies there; `point` is of this widget."""
        there, _ = self._transform.inverted()
        on_canvas = there.map(point + QtCore.QPointF(self.pos()))
        return next((index for index, tile in enumerate(self._tiles) if tile.contains(on_canvas)), None)

    def _press(self, event: QtGui.QMouseEvent | QtGui.QTabletEvent, point: QtCore.QPointF) -> None:
        is_left = event.button() == QtCore.Qt.MouseButton.LeftButton
        self._pressed = self._hit(point) if is_left else None
        event.setAccepted(self._pressed is not None)

    def _release(self, event: QtGui.QMouseEvent | QtGui.QTabletEvent, point: QtCore.QPointF) -> None:
        pressed, self._pressed = self._pressed, None
        event.setAccepted(pressed is not None)
        if pressed is not None and self._hit(point) == pressed:
            QtCore.QTimer.singleShot(0, lambda: self._pick(pressed))  # it ends this widget

    def mousePressEvent(self, event: QtGui.QMouseEvent) -> None:
        self._press(event, QtCore.QPointF(event.pos()))

    def mouseReleaseEvent(self, event: QtGui.QMouseEvent) -> None:
        self._release(event, QtCore.QPointF(event.pos()))

    def tabletEvent(self, event: QtGui.QTabletEvent) -> None:
        """A pen would paint on the canvas below where nobody takes it."""
        where = (
            event.globalPosition().toPoint() if hasattr(event, "globalPosition") else event.globalPos()
        )  # Qt 6, Qt 5
        point = QtCore.QPointF(self.mapFromGlobal(where))
        if event.type() == QtCore.QEvent.Type.TabletPress:
            self._press(event, point)
        elif event.type() == QtCore.QEvent.Type.TabletRelease:
            self._release(event, point)
        else:
            event.setAccepted(self._pressed is not None)


def arranged(place: QtCore.QRectF, count: int, transform: QtGui.QTransform, room: QtCore.QRectF) -> list[QtCore.QRectF]:
    """Where so many lie (canvas pixels): in a row from `place` on, in several rows where that keeps them larger.

    `transform` leads from the canvas to the widget, of which they stay within `room`: moved, and made smaller where
    they have to be.
    """
    gap = _GAP * max(place.width(), place.height())

    def grid(columns: int) -> QtCore.QRectF:
        rows = -(-count // columns)
        width, height = columns * (place.width() + gap) - gap, rows * (place.height() + gap) - gap
        return QtCore.QRectF(place.x(), place.y(), width, height)

    def fit(columns: int) -> float:
        shown = transform.mapRect(grid(columns))
        return min(1.0, room.width() / shown.width(), room.height() / shown.height())

    columns = max(range(1, count + 1), key=lambda columns: (fit(columns), columns))
    scale, whole = fit(columns), grid(columns)
    whole.setSize(whole.size() * scale)
    whole.translate(_way_into(room, transform, whole))
    step = QtCore.QPointF((place.width() + gap) * scale, (place.height() + gap) * scale)
    corners = (
        whole.topLeft() + QtCore.QPointF(index % columns * step.x(), index // columns * step.y())
        for index in range(count)
    )
    return [QtCore.QRectF(corner, place.size() * scale) for corner in corners]


def _way_into(room: QtCore.QRectF, transform: QtGui.QTransform, box: QtCore.QRectF) -> QtCore.QPointF:
    """By how much to move `box` (canvas pixels), so that it is shown within `room`."""
    shown, (there, _) = transform.mapRect(box), transform.inverted()
    x = min(max(shown.left(), room.left()), room.right() - shown.width()) - shown.left()
    y = min(max(shown.top(), room.top()), room.bottom() - shown.height()) - shown.top()
    return there.map(QtCore.QPointF(x, y)) - there.map(QtCore.QPointF(0, 0))
