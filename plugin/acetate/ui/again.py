"""What can be done with the active layer if it was generated: make it again, vary it, take up its settings."""

from __future__ import annotations

from collections.abc import Callable

from acetate.language import tr
from acetate.protocol.requests import GenerateRequest
from acetate.qt import QtCore, QtWidgets
from acetate.session.messages import headline
from acetate.session.recipes import why_not_varied
from acetate.session.session import Session
from acetate.ui.binding import named
from acetate.ui.once import once


def offer_to_vary(
    button: QtWidgets.QAbstractButton | QtWidgets.QAction, tip: str, made: GenerateRequest | None
) -> None:
    """Greyed where another seed would make the same again, which its tooltip then says instead of `tip`."""
    refusal = why_not_varied(made) if made else None
    button.setEnabled(refusal is None)
    button.setToolTip(headline(refusal)[0] if refusal else tip)


class AgainRow(QtWidgets.QWidget):
    """Krita does not tell scripts which layer is active: the row looks as long as the pointer is on it."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        grid = QtWidgets.QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(2)
        grid.setColumnStretch(2, 1)
        self._tip = tr("Make the active layer once more, with another seed.")
        buttons = [
            _button(name, text, tip, action)
            for name, text, tip, action in (
                (
                    "acetate_regenerate",
                    tr("Again"),
                    tr("Make the active layer once more, as it was made."),
                    lambda: session.regenerate(is_varied=False),
                ),
                (
                    "acetate_vary",
                    tr("Vary"),
                    self._tip,
                    lambda: session.regenerate(is_varied=True),
                ),
                (
                    "acetate_copy_settings",
                    tr("Copy settings"),
                    tr("Take up the prompt and all that made the active layer."),
                    session.copy_settings,
                ),
            )
        ]
        for index, button in enumerate(buttons):  # the last, with the longest words, has a line of its own
            grid.addWidget(button, index // 2, index % 2, 1, 1 + index // 2)
        self._vary = buttons[1]

    def enterEvent(self, event: QtCore.QEvent) -> None:
        offer_to_vary(self._vary, self._tip, self._session.request_of_active())
        super().enterEvent(event)

    def leaveEvent(self, event: QtCore.QEvent) -> None:
        """Another layer may be active before it comes back, and the keyboard may come without it."""
        offer_to_vary(self._vary, self._tip, None)
        super().leaveEvent(event)


def _button(name: str, text: str, tip: str, action: Callable[[], None]) -> QtWidgets.QToolButton:
    button = QtWidgets.QToolButton()
    named(button, name, tip)
    button.setText(text)
    button.clicked.connect(once(action))
    return button
