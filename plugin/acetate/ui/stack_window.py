"""The stack builder: a window beside the canvas, so that one can go on selecting and painting."""

from __future__ import annotations

from collections.abc import Callable

from krita import Krita

from acetate.language import tr
from acetate.qt import QtCore, QtWidgets
from acetate.session.session import Session
from acetate.ui.inputs import CheckBox, PushButton
from acetate.ui.message import MessageBar
from acetate.ui.once import once
from acetate.ui.progress import ProgressBox
from acetate.ui.reach import ToolWindow
from acetate.ui.stack_form import StackForm
from acetate.ui.stack_list import StackList

_SIZE = QtCore.QSize(440, 620)  # screen pixels
_GAP = 16


class StackWindow(ToolWindow):
    def __init__(self, session: Session, parent: QtWidgets.QWidget) -> None:
        super().__init__(parent, "acetate_stack_window", tr("Acetate: stack of layers"), _SIZE)
        self._session = session
        self._stack = session.stack
        self._editor = session.stack.editor
        column = QtWidgets.QVBoxLayout(self)
        column.addLayout(self._tools())
        column.addWidget(StackList(self._editor), 1)
        for widget in (self._sees_below(), StackForm(self._stack), self._again(), self._everything()):
            column.addWidget(widget)
        column.addWidget(ProgressBox(session))
        column.addWidget(self._message())

    def open_beside(self) -> None:
        """To the left of the docker, with the keyboard."""
        if not self.isVisible():
            beside = self.parentWidget().mapToGlobal(QtCore.QPoint(0, 0))
            lowest = QtWidgets.QApplication.primaryScreen().availableGeometry().bottom() - self.height()
            self.move(max(0, beside.x() - self.width() - _GAP), max(0, min(beside.y(), lowest)))
        self.show()
        self.raise_()
        self.activateWindow()

    def changeEvent(self, event: QtCore.QEvent) -> None:
        """Undo on the canvas may have brought back another version of the stack."""
        super().changeEvent(event)
        if event.type() == QtCore.QEvent.Type.ActivationChange and self.isActiveWindow() and not self._session.jobs:
            self._stack.enter()

    def _tools(self) -> QtWidgets.QLayout:
        editor = self._editor
        tools: tuple[tuple[str, str, str, Callable[[], None]], ...] = (
            ("add", "addlayer", tr("Add a layer above the selected one."), editor.add),
            ("duplicate", "duplicatelayer", tr("The same above it, with another seed."), editor.duplicate),
            ("delete", "deletelayer", tr("Take the selected layer out of the stack."), editor.delete),
            ("up", "arrowup", tr("Move the selected layer up."), lambda: editor.move(1)),
            ("down", "arrowdown", tr("Move the selected layer down."), lambda: editor.move(-1)),
        )
        row = QtWidgets.QHBoxLayout()
        for name, icon, tip, work in tools:
            row.addWidget(_tool(f"acetate_stack_{name}", icon, tip, work))
        row.addStretch(1)
        new = PushButton(tr("New stack"))
        new.setObjectName("acetate_stack_new")
        new.setToolTip(tr("Begin another stack; this one stays in the document."))
        new.clicked.connect(lambda: self._stack.new())
        row.addWidget(new)
        return row

    def _sees_below(self) -> QtWidgets.QWidget:
        box = CheckBox(tr("Fit into the picture below the stack"))
        box.setObjectName("acetate_stack_sees_below")
        box.setToolTip(tr("The layers see the active layer and all below it, as well as each other."))
        box.clicked.connect(self._editor.see_below)
        self._editor.stack.bind(lambda stack: box.setChecked(stack.sees_below))
        return box

    def _again(self) -> QtWidgets.QWidget:
        """One layer anew."""
        widget = QtWidgets.QWidget()
        row = QtWidgets.QHBoxLayout(widget)
        row.setContentsMargins(0, 0, 0, 0)
        above = CheckBox(tr("and those above it"))
        above.setObjectName("acetate_stack_with_above")
        above.setToolTip(tr("They see what is below them, and so are made to fit it."))
        button = PushButton(tr("Make this layer again"))
        button.setObjectName("acetate_stack_regenerate")
        button.setToolTip(tr("The other layers keep what they show."))
        button.clicked.connect(
            once(lambda: self._stack.generate(self._editor.selected.value, with_above=above.isChecked()))
        )
        row.addWidget(button)
        row.addWidget(above)
        row.addStretch(1)
        self._editor.stack.bind(lambda _: button.setEnabled(self._can_make_one()))
        self._editor.selected.changed.connect(lambda _: button.setEnabled(self._can_make_one()))
        return widget

    def _can_make_one(self) -> bool:
        entry = self._editor.entry
        return entry is not None and entry.is_enabled and not entry.is_locked

    def _everything(self) -> QtWidgets.QWidget:
        widget = QtWidgets.QWidget()
        row = QtWidgets.QHBoxLayout(widget)
        row.setContentsMargins(0, 0, 0, 0)
        generate = PushButton(tr("Generate stack"))
        generate.setObjectName("acetate_stack_generate")
        generate.setToolTip(
            tr("Make all layers that are not locked, from the lowest to the topmost; each sees those below.")
        )
        generate.clicked.connect(once(self._stack.generate))
        cancel = PushButton(tr("Cancel"))
        cancel.setObjectName("acetate_stack_cancel")
        cancel.clicked.connect(once(self._session.cancel))
        self._session.jobs_changed.connect(lambda _: cancel.setEnabled(bool(self._session.jobs_here)))
        cancel.setEnabled(bool(self._session.jobs_here))
        row.addWidget(generate, 1)
        row.addWidget(cancel)
        return widget

    def _message(self) -> QtWidgets.QWidget:
        message = MessageBar()
        message.setObjectName("acetate_stack_message")
        self._session.message.changed.connect(message.show_message)
        return message


def _tool(name: str, icon: str, tip: str, work: Callable[[], None]) -> QtWidgets.QToolButton:
    button = QtWidgets.QToolButton()
    button.setObjectName(name)
    button.setIcon(Krita.instance().icon(icon))
    button.setToolTip(tip)
    button.setAutoRaise(True)
    button.clicked.connect(lambda: work())
    return button
