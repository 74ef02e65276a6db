"""How far another version of a layer may go from the old one."""

from __future__ import annotations

from acetate.language import mark, tr
from acetate.qt import QtCore, QtWidgets
from acetate.session.settings import Settings
from acetate.ui.binding import bind_share, named
from acetate.ui.inputs import Slider

_WORDS = (
    (0, mark("nothing")),
    (25, mark("only the edge")),
    (45, mark("details")),
    (70, mark("shape and colour")),
    (100, mark("another object")),
)


class StrengthRow(QtWidgets.QWidget):
    """0 keeps the layer, 100 % makes another."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        slider, number, words = (
            Slider(QtCore.Qt.Orientation.Horizontal),
            QtWidgets.QLabel(),
            QtWidgets.QLabel(),
        )
        named(
            slider,
            "acetate_strength",
            tr("How far the result may go from the layer as it is; its transparency changes along."),
        )
        slider.setRange(0, 100)
        named(words, "acetate_strength_words")
        words.setEnabled(False)  # greyed: a remark
        words.setWordWrap(True)
        number.setMinimumWidth(number.fontMetrics().boundingRect("100 %").width())
        grid = QtWidgets.QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(0)
        grid.setColumnStretch(0, 1)
        grid.addWidget(slider, 0, 0)
        grid.addWidget(number, 0, 1)
        grid.addWidget(words, 1, 0, 1, 2)
        bind_share(slider, settings.strength)
        settings.strength.bind(lambda strength: number.setText(f"{round(100 * strength)} %"))
        settings.strength.bind(lambda strength: words.setText(tr("Changes {what}", what=tr(_words(100 * strength)))))


def _words(percent: float) -> str:
    return next(words for limit, words in _WORDS if percent <= limit + 1e-6)
