"""The stack builder: a small window beside the canvas, so that one can go on selecting and painting."""

from __future__ import annotations

from collections.abc import Callable

from krita import Krita

from acetate.language import tr
from acetate.qt import QtCore, QtGui, QtWidgets
from acetate.session.control_layers import ControlLayer, what_follows
from acetate.session.observable import Observable
from acetate.session.session import Session
from acetate.ui.binding import named
from acetate.ui.canvas_regions import CanvasRegions, ShownRegion
from acetate.ui.controls import ControlList
from acetate.ui.fold import Fold, where_useful
from acetate.ui.inputs import CheckBox, PushButton
from acetate.ui.message import MessageBar
from acetate.ui.once import once
from acetate.ui.progress import ProgressBox
from acetate.ui.reach import ToolWindow
from acetate.ui.stack_form import StackForm
from acetate.ui.stack_list import StackList

_SIZE = QtCore.QSize(320, 600)  # screen pixels
_FOLLOW = 400  # milliseconds between two looks at the document
_GAP = 16


class StackWindow(ToolWindow):
    def __init__(self, session: Session, parent: QtWidgets.QWidget) -> None:
        super().__init__(parent, "acetate_stack_window", tr("Acetate: stack of layers"), _SIZE)
        self._session = session
        self._stack = session.stack
        self._editor = session.stack.editor
        self._regions = CanvasRegions(self)
        self._full = _SIZE.height()
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(6, 6, 6, 6)
        column.setSpacing(5)
        self._folded = self._description()
        column.addLayout(self._tools())
        column.addWidget(self._folded, 1)
        for widget in (self._everything(), ProgressBox(session), self._message()):
            column.addWidget(widget)
        column.addStretch(0)
        self._timer = QtCore.QTimer(self)
        self._timer.setInterval(_FOLLOW)
        self._timer.timeout.connect(self._stack.follow)
        for value in (self._editor.stack, self._editor.selected):
            value.changed.connect(lambda _: self._show_regions())
        session.entered.connect(lambda _: self._show_regions())  # they went with the document before it

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
        if event.type() == QtCore.QEvent.Type.ActivationChange and self.isActiveWindow():
            self._stack.follow()
            self._refresh_lists()

    def showEvent(self, event: QtGui.QShowEvent) -> None:
        super().showEvent(event)
        self._timer.start()
        self._refresh_lists()
        self._show_regions()

    def _refresh_lists(self) -> None:
        for controls in (self._own, self._controls):
            controls.refresh()

    def hideEvent(self, event: QtGui.QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()
        self._regions.hide()

    def _show_regions(self) -> None:
        """Where the layers go, on the canvas; the whole canvas needs no line."""
        if not self.isVisible():
            return
        entries, chosen = self._editor.stack.value.entries, self._editor.selected.value
        self._regions.show(
            [
                ShownRegion(entry.region, str(index + 1), index == chosen)
                for index, entry in enumerate(entries)
                if entry.region and entry.is_enabled
            ]
        )

    def _description(self) -> QtWidgets.QWidget:
        """What is folded away where the canvas needs the room."""
        widget = QtWidgets.QWidget()
        column = QtWidgets.QVBoxLayout(widget)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(StackList(self._stack), 1)
        form = StackForm(self._session)
        for part in (self._sees_below(), form, self._own_following(), self._following(), self._again()):
            column.addWidget(part)
        return widget

    def _fold(self, is_folded: bool) -> None:
        if is_folded:
            self._full = self.height()
        self._folded.setVisible(not is_folded)
        self.layout().activate()
        self.resize(self.width(), self.minimumSizeHint().height() if is_folded else self._full)

    def _tools(self) -> QtWidgets.QLayout:
        editor = self._editor
        tools: tuple[tuple[str, str, str, Callable[[], None]], ...] = (
            ("add", "addlayer", tr("Add a layer above the selected one."), editor.add),
            ("duplicate", "duplicatelayer", tr("The same above it, with another seed."), editor.duplicate),
            ("delete", "deletelayer", tr("Delete the selected layer, in the document too."), self._stack.delete),
            ("up", "arrowup", tr("Move the selected layer up."), lambda: editor.move(1)),
            ("down", "arrowdown", tr("Move the selected layer down."), lambda: editor.move(-1)),
        )
        row = QtWidgets.QHBoxLayout()
        for name, icon, tip, work in tools:
            row.addWidget(_tool(f"acetate_stack_{name}", icon, tip, work))
        row.addStretch(1)
        new = PushButton(tr("New stack"))
        named(new, "acetate_stack_new", tr("Begin another stack; this one stays in the document."))
        new.clicked.connect(lambda: self._stack.new())
        row.addWidget(new)
        fold = _tool("acetate_stack_fold", "arrow-up", tr("Only the buttons: the canvas gets the room."), lambda: None)
        fold.setCheckable(True)
        fold.toggled.connect(self._fold)
        row.addWidget(fold)
        return row

    def _sees_below(self) -> QtWidgets.QWidget:
        box = CheckBox(tr("Fit into the picture below the stack"))
        named(
            box,
            "acetate_stack_sees_below",
            tr("The layers see the active layer and all below it, as well as each other."),
        )
        box.clicked.connect(self._editor.see_below)
        self._editor.stack.bind(lambda stack: box.setChecked(stack.sees_below))
        return box

    def _following(self) -> QtWidgets.QWidget:
        """The docker's own list: each layer of the stack follows what of them lies in its region."""
        self._controls, session = ControlList(self._session, prefix="acetate_stack"), self._session
        fold = Fold(tr("Layers that all of them follow"), "acetate_stack_hints", self._controls)
        return where_useful(fold, session.model, what_follows, session.settings.controls)

    def _own_following(self) -> QtWidgets.QWidget:
        """Of the selected layer alone."""
        own: Observable[tuple[ControlLayer, ...]] = Observable(())
        own.changed.connect(lambda layers: self._editor.change_selected(follows=layers))

        def show(_: object) -> None:
            entry = self._editor.entry
            own.value = entry.follows if entry else ()
            self._own.setEnabled(entry is not None)

        self._own, session = ControlList(self._session, own, "acetate_stack_own"), self._session
        for value in (self._editor.stack, self._editor.selected):
            value.bind(show)
        fold = Fold(tr("Layers that only this one follows"), "acetate_stack_own_hints", self._own)
        return where_useful(fold, session.model, what_follows, own)

    def _again(self) -> QtWidgets.QWidget:
        """One layer anew."""
        widget = QtWidgets.QWidget()
        row = QtWidgets.QVBoxLayout(widget)
        row.setContentsMargins(0, 0, 0, 0)
        above = CheckBox(tr("and those above it"))
        named(above, "acetate_stack_with_above", tr("They see what is below them, and so are made to fit it."))
        button = PushButton(tr("Make this layer again"))
        named(button, "acetate_stack_regenerate", tr("The other layers keep what they show."))
        button.clicked.connect(
            once(lambda: self._stack.generate(self._editor.selected.value, with_above=above.isChecked()))
        )
        row.addWidget(button)
        row.addWidget(above)
        row.setSpacing(2)
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
        named(
            generate,
            "acetate_stack_generate",
            tr("Make all layers that are not locked, from the lowest to the topmost; each sees those below."),
        )
        generate.clicked.connect(once(self._stack.generate))
        cancel = PushButton(tr("Cancel"))
        named(cancel, "acetate_stack_cancel")
        cancel.clicked.connect(once(self._session.cancel))
        self._session.jobs_changed.connect(lambda _: cancel.setEnabled(bool(self._session.jobs_here)))
        cancel.setEnabled(bool(self._session.jobs_here))
        row.addWidget(generate, 1)
        row.addWidget(cancel)
        return widget

    def _message(self) -> QtWidgets.QWidget:
        return named(MessageBar(self._session.message), "acetate_stack_message")


def _tool(name: str, icon: str, tip: str, work: Callable[[], None]) -> QtWidgets.QToolButton:
    button = QtWidgets.QToolButton()
    named(button, name, tip)
    button.setIcon(Krita.instance().icon(icon))
    button.setAutoRaise(True)
    button.clicked.connect(lambda: work())
    return button
