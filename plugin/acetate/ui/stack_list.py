"""The layers of a stack, the topmost first as in Krita's own docker."""

from __future__ import annotations

from krita import Krita

from acetate.language import tr
from acetate.qt import QtCore, QtWidgets
from acetate.session.stack import Stack, StackEntry
from acetate.session.stack_editor import StackEditor
from acetate.session.stack_session import StackSession
from acetate.ui.binding import named, silent

_ROW = 28  # screen pixels, height
_LEAST = 6  # rows in sight


class StackList(QtWidgets.QListWidget):
    def __init__(self, stack: StackSession) -> None:
        super().__init__()
        self._stack, self._editor = stack, stack.editor
        editor = stack.editor
        self.setObjectName("acetate_stack_list")
        self.setMinimumHeight(_LEAST * _ROW + 2 * self.frameWidth())
        self.setAccessibleName(tr("Layers of the stack, the topmost first"))
        self.setUniformItemSizes(True)
        self.setHorizontalScrollBarPolicy(QtCore.Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.currentRowChanged.connect(self._take)
        editor.stack.bind(self._show)
        editor.selected.bind(lambda _: self._select())
        stack.present.changed.connect(lambda _: self._show(editor.stack.value))

    def _show(self, stack: Stack) -> None:
        with silent(self):
            if self.count() != len(stack.entries):
                self._fill(len(stack.entries))
            for index, entry in enumerate(stack.entries):
                row = self.itemWidget(self.item(self._row(index)))
                assert isinstance(row, StackRow)  # `_fill` has put it there
                row.show_entry(entry, is_there=entry.layer in self._stack.present.value)
        self._select()

    def _fill(self, count: int) -> None:
        self.clear()
        for index in reversed(range(count)):
            item = QtWidgets.QListWidgetItem()
            item.setSizeHint(QtCore.QSize(0, _ROW))
            self.addItem(item)
            self.setItemWidget(item, StackRow(self._editor, index))

    def _select(self) -> None:
        with silent(self):
            self.setCurrentRow(self._row(self._editor.selected.value))

    def _take(self, row: int) -> None:
        if row >= 0:
            self._editor.selected.value = self._row(row)

    def _row(self, index: int) -> int:
        """Of an entry; and the entry of a row."""
        return self.count() - 1 - index


class StackRow(QtWidgets.QWidget):
    def __init__(self, editor: StackEditor, index: int) -> None:
        super().__init__()
        self._eye = _toggle(f"acetate_stack_enabled_{index + 1}", tr("Take part: otherwise the layer is hidden."))
        self._lock = _toggle(f"acetate_stack_locked_{index + 1}", tr("Lock: the layer keeps what it shows."))
        self._eye.clicked.connect(lambda is_on: editor.change(index, is_enabled=is_on))
        self._lock.clicked.connect(lambda is_on: editor.change(index, is_locked=is_on))
        self._prompt, self._state = QtWidgets.QLabel(), QtWidgets.QLabel()
        self._prompt.setTextFormat(QtCore.Qt.TextFormat.PlainText)  # else words would be read as markup
        self._prompt.setSizePolicy(QtWidgets.QSizePolicy.Policy.Ignored, QtWidgets.QSizePolicy.Policy.Preferred)
        number = QtWidgets.QLabel(str(index + 1))
        named(number, f"acetate_stack_number_{index + 1}")
        number.setFixedWidth(number.fontMetrics().horizontalAdvance("00 "))
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(4, 0, 8, 0)
        row.setSpacing(4)
        for widget in (self._eye, self._lock, number):
            row.addWidget(widget)
        row.addWidget(self._prompt, 1)
        row.addWidget(self._state)

    def show_entry(self, entry: StackEntry, *, is_there: bool) -> None:
        self._eye.setChecked(entry.is_enabled)
        self._eye.setIcon(Krita.instance().icon("visible" if entry.is_enabled else "novisible"))
        self._lock.setChecked(entry.is_locked)
        self._lock.setIcon(Krita.instance().icon("layer-locked" if entry.is_locked else "layer-unlocked"))
        self._prompt.setText(" ".join(entry.prompt.split()) or tr("(no prompt yet)"))
        font = self._prompt.font()
        font.setItalic(not entry.is_enabled or not entry.prompt.strip())  # grey is not read on the chosen row
        self._prompt.setFont(font)
        self._state.setText("" if is_there else tr("deleted") if entry.layer else tr("new"))


def _toggle(name: str, tip: str) -> QtWidgets.QToolButton:
    button = QtWidgets.QToolButton()
    named(button, name, tip)
    button.setCheckable(True)
    button.setAutoRaise(True)
    button.setAccessibleName(tip)
    return button
