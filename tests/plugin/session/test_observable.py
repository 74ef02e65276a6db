from __future__ import annotations

from acetate.session.observable import Observable, Signal


def test_listeners_hear_new_values_only() -> None:
    value, heard = Observable(1), []
    value.changed.connect(heard.append)
    value.value = 1
    value.value = 2
    assert heard == [2]


def test_binding_hears_the_present_value_too() -> None:
    value, heard = Observable("a"), []
    value.bind(heard.append)
    value.value = "b"
    assert heard == ["a", "b"]


def test_a_listener_may_leave_while_it_is_called() -> None:
    signal: Signal[int] = Signal()
    heard: list[int] = []

    def once(value: int) -> None:
        heard.append(value)
        signal.disconnect(once)

    signal.connect(once)
    signal.connect(heard.append)
    signal.emit(1)
    signal.emit(2)
    assert heard == [1, 1, 2]
