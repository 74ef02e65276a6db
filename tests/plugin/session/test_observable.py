from __future__ import annotations

from acetate.session.observable import Observable, Scope, Signal


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


def test_listeners_of_a_scope_end_with_it_and_what_they_have_added_too() -> None:
    outer: Signal[int] = Signal()
    inner: Signal[int] = Signal()
    heard: list[str] = []

    def add(value: int) -> None:
        inner.connect(lambda _: heard.append(f"added by {value}"))

    scope = Scope()
    with scope:
        outer.connect(add)
    outer.connect(lambda _: inner.connect(lambda _: heard.append("stays")))
    outer.emit(1)
    inner.emit(0)
    assert heard == ["added by 1", "stays"]
    scope.end()
    outer.emit(2)
    inner.emit(0)
    assert heard[2:] == ["stays", "stays"]


def test_what_others_add_when_a_listener_of_a_scope_calls_them_is_theirs() -> None:
    asked: Signal[int] = Signal()
    told: Signal[int] = Signal()
    heard: list[int] = []
    asked.connect(lambda _: told.connect(heard.append))
    scope, button = Scope(), Signal[int]()
    with scope:
        button.connect(asked.emit)
    button.emit(1)
    scope.end()
    told.emit(2)
    assert heard == [2]
