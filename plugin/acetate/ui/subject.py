"""The layer that a subject is looked for in: clicks on it and beside it, or a box drawn around it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

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
_STEP = 6  # pixels of an arrow key: out of reach of a click
_CROSS = QtCore.QLine(_DOT + 1, 0, 11, 0)  # pixels: one arm of it; a click is seen in its middle
_KEYS = QtCore.Qt.Key
_ARROWS: dict[int, tuple[int, int]] = {
    _KEYS.Key_Left: (-1, 0),
    _KEYS.Key_Right: (1, 0),
    _KEYS.Key_Up: (0, -1),
    _KEYS.Key_Down: (0, 1),
}
_SETS = (_KEYS.Key_Space, _KEYS.Key_Return, _KEYS.Key_Enter)
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
        session.settings.used.bind(lambda used: self.setVisible("box" in used))


class SubjectPicture(QtWidgets.QWidget):
    """What the job looks at, and on it what the painter has said of the subject."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("acetate_subject")
        self.setAccessibleName(tr("Subject"))
        where = tr("Where the subject is. Without clicks or a box, it is what strikes most.")
        keys = tr("Arrows move a cross, Space clicks there, with Shift beside it; Delete takes the last click back.")
        self.setToolTip(f"{where}\n{keys}")
        self.setMinimumHeight(_HEIGHT)
        self.setFocusPolicy(QtCore.Qt.FocusPolicy.StrongFocus)
        self._settings = session.settings
        self._shown: SentPicture | None = None
        self._image = QtGui.QImage()
        self._pressed: QtCore.QPoint | None = None
        self._dragged: QtCore.QPoint | None = None
        self._cross: tuple[int, int] | None = None  # canvas pixels: where the keyboard would click
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
            self._cross = self._canvas_point(pressed)
            self._click(self._cross, event.button() == QtCore.Qt.MouseButton.LeftButton)
        else:
            self._settings.box.value = self._canvas_box(QtCore.QRect(pressed, event.pos()).normalized())
        self.update()

    def event(self, event: QtCore.QEvent) -> bool:
        """Krita has shortcuts on these keys, which go first where nobody claims them."""
        if event.type() == event.Type.ShortcutOverride and isinstance(event, QtGui.QKeyEvent) and self._work_of(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QtGui.QKeyEvent) -> None:
        work = self._work_of(event)
        if work is None:
            super().keyPressEvent(event)
        else:
            work()
            self.update()

    def _work_of(self, event: QtGui.QKeyEvent) -> Callable[[], None] | None:
        """What a key does here; held down, it only goes on moving."""
        modifiers = QtCore.Qt.KeyboardModifier
        is_shifted = bool(event.modifiers() & modifiers.ShiftModifier)
        others = event.modifiers() & ~(modifiers.ShiftModifier | modifiers.KeypadModifier)
        if self._shown is None or bool(others):
            return None
        if event.key() in _ARROWS:
            return partial(self._move, *_ARROWS[event.key()], is_fine=is_shifted)
        work: Callable[[], None]
        if event.key() in _SETS:
            work = partial(self._click, self._cross_point(), not is_shifted)
        elif event.key() == _KEYS.Key_Delete:
            work = self._take_back
        else:
            return None
        return work if not event.isAutoRepeat() else lambda: None

    def _move(self, right: int, down: int, *, is_fine: bool) -> None:
        x, y = self._cross_point()
        step = 1 if is_fine else max(1, round(_STEP * self._covered.width / max(1, self._area().width())))
        self._cross = self._within(x + right * step, y + down * step)

    def _cross_point(self) -> tuple[int, int]:
        """Canvas pixels; in the middle at first."""
        middle = self._covered.x + self._covered.width // 2, self._covered.y + self._covered.height // 2
        return self._within(*(self._cross or middle))

    def _take_back(self) -> None:
        self._settings.clicks.value = self._settings.clicks.value[:-1]

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
        if self.hasFocus():
            self._paint_focus(painter)

    def _paint_focus(self, painter: QtGui.QPainter) -> None:
        painter.setBrush(QtCore.Qt.BrushStyle.NoBrush)
        painter.setPen(QtGui.QPen(self.palette().highlight().color(), 2))
        painter.drawRect(self._area().adjusted(1, 1, -1, -1))
        at = self._widget_point(*self._cross_point())
        for colour, width in ((QtCore.Qt.GlobalColor.black, 3), (QtCore.Qt.GlobalColor.white, 1)):  # on any picture
            painter.setPen(QtGui.QPen(colour, width))
            for angle in (0, 90, 180, 270):
                painter.resetTransform()
                painter.translate(at)
                painter.rotate(angle)
                painter.drawLine(_CROSS)

    def _show(self, shown: tuple[SentPicture, ...]) -> None:
        self._shown = next((one for one in shown if one.slot.role is Role.FOREGROUND), None)
        self._image = to_image(self._shown.thumbnail) if self._shown else QtGui.QImage()
        self.update()

    def _click(self, at: tuple[int, int], is_on: bool) -> None:
        """Adds one (canvas pixels), or takes away the one that is there."""
        there = [click for click in self._settings.clicks.value if self._is_near(click, at)]
        kept = tuple(click for click in self._settings.clicks.value if click not in there)
        if not there:
            kept = (*kept, Click(*at, is_on))[-MAX_CLICKS:]
        self._settings.clicks.value = kept

    def _is_near(self, click: Click, at: tuple[int, int]) -> bool:
        away = self._widget_point(click.x, click.y) - self._widget_point(*at)
        return away.manhattanLength() <= _DOT + 1

    def _area(self) -> QtCore.QRect:
        """Where the picture lies in the widget."""
        if self._shown is None or self._image.isNull():
            return QtCore.QRect()
        size = self._image.size().scaled(self.size(), QtCore.Qt.AspectRatioMode.KeepAspectRatio)
        return QtCore.QRect((self.width() - size.width()) // 2, 0, size.width(), size.height())

    @property
    def _covered(self) -> Bounds:
        assert self._shown is not None  # there is something to point at
        return self._shown.covered

    def _canvas_point(self, at: QtCore.QPoint) -> tuple[int, int]:
        area, covered = self._area(), self._covered
        x = covered.x + (at.x() - area.x()) * covered.width // max(1, area.width())
        y = covered.y + (at.y() - area.y()) * covered.height // max(1, area.height())
        return self._within(x, y)

    def _within(self, x: int, y: int) -> tuple[int, int]:
        covered = self._covered
        return min(max(x, covered.x), covered.right - 1), min(max(y, covered.y), covered.bottom - 1)

    def _canvas_box(self, drawn: QtCore.QRect) -> Bounds:
        (left, top), (right, bottom) = map(self._canvas_point, (drawn.topLeft(), drawn.bottomRight()))
        return Bounds(left, top, max(1, right - left), max(1, bottom - top))

    def _widget_point(self, x: int, y: int) -> QtCore.QPoint:
        area, covered = self._area(), self._covered
        return QtCore.QPoint(
            area.x() + (x - covered.x) * area.width() // max(1, covered.width),
            area.y() + (y - covered.y) * area.height() // max(1, covered.height),
        )
