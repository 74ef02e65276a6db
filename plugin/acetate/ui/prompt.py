"""What should appear, and what should not."""

from __future__ import annotations

from acetate.model.observable import Observable
from acetate.qt import QFocusEvent, QKeyEvent, QPlainTextEdit, QSize, QSizePolicy, Qt, QWidget, pyqtSignal

_LINES = 3


class PromptEdit(QPlainTextEdit):
    """Three lines of text; Ctrl+Return submits."""

    submitted = pyqtSignal()
    entered = pyqtSignal()  # the painter is about to type

    def __init__(self, text: Observable[str], lines: int = _LINES, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lines = lines
        self.setTabChangesFocus(True)
        if lines == 1:
            self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)  # it would cover the line
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.textChanged.connect(lambda: setattr(text, "value", self.toPlainText()))
        text.bind(self._show)

    def _show(self, text: str) -> None:
        if text != self.toPlainText():
            self.setPlainText(text)

    def sizeHint(self) -> QSize:
        margins = 2 * (int(self.document().documentMargin()) + self.frameWidth())
        return QSize(120, self._lines * self.fontMetrics().lineSpacing() + margins)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.entered.emit()
        super().focusInEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        is_return = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if is_return and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.submitted.emit()
        else:
            super().keyPressEvent(event)
