"""How widgets hold on to observable values: each shows its value, and takes what the painter makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

from acetate.qt import QtWidgets
from acetate.session.observable import Observable

C = TypeVar("C")
N = TypeVar("N", int, float)
W = TypeVar("W", bound=QtWidgets.QWidget)


def named(widget: W, name: str, tip: str = "") -> W:
    """With its object name, and what a screen reader and a resting pointer tell."""
    widget.setObjectName(name)
    if tip:
        widget.setToolTip(tip)
    return widget


@contextmanager
def silent(*widgets: QtWidgets.QWidget) -> Iterator[None]:
    """They tell nobody what is shown in them meanwhile."""
    before = [widget.blockSignals(True) for widget in widgets]
    try:
        yield
    finally:
        for widget, was_blocked in zip(widgets, before, strict=True):
            widget.blockSignals(was_blocked)


def bind_number(
    number: QtWidgets.QSpinBox | QtWidgets.QDoubleSpinBox | QtWidgets.QSlider, value: Observable[int]
) -> None:
    """Both ways; whole numbers."""
    number.valueChanged.connect(lambda new: setattr(value, "value", int(new)))
    value.bind(lambda new: number.setValue(new))


def bind_optional(
    number: QtWidgets.QSpinBox | QtWidgets.QDoubleSpinBox, value: Observable[N | None], *, least: N, absent: N
) -> None:
    """Both ways; None is shown as `absent`, and all below `least` stands for it."""
    number.valueChanged.connect(lambda new: setattr(value, "value", None if new < least else new))
    value.bind(lambda new: number.setValue(absent if new is None else new))  # type: ignore[arg-type]  # whole for both


def bind_share(number: QtWidgets.QSpinBox | QtWidgets.QSlider, value: Observable[float]) -> None:
    """Both ways; the widget has per cent, the value 0..1."""
    number.valueChanged.connect(lambda percent: setattr(value, "value", percent / 100))
    value.bind(lambda share: number.setValue(round(100 * share)))


def bind_part(
    number: QtWidgets.QAbstractSlider,
    value: Observable[Any],  # a frozen dataclass
    part: str,
    shown: Callable[[float], int],
    taken: Callable[[int], float],
) -> None:
    """Both ways, of one field of a dataclass; `shown` and `taken` turn it into what the widget counts, and back."""

    def show(whole: object) -> None:
        with silent(number):
            number.setValue(shown(getattr(whole, part)))

    value.bind(show)
    number.valueChanged.connect(lambda new: setattr(value, "value", replace(value.value, **{part: taken(new)})))


def bind_choice(box: QtWidgets.QComboBox, value: Observable[C], kind: Callable[[Any], C]) -> None:
    """Both ways; the data of an item is the value, and Qt gives it back as `kind` understands it."""
    box.currentIndexChanged.connect(lambda index: setattr(value, "value", kind(box.itemData(index))))
    value.bind(lambda new: box.setCurrentIndex(max(0, box.findData(new))))


def bind_check(box: QtWidgets.QAbstractButton, value: Observable[bool]) -> None:
    """Both ways."""
    box.toggled.connect(lambda is_on: setattr(value, "value", is_on))
    value.bind(box.setChecked)
