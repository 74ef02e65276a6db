"""Acetate's docker: the widgets, top to bottom."""

from __future__ import annotations

from krita import Canvas, DockWidget, Krita

from acetate.krita.windows import is_in_front
from acetate.language import mark, tr
from acetate.qt import QtCore, QtGui, QtWidgets
from acetate.session.control_layers import what_follows
from acetate.session.observable import Observable, Scope
from acetate.session.session import Session
from acetate.ui import words
from acetate.ui.again import AgainRow
from acetate.ui.binding import named
from acetate.ui.buttons import Buttons
from acetate.ui.columns import Columns
from acetate.ui.conditions import ConditionsGrid, MoreRows
from acetate.ui.controls import ControlList
from acetate.ui.elided import ElidedLabel
from acetate.ui.engine_window import EngineRow, EngineWindow
from acetate.ui.fold import Fold, where_useful
from acetate.ui.keyboard import Keyboard
from acetate.ui.live import LiveRow
from acetate.ui.message import MessageBar
from acetate.ui.picture_rows import PictureRows
from acetate.ui.queue import Queue
from acetate.ui.reach import Panel
from acetate.ui.results import ResultsPanel
from acetate.ui.rows import align
from acetate.ui.sending import SendingView
from acetate.ui.settings_window import SettingsWindow
from acetate.ui.shared import shared
from acetate.ui.small_button import small_button
from acetate.ui.stack_window import StackWindow
from acetate.ui.styles import StyleList, known_styles
from acetate.ui.subject import SubjectPicker
from acetate.ui.tasks import TaskChoice
from acetate.ui.untaught import UntaughtRow

WELCOME = mark("Type what should appear, then press Generate: it becomes a layer where you have selected.")
_LEAST = 110  # pixels of what scrolls: enough to see that it does
_TALL = 460  # pixels that a docker gets which Krita has never shown before


class AcetateDock(DockWidget):
    """Of one window of Krita. It shows the session that all of them share, and goes with its window."""

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle("Acetate")
        self.session = shared().session
        self._installing = shared().installing
        self._stack_window: StackWindow | None = None
        self._keyboard = Keyboard(self)
        scope = Scope()
        self.destroyed.connect(lambda *_: scope.end())
        with scope:
            self._build()

    def _build(self) -> None:
        self._engine_window = EngineWindow(self._installing, self)
        self._conditions = ConditionsGrid(self.session)
        self._controls = ControlList(self.session)
        self._results = ResultsPanel(self.session)
        self._settings_window = SettingsWindow(self.session, self._engine_window.open, self)
        self.setWidget(self._content())
        self._look_when_settings_change()
        self.session.entered.connect(lambda _: self._refresh())
        self.session.stack.opened.connect(lambda _: self._open_stack())

    def canvasChanged(self, canvas: Canvas | None) -> None:
        self.session.enter_document()

    def _refresh(self) -> None:
        self._conditions.refresh()
        self._controls.refresh()
        self._results.refresh()
        if self._stack_window is not None and self._stack_window.isVisible() and is_in_front(self):
            self.session.stack.enter()

    def enterEvent(self, event: QtCore.QEvent) -> None:
        """Krita does not tell scripts when layers change: the docker looks when the painter comes near."""
        for work in (self.session.look, self.session.list_models):
            shared().post(work)
        self._keyboard.pointer_entered()
        super().enterEvent(event)

    def showEvent(self, event: QtGui.QShowEvent) -> None:
        super().showEvent(event)
        QtCore.QTimer.singleShot(0, self._grow_once)

    def _grow_once(self) -> None:
        """Krita gives a new docker a strip; from then on it is as tall as the painter makes it."""
        started, window = self.session.preferences.has_started, Krita.instance().activeWindow()
        if not started.value and window is not None and self.isVisible():
            started.value = True
            if not self.isFloating() and self.height() < _TALL:
                window.qwindow().resizeDocks([self], [_TALL], QtCore.Qt.Orientation.Vertical)

    def leaveEvent(self, event: QtCore.QEvent) -> None:
        self._keyboard.pointer_left()
        super().leaveEvent(event)

    def _open_stack(self) -> None:
        if not is_in_front(self):
            return
        if self._stack_window is None:
            self._stack_window = StackWindow(self.session, self)
        self._stack_window.open_beside()

    def _look_when_settings_change(self) -> None:
        self.session.settings.bind_looked_at(self._look)

    def _look(self) -> None:
        if self.isVisible():
            self.session.look()

    def _content(self) -> QtWidgets.QWidget:
        """What is always in sight, and below it what scrolls."""
        content = Panel()
        column = QtWidgets.QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._pinned())
        column.addWidget(_scrolled(self._below()), 1)
        return content

    def _pinned(self) -> QtWidgets.QWidget:
        parts = (
            EngineRow(self._installing, self._engine_window),
            TaskChoice(self.session),
            words.prompt(self.session),
            Buttons(self.session),
            LiveRow(self.session),
            UntaughtRow(self.session),
            Queue(self.session),
            self._message(),
        )
        return _column(*parts)

    def _below(self) -> QtWidgets.QWidget:
        of_pictures = PictureRows(self.session.settings)
        self.session.settings.used.bind(lambda _: align(self._conditions, of_pictures))
        parts = (
            words.negative(self.session),
            words.behind(self.session),
            words.in_front(self.session),
            words.together(self.session),
            self._conditions,
            of_pictures,
            SubjectPicker(self.session),
            SendingView(self.session),
            Fold(tr("&More"), "acetate_more", MoreRows(self.session.settings)),
            self._following(),
            self._styles(),
            AgainRow(self.session),
        )
        results = _column(_welcome(self.session), self._results)
        column = _layout(results)
        column.setStretch(1, 1)
        column.addStretch(0)
        column.addWidget(self._engine_state())
        settings = _column(*parts)
        _layout(settings).addStretch(1)
        return Columns(settings, results)

    def _following(self) -> QtWidgets.QWidget:
        fold, session = Fold(tr("Layers t&o follow"), "acetate_hints", self._controls), self.session
        return where_useful(fold, session.model, what_follows, session.settings.controls, self._use_of("controls"))

    def _styles(self) -> QtWidgets.QWidget:
        fold, session = Fold(tr("St&yles"), "acetate_styles", StyleList(self.session)), self.session
        return where_useful(fold, session.model, known_styles, session.settings.styles, self._use_of("styles"))

    def _use_of(self, name: str) -> Observable[bool]:
        """Whether the task uses this setting."""
        is_used = Observable(False)
        self.session.settings.used.bind(lambda used: setattr(is_used, "value", name in used))
        return is_used

    def _message(self) -> QtWidgets.QWidget:
        return MessageBar(self.session.message)

    def _engine_state(self) -> QtWidgets.QWidget:
        label = ElidedLabel()
        named(label, "acetate_engine")
        label.setEnabled(False)  # greyed: a remark
        self.session.engine.state.bind(lambda state: label.setText(tr(state.value)))
        tip = tr("Settings: language, engine, storage, models.")
        more = small_button("⚙", tip, "acetate_settings", self._settings_window.open)
        row = QtWidgets.QWidget()
        line = QtWidgets.QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(label, 1)
        line.addWidget(more)
        return row


def _welcome(session: Session) -> QtWidgets.QWidget:
    """What to do first; gone with the first result."""
    label = QtWidgets.QLabel(tr(WELCOME))
    named(label, "acetate_welcome")
    label.setWordWrap(True)
    label.setEnabled(False)  # greyed: a remark
    label.setAlignment(QtCore.Qt.AlignmentFlag.AlignTop)

    def show(_: object) -> None:
        label.setVisible(not session.history.entries and "prompt" in session.settings.used.value)

    session.history.added.connect(show)
    session.settings.used.bind(show)
    return label


def _layout(column: QtWidgets.QWidget) -> QtWidgets.QVBoxLayout:
    layout = column.layout()
    assert isinstance(layout, QtWidgets.QVBoxLayout)  # `_column` has put it there
    return layout


def _column(*parts: QtWidgets.QWidget) -> QtWidgets.QWidget:
    content = QtWidgets.QWidget()
    column = QtWidgets.QVBoxLayout(content)
    column.setContentsMargins(6, 4, 6, 4)
    column.setSpacing(5)
    for part in parts:
        column.addWidget(part)
    return content


def _scrolled(content: QtWidgets.QWidget) -> QtWidgets.QScrollArea:
    """A docker must never force Krita's window to grow."""
    scroll = QtWidgets.QScrollArea()
    scroll.setMinimumHeight(_LEAST)
    scroll.setFocusPolicy(QtCore.Qt.FocusPolicy.NoFocus)
    scroll.setFrameShape(QtWidgets.QFrame.Shape.NoFrame)
    scroll.setWidgetResizable(True)
    scroll.setHorizontalScrollBarPolicy(QtCore.Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    scroll.setWidget(content)
    return scroll
