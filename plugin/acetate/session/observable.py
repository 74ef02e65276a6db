"""Values that tell who listens when they change. No Qt: the model is tested without a screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Scope:
    """Of listeners that end together: all that come while it is entered, and all that these add when they are called.

    A docker's: what it listens to outlives it.
    """

    def __init__(self) -> None:
        self.has_ended = False

    def __enter__(self) -> Scope:
        _entered.append(self)
        return self

    def __exit__(self, *exception: object) -> None:
        _entered.pop()

    def end(self) -> None:
        self.has_ended = True


_entered: list[Scope | None] = [None]  # the innermost last


class Signal(Generic[T]):
    """Calls its listeners in the order in which they came."""

    def __init__(self) -> None:
        self._listeners: list[tuple[Callable[[T], None], Scope | None]] = []

    def connect(self, listener: Callable[[T], None]) -> None:
        self._listeners.append((listener, _entered[-1]))

    def disconnect(self, listener: Callable[[T], None]) -> None:
        self._listeners = [known for known in self._listeners if known[0] != listener]

    def emit(self, value: T) -> None:
        self._listeners = [known for known in self._listeners if not (known[1] and known[1].has_ended)]
        for listener, scope in tuple(self._listeners):
            _entered.append(scope)
            try:
                listener(value)
            finally:
                _entered.pop()


class Observable(Generic[T]):
    """A value; `changed` brings each new one, and only new ones."""

    def __init__(self, value: T) -> None:
        self._value = value
        self.changed: Signal[T] = Signal()

    @property
    def value(self) -> T:
        return self._value

    @value.setter
    def value(self, value: T) -> None:
        if value != self._value:
            self._value = value
            self.changed.emit(value)

    def bind(self, listener: Callable[[T], None]) -> None:
        """Calls `listener` with the value now and with each later one."""
        self.changed.connect(listener)
        listener(self._value)
