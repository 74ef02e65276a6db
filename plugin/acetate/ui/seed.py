"""The seed: fixed, or another one for each picture."""

from __future__ import annotations

from acetate.language import tr
from acetate.protocol.requests import MAX_SEED
from acetate.qt import QtWidgets
from acetate.session.settings import Settings
from acetate.ui.binding import bind_check, bind_number, named
from acetate.ui.inputs import CheckBox, DoubleSpinBox


class SeedRow(QtWidgets.QWidget):
    def __init__(self, settings: Settings) -> None:
        super().__init__()
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(self._number(settings), 1)
        row.addWidget(self._random(settings))

    def _number(self, settings: Settings) -> QtWidgets.QWidget:
        number = DoubleSpinBox()  # QSpinBox ends at 2³¹ − 1
        named(number, "acetate_seed", tr("The same seed and settings make the same picture."))
        number.setDecimals(0)
        number.setButtonSymbols(QtWidgets.QAbstractSpinBox.ButtonSymbols.NoButtons)  # room for ten digits
        number.setRange(0, MAX_SEED)
        bind_number(number, settings.seed)
        settings.random_seed.bind(lambda is_random: number.setEnabled(not is_random))
        return number

    def _random(self, settings: Settings) -> QtWidgets.QWidget:
        box = CheckBox(tr("R&andom"))
        named(box, "acetate_seed_random", tr("Take a new seed for each picture."))
        bind_check(box, settings.random_seed)
        return box
