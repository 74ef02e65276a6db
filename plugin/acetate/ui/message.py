"""What went wrong and what to do about it; or what was done otherwise than asked. No dialogs."""

from __future__ import annotations

from collections.abc import Callable

from acetate.protocol.errors import AcetateError
from acetate.qt import QApplication, QFrame, QHBoxLayout, QLabel, QSizePolicy, Qt, QToolButton, QVBoxLayout, QWidget

_ERROR, _NOTE = "#d9534f", "#4a90d9"
_STYLE = "#acetate_message {{ border: 1px solid {0}; border-left: 4px solid {0}; border-radius: 3px; }}"


class MessageBar(QFrame):
    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("acetate_message")
        self._text = ""
        self._title = _label("acetate_message_title")
        self._detail = _label("acetate_message_detail")
        self._remedy = _label("acetate_message_remedy")
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 6, 6, 6)
        column.setSpacing(3)
        column.addLayout(self._top_row())
        column.addWidget(self._detail)
        column.addWidget(self._remedy)
        self.hide()

    def text(self) -> str:
        """What is shown, as Copy takes it; empty where nothing is."""
        return self._text

    def show_error(self, error: AcetateError | None) -> None:
        if error is None:
            self._clear()
            return
        self._text = str(error)
        self._fill(error.title, _sentence(error.detail), error.remedy, _ERROR)

    def show_notes(self, notes: tuple[str, ...]) -> None:
        if notes:
            self._text = "\n".join(notes)
            self._fill("Done, with a difference", self._text, "", _NOTE)

    def _fill(self, title: str, detail: str, remedy: str, colour: str) -> None:
        self.setStyleSheet(_STYLE.format(colour))
        self._title.setText(f"<b>{title}</b>")
        self._detail.setText(detail)
        self._remedy.setText(remedy)
        self._remedy.setVisible(bool(remedy))
        self.show()

    def _clear(self) -> None:
        self._text = ""
        self.hide()

    def _top_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(2)
        row.addWidget(self._title, 1)
        row.addWidget(
            _button("acetate_message_copy", "Copy", "Copy this message.", self._copy), 0, Qt.AlignmentFlag.AlignTop
        )
        row.addWidget(_button("acetate_message_close", "✕", "Close.", self._clear), 0, Qt.AlignmentFlag.AlignTop)
        return row

    def _copy(self) -> None:
        QApplication.clipboard().setText(self._text)


def _label(name: str) -> QLabel:
    label = QLabel()
    label.setObjectName(name)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    return label


def _button(name: str, text: str, tip: str, clicked: Callable[[], None]) -> QToolButton:
    button = QToolButton()
    button.setObjectName(name)
    button.setText(text)
    button.setToolTip(tip)
    button.setAutoRaise(True)
    button.clicked.connect(lambda: clicked())
    return button


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
