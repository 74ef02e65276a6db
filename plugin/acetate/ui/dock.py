"""Acetate's docker: the widgets, top to bottom."""

from __future__ import annotations

from krita import Canvas, DockWidget, Krita

from acetate.krita.windows import is_in_front
from acetate.language import mark, tr
from acetate.protocol.labels import label_of
from acetate.protocol.requests import Task
from acetate.protocol.tasks import TASKS
from acetate.qt import QtCore, QtGui, QtWidgets
from acetate.session.observable import Observable, Scope
from acetate.session.session import Session
from acetate.session.settings import PROMPTED, what_follows
from acetate.ui.again import AgainRow
from acetate.ui.binding import named
from acetate.ui.choice import Choice
from acetate.ui.columns import Columns
from acetate.ui.conditions import ConditionsGrid, MoreRows
from acetate.ui.controls import ControlList
from acetate.ui.elided import ElidedLabel
from acetate.ui.engine_window import EngineRow, EngineWindow
from acetate.ui.fold import Fold, where_useful
from acetate.ui.inputs import NarrowButton, PushButton
from acetate.ui.keyboard import Keyboard, give_to_canvas
from acetate.ui.live import LiveRow
from acetate.ui.message import MessageBar
from acetate.ui.once import once
from acetate.ui.picture_rows import PictureRows
from acetate.ui.prompt import PromptEdit
from acetate.ui.queue import Queue
from acetate.ui.reach import Panel
from acetate.ui.results import ResultsPanel
from acetate.ui.sending import SendingView
from acetate.ui.settings_window import SettingsWindow
from acetate.ui.shared import shared
from acetate.ui.small_button import small_button
from acetate.ui.stack_window import StackWindow
from acetate.ui.styles import StyleList, known_styles
from acetate.ui.subject import SubjectPicker

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
        self.session.look()
        self.session.list_models()
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
            self._task(),
            self._prompt(),
            Buttons(self.session),
            LiveRow(self.session),
            Queue(self.session),
            self._message(),
        )
        return _column(*parts)

    def _below(self) -> QtWidgets.QWidget:
        parts = (
            self._negative(),
            self._behind(),
            self._in_front(),
            self._together(),
            self._conditions,
            PictureRows(self.session.settings),
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

    def _task(self) -> QtWidgets.QWidget:
        choice = Choice(
            self.session.settings.task, [(task, label_of(task)) for task, traits in TASKS.items() if traits.is_offered]
        )
        named(choice, "acetate_task", tr("What to make. Grey: the model cannot do that."))
        without_model = tuple(task for task in Task if not task.needs_model)
        self.session.model.bind(
            lambda model: choice.enable_only((*model.tasks, *without_model) if model else tuple(Task))
        )
        return choice

    def _prompt(self) -> QtWidgets.QWidget:
        tip = tr("Describe what should appear on the layer. Ctrl+Return generates.")
        prompt = self._words(self.session.settings.prompt, 2, "acetate_prompt", tr("What should appear?"), tip)
        prompt.entered.connect(self.session.warm_up)
        self.session.prompt_wanted.connect(lambda _: _give_keyboard(prompt))
        return prompt

    def _negative(self) -> QtWidgets.QWidget:
        words, tip = self.session.settings.negative_prompt, tr("What to keep away from the layer.")
        return self._words(words, 1, "acetate_negative_prompt", tr("What should not appear? (optional)"), tip)

    def _behind(self) -> QtWidgets.QWidget:
        tip = tr("Describe the background. Left empty, it gets the same words as what stands in front.")
        return self._also("background_prompt", tr("What lies behind it? (optional)"), tip)

    def _in_front(self) -> QtWidgets.QWidget:
        tip = tr("Name what stands in front, so that the background belongs to it.")
        return self._also("foreground_prompt", tr("What stands in front? (optional)"), tip)

    def _together(self) -> QtWidgets.QWidget:
        tip = tr("Describe both in one sentence. Left empty, the words for each are put together.")
        edit = self._also("blended_prompt", tr("Both together (optional)"), tip)
        settings = self.session.settings

        def show(_: object) -> None:
            default = settings.blended
            edit.setPlaceholderText(
                tr("Both together: {words}", words=default) if default else tr("Both together (optional)")
            )

        for setting in (settings.task, settings.prompt, settings.background_prompt, settings.foreground_prompt):
            setting.bind(show)
        return edit

    def _also(self, name: str, question: str, tip: str) -> PromptEdit:
        """The prompt of a picture that only some tasks have."""
        edit = self._words(getattr(self.session.settings, name), 1, f"acetate_{name}", question, tip)
        self.session.settings.task.bind(lambda task: edit.setVisible(task in PROMPTED[name]))
        return edit

    def _words(self, setting: Observable[str], lines: int, name: str, question: str, tip: str) -> PromptEdit:
        edit = PromptEdit(setting, lines=lines)
        named(edit, name, tip)
        edit.setPlaceholderText(question)
        edit.setAccessibleName(question)
        edit.submitted.connect(self.session.generate)
        return edit

    def _following(self) -> QtWidgets.QWidget:
        fold, session = Fold(tr("Layers t&o follow"), "acetate_hints", self._controls), self.session
        return where_useful(fold, session.model, what_follows, session.settings.controls)

    def _styles(self) -> QtWidgets.QWidget:
        fold, session = Fold(tr("St&yles"), "acetate_styles", StyleList(self.session)), self.session
        return where_useful(fold, session.model, known_styles, session.settings.styles)

    def _message(self) -> QtWidgets.QWidget:
        message = MessageBar()
        self.session.message.bind(message.show_message)
        return message

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


class Buttons(QtWidgets.QWidget):
    """Generate, and Cancel while there is something to cancel."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        generate = PushButton(tr("&Generate"))
        named(
            generate,
            "acetate_generate",
            tr("Make a layer above the active one (Ctrl+Return in the prompt). Go on painting meanwhile."),
        )
        bold = generate.font()
        bold.setBold(True)
        generate.setFont(bold)
        generate.clicked.connect(once(self._generate))
        self._cancel = NarrowButton("✕")
        named(self._cancel, "acetate_cancel", tr("Stop the oldest job of this document; others go on."))
        self._cancel.clicked.connect(once(session.cancel))
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(generate, 1)
        row.addWidget(self._cancel)
        row.addWidget(_stack_button(session))
        session.jobs_changed.connect(lambda _: self._show())
        self._show()

    def _generate(self) -> None:
        self._session.generate()
        give_to_canvas()

    def _show(self) -> None:
        self._cancel.setEnabled(bool(self._session.jobs_here))


def _give_keyboard(prompt: QtWidgets.QWidget) -> None:
    if is_in_front(prompt):
        prompt.setFocus(QtCore.Qt.FocusReason.ShortcutFocusReason)


def _welcome(session: Session) -> QtWidgets.QWidget:
    """What to do first; gone with the first result."""
    label = QtWidgets.QLabel(tr(WELCOME))
    named(label, "acetate_welcome")
    label.setWordWrap(True)
    label.setEnabled(False)  # greyed: a remark
    label.setAlignment(QtCore.Qt.AlignmentFlag.AlignTop)
    session.history.added.connect(lambda _: label.hide())
    if session.history.entries:
        label.hide()
    return label


def _stack_button(session: Session) -> QtWidgets.QWidget:
    button = NarrowButton(tr("Stac&k…"))
    named(
        button,
        "acetate_build_stack",
        tr("Build a group of layers, one prompt each, every one fitting what lies below it."),
    )
    button.clicked.connect(lambda: session.stack.open())
    return button


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
