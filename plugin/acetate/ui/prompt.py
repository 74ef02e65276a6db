"""What should appear, and what should not."""

from __future__ import annotations

import time
from collections.abc import Callable

from acetate.qt import QtCore, QtGui, QtWidgets
from acetate.session.observable import Observable

_MOST, _MOST_OF_QUESTION = 8, 3  # lines
_BACK_AND_FORTH = (QtCore.Qt.Key.Key_Up, QtCore.Qt.Key.Key_Down)
_NEW_LINE = "\u2029"  # within what is selected
_REPEAT = 0.7  # seconds; a key that is held down is repeated after 0.66 at first


class PromptEdit(QtWidgets.QPlainTextEdit):
    """Text, at least `lines` high; Ctrl+Return submits."""

    submitted = QtCore.pyqtSignal()
    entered = QtCore.pyqtSignal()  # the painter is about to type
    typed = QtCore.pyqtSignal()  # by the keyboard, or what stands for one
    going_back = QtCore.pyqtSignal(bool)  # to what was written before; False: forth again

    def __init__(self, text: Observable[str], lines: int) -> None:
        super().__init__()
        self._lines = self._shown = lines
        self._pressed = -_REPEAT
        self.setTabChangesFocus(True)
        if lines == 1:
            self.setVerticalScrollBarPolicy(QtCore.Qt.ScrollBarPolicy.ScrollBarAlwaysOff)  # it would cover the line
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed)
        self.textChanged.connect(lambda: setattr(text, "value", self.toPlainText()))
        self.textChanged.connect(self._grow)
        text.bind(self._show)

    @property
    def before_cursor(self) -> str:
        cursor = self.textCursor()
        end = cursor.position()
        cursor.setPosition(0)
        cursor.setPosition(end, cursor.MoveMode.KeepAnchor)
        return cursor.selectedText().replace(_NEW_LINE, "\n")

    def write(self, text: str, instead_of: str | None = None) -> None:
        """In place of these last words before the cursor, of all where None: one step of the field's own undo."""
        cursor = self.textCursor()
        if instead_of is None:
            cursor.select(cursor.SelectionType.Document)
        else:
            end = cursor.position()
            cursor.setPosition(end - _length(instead_of))
            cursor.setPosition(end, cursor.MoveMode.KeepAnchor)
        cursor.insertText(text)
        self.setTextCursor(cursor)

    def begin_anew(self) -> None:
        """What it holds belongs to something else than before: Ctrl+Z must not bring back the words of that."""
        self.document().clearUndoRedoStacks()

    def _show(self, text: str) -> None:
        if text != self.toPlainText():
            self.write(text)

    def sizeHint(self) -> QtCore.QSize:
        margins = 2 * (int(self.document().documentMargin()) + self.frameWidth())
        line = self.fontMetrics().lineSpacing() + 1  # a line is laid out a fraction of a pixel higher than that
        return QtCore.QSize(120, self._shown * line + margins + 2)

    def setPlaceholderText(self, text: str) -> None:
        super().setPlaceholderText(text)
        self._grow()

    def _grow(self) -> None:
        """With what is typed, to a degree; with nothing typed it shows all of what is asked."""
        if self.document().isEmpty():
            wanted = min(self._lines_of_question(), _MOST_OF_QUESTION)
        else:  # of a plain text the height is in lines
            wanted = self._lines if self._lines == 1 else round(self.document().size().height())
        lines = min(max(self._lines, wanted), _MOST)
        if lines != self._shown:
            self._shown = lines
            self.updateGeometry()

    def _lines_of_question(self) -> int:
        width = self.viewport().width() - 2 * int(self.document().documentMargin())
        metrics, wrapped = self.fontMetrics(), QtCore.Qt.TextFlag.TextWordWrap
        box = metrics.boundingRect(QtCore.QRect(0, 0, width, 0), wrapped, self.placeholderText())
        return round(box.height() / metrics.lineSpacing())

    def resizeEvent(self, event: QtGui.QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._grow()

    def minimumSizeHint(self) -> QtCore.QSize:
        return self.sizeHint()

    def focusInEvent(self, event: QtGui.QFocusEvent) -> None:
        self.entered.emit()
        super().focusInEvent(event)

    def event(self, event: QtCore.QEvent) -> bool:
        """Krita has a shortcut on Ctrl+Return, which goes first where nobody claims the keys."""
        is_claimed = isinstance(event, QtGui.QKeyEvent) and (_submits(event) or self._goes(event))
        if is_claimed and event.type() == event.Type.ShortcutOverride:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QtGui.QKeyEvent) -> None:
        if _submits(event):
            if not self._is_held(event):
                self.submitted.emit()
        elif self._goes(event):
            self.going_back.emit(event.key() == QtCore.Qt.Key.Key_Up)
        else:
            self._type(lambda: super(PromptEdit, self).keyPressEvent(event))

    def inputMethodEvent(self, event: QtGui.QInputMethodEvent) -> None:
        self._type(lambda: super(PromptEdit, self).inputMethodEvent(event))

    def _type(self, take: Callable[[], None]) -> None:
        before = self.toPlainText()
        take()
        if self.toPlainText() != before:
            self.typed.emit()

    def _goes(self, event: QtGui.QKeyEvent) -> bool:
        """Back to earlier prompts, or forth: up and down, where there is no line to go to."""
        if event.key() not in _BACK_AND_FORTH or not is_alone(event):
            return False
        end = self.textCursor()
        is_up = event.key() == QtCore.Qt.Key.Key_Up
        end.movePosition(end.MoveOperation.Start if is_up else end.MoveOperation.End)
        return self.cursorRect(end).top() == self.cursorRect().top()

    def _is_held(self, event: QtGui.QKeyEvent) -> bool:
        """Held down it is one press; on a busy machine Qt takes some of what the X server repeats for presses."""
        before, self._pressed = self._pressed, time.monotonic()
        return event.isAutoRepeat() or self._pressed - before < _REPEAT


def _length(text: str) -> int:
    """As Qt counts: an emoji is two."""
    return len(text.encode("utf-16-le")) // 2


def is_alone(event: QtGui.QKeyEvent) -> bool:
    """Without Ctrl, Shift and the like; keys of the number pad count as the others."""
    return not event.modifiers() & ~QtCore.Qt.KeyboardModifier.KeypadModifier


def _submits(event: QtGui.QKeyEvent) -> bool:
    is_return = event.key() in (QtCore.Qt.Key.Key_Return, QtCore.Qt.Key.Key_Enter)
    return is_return and bool(event.modifiers() & QtCore.Qt.KeyboardModifier.ControlModifier)
