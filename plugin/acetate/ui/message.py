"""What went wrong and what to do about it; or what was done otherwise than asked. No dialogs."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from acetate.language import tr, translated
from acetate.protocol.errors import AcetateError
from acetate.qt import QtCore, QtGui, QtWidgets
from acetate.session.messages import Message, Notice, headline
from acetate.session.observable import Observable
from acetate.ui.binding import named
from acetate.ui.once import once
from acetate.ui.small_button import small_button

_ERROR, _NOTE = QtGui.QColor("#d9534f"), QtGui.QColor("#4a90d9")
_BAR = 4  # pixels


class MessageBar(QtWidgets.QWidget):
    """Of what all dockers and windows show: closed in one, it is closed in all."""

    def __init__(self, shown: Observable[Message], is_told_here: Callable[[], bool] = lambda: True) -> None:
        """`is_told_here`: asked when a message comes."""
        super().__init__()
        self._shown = shown
        self.setObjectName("acetate_message")
        self._text = ""
        self._colour = _ERROR
        formats = QtCore.Qt.TextFormat
        self._title = _label("acetate_message_title", formats.RichText)
        self._detail = _label("acetate_message_detail", formats.PlainText)
        self._remedy = _label("acetate_message_remedy", formats.PlainText)
        self._offer = small_button("", "", "acetate_message_offer", once(self._take))
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(_BAR + 6, 6, 6, 6)
        column.setSpacing(3)
        column.addLayout(self._top_row())
        column.addWidget(self._detail)
        column.addWidget(self._remedy)
        self.hide()
        shown.bind(lambda message: self._show(message if is_told_here() else None))

    def text(self) -> str:
        """What is shown, as Copy takes it; empty where nothing is."""
        return self._text

    def _show(self, message: Message) -> None:
        self._text = ""
        self.setVisible(message is not None)
        if isinstance(message, AcetateError):
            title, detail = headline(message)
            self._fill(title, detail, translated(message.remedy), _ERROR)
        elif message is not None:
            self._fill(tr(message.title), translated(message.detail), "", _NOTE)
        offer = message.offer if isinstance(message, Notice) else None
        self._offer.setVisible(offer is not None)
        self._offer.setText(tr(offer.text) if offer else "")

    def _fill(self, title: str, detail: str, remedy: str, colour: QtGui.QColor) -> None:
        self._colour = colour
        self._text = "\n".join(part for part in (title, detail, remedy) if part)
        self._title.setText(f"<b>{escape(title)}</b>")
        self._detail.setText(detail)
        self._detail.setVisible(bool(detail))
        self._remedy.setText(remedy)
        self._remedy.setVisible(bool(remedy))
        self.update()

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        """By hand: a style sheet would change the fonts within."""
        painter = QtGui.QPainter(self)
        tint = QtGui.QColor(self._colour)
        tint.setAlpha(40)
        painter.fillRect(self.rect(), tint)
        painter.fillRect(0, 0, _BAR, self.height(), self._colour)
        painter.end()

    def _top_row(self) -> QtWidgets.QHBoxLayout:
        copy = small_button(tr("Copy"), tr("Copy this message."), "acetate_message_copy", self._copy)
        close = small_button("✕", tr("Close."), "acetate_message_close", self._close)
        row = QtWidgets.QHBoxLayout()
        row.setSpacing(2)
        row.addWidget(self._title, 1)
        row.addWidget(self._offer, 0, QtCore.Qt.AlignmentFlag.AlignTop)
        row.addWidget(copy, 0, QtCore.Qt.AlignmentFlag.AlignTop)
        row.addWidget(close, 0, QtCore.Qt.AlignmentFlag.AlignTop)
        return row

    def _take(self) -> None:
        """What is offered with the notice."""
        message, self._shown.value = self._shown.value, None
        if isinstance(message, Notice) and message.offer:
            message.offer.work()

    def _close(self) -> None:
        self._shown.value = None

    def _copy(self) -> None:
        QtWidgets.QApplication.clipboard().setText(self._text)


def _label(name: str, text_format: QtCore.Qt.TextFormat) -> QtWidgets.QLabel:
    label = QtWidgets.QLabel()
    named(label, name)
    label.setWordWrap(True)
    label.setTextFormat(text_format)  # else names of layers and files would be read as markup
    label.setTextInteractionFlags(QtCore.Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setSizePolicy(QtWidgets.QSizePolicy.Policy.Ignored, QtWidgets.QSizePolicy.Policy.Preferred)
    return label
