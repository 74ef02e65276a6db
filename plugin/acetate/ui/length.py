"""A length in pixels, or in per cent of the region."""

from __future__ import annotations

from acetate.language import tr
from acetate.qt import QtWidgets
from acetate.session.observable import Observable
from acetate.session.region import Length, Unit
from acetate.ui.binding import named, silent
from acetate.ui.inputs import ComboBox, SpinBox

_LONGEST = 4096


class LengthRow(QtWidgets.QWidget):
    def __init__(self, length: Observable[Length], name: str, tip: str) -> None:
        super().__init__()
        self._length = length
        self._number = SpinBox()
        named(self._number, name, tip)
        self._number.setRange(0, _LONGEST)
        self._unit = ComboBox()
        named(self._unit, f"{name}_unit", tr("Canvas pixels, or per cent of the longer side of the region."))
        for unit in Unit:
            self._unit.addItem(unit.value, unit.value)
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(self._number, 1)
        row.addWidget(self._unit)
        length.bind(self._show)
        self._number.valueChanged.connect(lambda _: self._take())
        self._unit.currentIndexChanged.connect(lambda _: self._take())

    def _show(self, length: Length) -> None:
        with silent(self._number, self._unit):
            self._number.setValue(round(length.value))
            self._unit.setCurrentIndex(self._unit.findData(length.unit.value))

    def _take(self) -> None:
        self._length.value = Length(self._number.value(), Unit(self._unit.currentData()))
