"""The layer that a subject is looked for in: clicks on it and beside it, or a box drawn around it."""

from __future__ import annotations

from acetate.language import tr
from acetate.protocol.geometry import Bounds
from acetate.protocol.pictures import MAX_CLICKS, Click
from acetate.protocol.requests import Role
from acetate.qt import QtCore, QtGui, QtWidgets
from acetate.session.sending import SentPicture
from acetate.session.session import Session
from acetate.ui.binding import named
from acetate.ui.checkerboard import paint_checkerboard, to_image
from acetate.ui.inputs import NarrowButton

_HEIGHT, _DOT, _DRAG = 150, 4, 5  # pixels
_ON, _BESIDE, _BOX = QtGui.QColor(60, 200, 90), QtGui.QColor(230, 70, 60), QtGui.QColor(80, 160, 255)


class SubjectPicker(QtWidgets.QWidget):
    """Shown for tasks that look for a subject."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        picture = SubjectPicture(session)
        clear = named(NarrowButton(tr("Clear")), "acetate_subject_clear", tr("Forget the clicks and the box."))
        clear.clicked.connect(picture.clear)
        words = QtWidgets.QLabel(tr("Click on the subject, right-click beside it, or draw a box."))
        words.setWordWrap(True)
        words.setEnabled(False)  # greyed: a remark
        row = QtWidgets.QHBoxLayout()
        row.addWidget(words, 1)
        row.addWidget(clear)
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(picture)
        column.addLayout(row)
        session.settings.task.bind(lambda task: self.setVisible(task.traits.subject))


class SubjectPicture(QtWidgets.QWidget):
    """What the job looks at, and on it what the painter has said of the subject."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("acetate_subject")
        self.setAccessibleName(tr("Subject"))
        self.setToolTip(tr("Where the subject is. Without clicks or a box, it is what strikes most."))
        self.setMinimumHeight(_HEIGHT)
        self._settings = session.settings
        self._shown: SentPicture | None = None
        self._image = QtGui.QImage()
        self._pressed: QtCore.QPoint | None = None
        self._dragged: QtCore.QPoint | None = None
        session.sending.shown.bind(self._show)
        self._settings.clicks.changed.connect(lambda _: self.update())
        self._settings.box.changed.connect(lambda _: self.update())

    def clear(self) -> None:
        self._settings.clicks.value, self._settings.box.value = (), None

    def mousePressEvent(self, event: QtGui.QMouseEvent) -> None:
        if self._shown is not None and self._area().contains(event.pos()):
            self._pressed = self._dragged = event.pos()

    def mouseMoveEvent(self, event: QtGui.QMouseEvent) -> None:
        if self._pressed is not None:
            self._dragged = event.pos()
            self.update()

    def mouseReleaseEvent(self, event: QtGui.QMouseEvent) -> None:
        pressed, self._pressed, self._dragged = self._pressed, None, None
        if pressed is None:
            return
        if (event.pos() - pressed).manhattanLength() < _DRAG:
            self._click(pressed, event.button() == QtCore.Qt.MouseButton.LeftButton)
        else:
            self._settings.box.value = self._canvas_box(QtCore.QRect(pressed, event.pos()).normalized())
        self.update()

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        area, painter = self._area(), QtGui.QPainter(self)
        if self._shown is None:
            return
        paint_checkerboard(painter, area)
        painter.drawImage(area, self._image)
        painter.setPen(QtGui.QPen(_BOX, 2))
        if self._pressed is not None and self._dragged is not None:
            painter.drawRect(QtCore.QRect(self._pressed, self._dragged).normalized().intersected(area))
        elif (box := self._settings.box.value) is not None:
            corner = self._widget_point(box.x, box.y)
            painter.drawRect(QtCore.QRect(corner, self._widget_point(box.right, box.bottom)).intersected(area))
        painter.setPen(QtCore.Qt.GlobalColor.white)
        for click in self._settings.clicks.value:
            painter.setBrush(_ON if click.is_on else _BESIDE)
            painter.drawEllipse(self._widget_point(click.x, click.y), _DOT, _DOT)

    def _show(self, shown: tuple[SentPicture, ...]) -> None:
        self._shown = next((one for one in shown if one.slot.role is Role.FOREGROUND), None)
        self._image = to_image(self._shown.thumbnail) if self._shown else QtGui.QImage()
        self.update()

    def _click(self, at: QtCore.QPoint, is_on: bool) -> None:
        """Adds one, or takes away the one that is there."""
        there = [click for click in self._settings.clicks.value if self._is_near(click, at)]
        kept = tuple(click for click in self._settings.clicks.value if click not in there)
        if not there:
            x, y = self._canvas_point(at)
            kept = (*kept, Click(x, y, is_on))[-MAX_CLICKS:]
        self._settings.clicks.value = kept

    def _is_near(self, click: Click, at: QtCore.QPoint) -> bool:
        return (self._widget_point(click.x, click.y) - at).manhattanLength() <= _DOT + 1

    def _area(self) -> QtCore.QRect:
        """Where the picture lies in the widget."""
        if self._shown is None or self._image.isNull():
            return QtCore.QRect()
        size = self._image.size().scaled(self.size(), QtCore.Qt.AspectRatioMode.KeepAspectRatio)
        return QtCore.QRect((self.width() - size.width()) // 2, 0, size.width(), size.height())

    def _canvas_point(self, at: QtCore.QPoint) -> tuple[int, int]:
        assert self._shown is not None  # there is something to point at
        area, covered = self._area(), self._shown.covered
        x = covered.x + (at.x() - area.x()) * covered.width // max(1, area.width())
        y = covered.y + (at.y() - area.y()) * covered.height // max(1, area.height())
        return min(max(x, covered.x), covered.right - 1), min(max(y, covered.y), covered.bottom - 1)

    def _canvas_box(self, drawn: QtCore.QRect) -> Bounds:
        (left, top), (right, bottom) = map(self._canvas_point, (drawn.topLeft(), drawn.bottomRight()))
        return Bounds(left, top, max(1, right - left), max(1, bottom - top))

    def _widget_point(self, x: int, y: int) -> QtCore.QPoint:
        assert self._shown is not None  # it is painted on
        area, covered = self._area(), self._shown.covered
        return QtCore.QPoint(
            area.x() + (x - covered.x) * area.width() // max(1, covered.width),
            area.y() + (y - covered.y) * area.height() // max(1, covered.height),
        )
