"""What tasks on pictures are told besides the layer: light, size, how many, how far. Rows of other tasks are hidden."""

from __future__ import annotations

from acetate.language import tr
from acetate.protocol.pictures import MAX_SUBJECTS
from acetate.protocol.requests import FACTORS
from acetate.qt import QtCore, QtWidgets
from acetate.session.observable import Observable
from acetate.session.settings import Settings
from acetate.ui.binding import bind_check, bind_choice, bind_number, bind_part, named
from acetate.ui.inputs import CheckBox, ComboBox, Dial, Slider, SpinBox
from acetate.ui.length import LengthRow
from acetate.ui.rows import Rows


class PictureRows(Rows):
    def __init__(self, settings: Settings) -> None:
        super().__init__()
        length = _share(settings, "length", 300, tr("Times the height of the layer."))
        margin = LengthRow(settings.margin, "acetate_margin", tr("How far beyond the canvas is painted."))
        rows = (
            ("settle", tr("Light"), _settle(settings)),
            ("light.angle", tr("Direction"), _angle(settings)),
            ("light.length", tr("Length"), length),
            ("light.softness", tr("Softness"), _share(settings, "softness", 100, tr("Of its edge."))),
            ("light.opacity", tr("Strength"), _share(settings, "opacity", 100, tr("How much of it."))),
            ("factor", tr("Size"), _factor(settings.factor)),
            ("margin", tr("Beyond"), margin),
            ("most", tr("Subjects"), _most(settings)),
        )
        for name, text, widget in rows:
            self.add_used(settings, name, text, widget)
        names = [name for name, _, _ in rows]
        settings.used.bind(lambda used: self.setVisible(not used.isdisjoint(names)))


def _angle(settings: Settings) -> QtWidgets.QDial:
    """A dial whose hand points where the shadow falls: right is 0, down 90."""
    dial = named(Dial(), "acetate_angle", tr("Where the shadow falls; down is towards you."))
    dial.setRange(0, 359)
    dial.setWrapping(True)
    dial.setNotchesVisible(True)
    dial.setFixedHeight(44)
    bind_part(  # a dial is at 0 below, and goes clockwise
        dial,
        settings.light,
        "angle",
        lambda angle: round(angle + 270) % 360,
        lambda turned: float((turned + 90) % 360),
    )
    return dial


def _share(settings: Settings, field: str, most: int, tip: str) -> QtWidgets.QSlider:
    """Of the light, in per cent."""
    slider = named(Slider(QtCore.Qt.Orientation.Horizontal), f"acetate_{field}", tip)
    slider.setRange(0, most)
    bind_part(slider, settings.light, field, lambda share: round(100 * share), lambda percent: percent / 100)
    return slider


def _factor(factor: Observable[int]) -> QtWidgets.QComboBox:
    choice = named(ComboBox(), "acetate_factor", tr("How much larger the layer gets."))
    for each in FACTORS:
        choice.addItem(tr("{factor} times as large", factor=each), each)
    bind_choice(choice, factor, int)
    return choice


def _settle(settings: Settings) -> QtWidgets.QCheckBox:
    box = named(
        CheckBox(tr("With shadow and light")), "acetate_settle", tr("As layers of their own, which you can paint on.")
    )
    bind_check(box, settings.settle)
    return box


def _most(settings: Settings) -> QtWidgets.QSpinBox:
    number = named(SpinBox(), "acetate_most", tr("How many layers at most; with 1 all that strikes is one."))
    number.setRange(1, MAX_SUBJECTS)
    bind_number(number, settings.most)
    return number
