"""Named presets: one choice for model, quality and all that goes with them; saved, shared and removed here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from acetate.language import mark, tr
from acetate.protocol.errors import FileError
from acetate.protocol.paths import as_file_name
from acetate.qt import QtCore, QtGui, QtWidgets
from acetate.session.messages import undoable
from acetate.session.presets import FIELDS, LONGEST_NAME, Presets, Undo
from acetate.session.session import Session
from acetate.ui.binding import named, silent
from acetate.ui.inputs import ComboBox, NarrowButton
from acetate.ui.plain import plain
from acetate.ui.small_button import small_button

REMOVED = mark("A preset is removed")
REPLACED = mark("A preset is replaced")
_FILES = "*.json"


class PresetRow(QtWidgets.QWidget):
    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session, self._presets = session, session.presets
        self._choice = PresetChoice(session.presets)
        self._name = _name_edit()
        self._name.entered.connect(self._save)
        self._name.left.connect(lambda: self._ask(False))
        self._keep = NarrowButton(tr("Save"))
        named(self._keep, "acetate_preset_save")
        self._keep.clicked.connect(lambda: self._save())
        self._more = small_button("⋯", tr("Save, share or remove presets."), "acetate_preset_more", self._open)
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        for widget, stretch in ((self._choice, 1), (self._name, 1), (self._keep, 0), (self._more, 0)):
            row.addWidget(widget, stretch)
        self._ask(False)
        for name in FIELDS:
            session.settings.values[name].changed.connect(lambda _: self._choice.show_current())
        session.presets.names.changed.connect(lambda _: self._choice.show_names())

    def _ask(self, is_wanted: bool) -> None:
        """For a name, in place of the choice."""
        for widget, is_shown in ((self._choice, not is_wanted), (self._name, is_wanted), (self._keep, is_wanted)):
            widget.setVisible(is_shown)
        if is_wanted:
            self._name.setText(self._presets.current)
            self._name.selectAll()
            self._name.setFocus()

    def _open(self) -> None:
        menu, current = QtWidgets.QMenu(self), self._presets.current
        named(menu, "acetate_preset_menu")
        entries: tuple[tuple[str, Callable[[], None], bool], ...] = (
            (tr("Save these settings…"), lambda: self._ask(True), True),
            (tr("Import…"), self._import, True),
            (tr("Export “{name}”…", name=current), lambda: self._export(current), bool(current)),
            (tr("Remove “{name}”", name=current), lambda: self._remove(current), bool(current)),
        )
        for text, work, is_there in entries:
            if is_there:
                menu.addAction(plain(text), work)
        menu.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self._more.mapToGlobal(QtCore.QPoint(0, self._more.height())))

    def _save(self) -> None:
        if self._change(REPLACED, self._name.text().strip(), self._presets.save):
            self._ask(False)

    def _remove(self, name: str) -> None:
        if name in self._presets.names.value:  # another docker may have been quicker
            self._change(REMOVED, name, self._presets.remove)

    def _change(self, title: str, name: str, work: Callable[[str], Undo | None]) -> bool:
        """What cannot be got back by making it again is offered to be undone."""

        def change() -> None:
            if undo := work(name):
                self._session.message.value = undoable(title, name, lambda: self._attempt(undo))

        self._session.message.value = None
        return self._attempt(change)

    def _import(self) -> None:
        chosen, _ = QtWidgets.QFileDialog.getOpenFileName(self, tr("Import a preset"), str(Path.home()), _FILES)
        if chosen:
            self._attempt(lambda: self._presets.take(self._presets.take_in(Path(as_file_name(chosen)))))

    def _export(self, name: str) -> None:
        suggested = str(Path.home() / f"{name.replace('/', '-')}.json")
        chosen, _ = QtWidgets.QFileDialog.getSaveFileName(self, tr("Export the preset"), suggested, _FILES)
        if chosen:
            self._attempt(lambda: self._presets.give_out(name, Path(as_file_name(chosen))))

    def _attempt(self, work: Callable[[], object]) -> bool:
        """An error of it is shown."""
        try:
            work()
        except FileError as error:
            self._session.message.value = error
            return False
        return True


class PresetChoice(ComboBox):
    """The preset that the settings are, or none."""

    def __init__(self, presets: Presets) -> None:
        super().__init__()
        self._presets = presets
        self.setObjectName("acetate_preset_choice")
        self.setToolTip(tr("Model, quality, steps, sampler, guidance and styles under one name."))
        self.keep_narrow(3)
        self.currentIndexChanged.connect(self._take)
        self.show_names()

    def show_names(self) -> None:
        with silent(self):
            self.clear()
            self.addItem(tr("Own settings"), "")
            for name in self._presets.names.value:
                self.addItem(name, name)
        self.show_current()

    def show_current(self) -> None:
        with silent(self):
            self.setCurrentIndex(self.findData(self._presets.current))

    def _take(self, index: int) -> None:
        if name := str(self.itemData(index)):
            self._presets.take(name)


class NameEdit(QtWidgets.QLineEdit):
    """Return takes the name, Escape leaves it."""

    entered = QtCore.pyqtSignal()
    left = QtCore.pyqtSignal()

    def event(self, event: QtCore.QEvent) -> bool:
        """Krita has shortcuts on these keys, which go first where nobody claims them."""
        if event.type() == event.Type.ShortcutOverride and isinstance(event, QtGui.QKeyEvent) and self._signal(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QtGui.QKeyEvent) -> None:
        signal = self._signal(event)
        if signal is not None:
            signal.emit()
        else:
            super().keyPressEvent(event)

    def _signal(self, event: QtGui.QKeyEvent) -> QtCore.pyqtBoundSignal | None:
        if event.key() in (QtCore.Qt.Key.Key_Return, QtCore.Qt.Key.Key_Enter):
            return self.entered
        return self.left if event.key() == QtCore.Qt.Key.Key_Escape else None


def _name_edit() -> NameEdit:
    edit = NameEdit()
    named(edit, "acetate_preset_name")
    edit.setMaxLength(LONGEST_NAME)
    edit.setPlaceholderText(tr("Name of the preset"))
    edit.setAccessibleName(tr("Name of the preset"))
    return edit
