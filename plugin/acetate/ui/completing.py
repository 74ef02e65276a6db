"""Words that a prompt could go on with, in a list above the field; and prompts that were written before."""

from __future__ import annotations

from collections.abc import Callable

from acetate.language import tr
from acetate.qt import QtCore, QtGui, QtWidgets
from acetate.session.completion import Completion, completions
from acetate.session.prompt_walk import PromptWalk
from acetate.session.session import Session
from acetate.ui.prompt import PromptEdit, is_alone

_KEYS = (QtCore.Qt.Key.Key_Tab, QtCore.Qt.Key.Key_Down, QtCore.Qt.Key.Key_Up, QtCore.Qt.Key.Key_Escape)
_ELSEWHERE = (QtCore.QEvent.Type.MouseButtonPress, QtCore.QEvent.Type.TabletPress)
_ROWS = 8  # that are seen at once
_FEWEST = 3  # that are worth a list above the field
_NARROWEST = 160  # pixels


def helped(edit: PromptEdit, session: Session) -> None:
    """Words of the chosen model are offered in it, and Up brings back what was generated before."""

    def offered(typed: str) -> list[Completion]:
        return completions(typed, session.model.value, session.words.vocabulary.value)

    Completing(edit, offered)
    earlier = PromptWalk(lambda: [entry.result.request.prompt for entry in session.history.entries])

    def walk(back: bool) -> None:
        prompt = earlier.step(edit.toPlainText(), back=back)
        if prompt is not None:
            edit.write(prompt)

    edit.going_back.connect(walk)


class Completing(QtWidgets.QListWidget):
    """Above the field, which keeps the keyboard: below it, it would cover Generate. No popup: that would eat a click.

    Nothing is chosen by itself: Return makes a new line as long as no row is marked; Tab takes the first.
    """

    def __init__(self, edit: PromptEdit, offered: Callable[[str], list[Completion]]) -> None:
        super().__init__(edit)
        self._edit = edit
        self._offered = offered
        self._found: list[Completion] = []
        self.setWindowFlags(QtCore.Qt.WindowType.ToolTip)
        self.setAttribute(QtCore.Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self.setFocusPolicy(QtCore.Qt.FocusPolicy.NoFocus)
        self.setObjectName("acetate_completions")
        self.setFrameStyle(QtWidgets.QFrame.Shape.Box | QtWidgets.QFrame.Shadow.Plain)  # over lists of the same colour
        self.setAccessibleName(tr("Words that fit"))
        self.setHorizontalScrollBarPolicy(QtCore.Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.itemClicked.connect(lambda item: self._insert(self.row(item)))
        edit.textChanged.connect(self.hide)
        edit.typed.connect(self._offer)
        edit.submitted.connect(self.hide)
        edit.installEventFilter(self)

    def _offer(self) -> None:
        self._found = self._offered(self._edit.before_cursor)
        self.clear()
        self.addItems([completion.text for completion in self._found])
        self.setCurrentRow(-1)
        if self._found:
            self._put()
        self.setVisible(bool(self._found))

    def _put(self) -> None:
        """Above the field, with fewer rows where the screen begins; below the cursor where hardly any fit there."""
        self.setFont(self._edit.font())  # a window of its own would have Krita's larger one
        screen = (self._edit.screen() or QtWidgets.QApplication.primaryScreen()).availableGeometry()
        field = QtCore.QRect(self._edit.mapToGlobal(QtCore.QPoint()), self._edit.size())
        row, frame = self.sizeHintForRow(0), 2 * self.frameWidth()
        wanted = min(self.count(), _ROWS)
        above = min(wanted, (field.top() - screen.top() - frame) // row)
        fits = above >= min(wanted, _FEWEST)
        self.resize(max(_NARROWEST, field.width()), (above if fits else wanted) * row + frame)
        x = min(field.left(), screen.right() + 1 - self.width())
        below = self._edit.viewport().mapToGlobal(self._edit.cursorRect().bottomLeft()).y()
        self.move(x, field.top() - self.height() if fits else below)

    def showEvent(self, event: QtGui.QShowEvent) -> None:
        """From now on it hears of every press in the field's window: most leave the keyboard where it is."""
        window = self._edit.window().windowHandle()
        if window is not None:
            window.installEventFilter(self)  # once, however often it is said
        super().showEvent(event)

    def eventFilter(self, watched: QtCore.QObject, event: QtCore.QEvent) -> bool:
        """Of the field, which has the keyboard, and of its window."""
        if watched is not self._edit and not isinstance(watched, QtGui.QWindow):
            return super().eventFilter(watched, event)  # of its own scroll bar, which is hidden where rows are few
        if event.type() in (event.Type.FocusOut, event.Type.Hide, *_ELSEWHERE):
            self.hide()
        elif watched is self._edit and self.isVisible() and isinstance(event, QtGui.QKeyEvent) and self._is_ours(event):
            if event.type() == event.Type.KeyPress:
                self._take(event.key())
            event.accept()  # or Krita's shortcuts on it
            return event.type() != event.Type.KeyRelease
        return False

    def _is_ours(self, event: QtGui.QKeyEvent) -> bool:
        if not is_alone(event):
            return False
        is_return = event.key() in (QtCore.Qt.Key.Key_Return, QtCore.Qt.Key.Key_Enter)
        return self.currentRow() >= 0 if is_return else event.key() in _KEYS

    def _take(self, key: int) -> None:
        step = {QtCore.Qt.Key.Key_Down: 1, QtCore.Qt.Key.Key_Up: -1}.get(QtCore.Qt.Key(key))
        if step is not None:
            self.setCurrentRow((self.currentRow() + 1 + step) % (self.count() + 1) - 1)
        elif key == QtCore.Qt.Key.Key_Escape:
            self.hide()
        else:
            self._insert(max(0, self.currentRow()))

    def _insert(self, row: int) -> None:
        completion = self._found[row]
        self._edit.write(completion.text, instead_of=self._edit.before_cursor[completion.start :])
