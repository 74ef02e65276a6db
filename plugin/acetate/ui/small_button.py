"""A flat button for what stands beside something else."""

from __future__ import annotations

from collections.abc import Callable

from acetate.qt import QtWidgets
from acetate.ui.binding import named


def small_button(text: str, tip: str, name: str, action: Callable[[], None]) -> QtWidgets.QToolButton:
    button = QtWidgets.QToolButton()
    button.setText(text)
    button.setToolTip(tip)
    button.setAccessibleName(tip)
    named(button, name)
    button.setAutoRaise(True)
    button.clicked.connect(lambda: action())
    return button
