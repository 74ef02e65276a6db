"""What can be done with the active layer if it was generated: make it again, vary it, take up its settings."""

from __future__ import annotations

from collections.abc import Callable

from acetate.language import tr
from acetate.qt import QtWidgets
from acetate.session.session import Session
from acetate.ui.binding import named
from acetate.ui.once import once


class AgainRow(QtWidgets.QWidget):
    def __init__(self, session: Session) -> None:
        super().__init__()
        grid = QtWidgets.QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(2)
        grid.setColumnStretch(2, 1)
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
                    tr("Make the active layer once more, with another seed."),
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


def _button(name: str, text: str, tip: str, action: Callable[[], None]) -> QtWidgets.QToolButton:
    button = QtWidgets.QToolButton()
    named(button, name, tip)
    button.setText(text)
    button.clicked.connect(once(action))
    return button
