"""How widgets hold on to observable values: each shows its value, and takes what the painter makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from acetate.qt import QtWidgets
from acetate.session.observable import Observable

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


def bind_check(box: QtWidgets.QAbstractButton, value: Observable[bool]) -> None:
    """Both ways."""
    box.toggled.connect(lambda is_on: setattr(value, "value", is_on))
    value.bind(box.setChecked)
