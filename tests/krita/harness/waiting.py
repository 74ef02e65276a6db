"""Polling: nothing in these tests sleeps for a fixed time and hopes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
PATIENCE = 180.0  # seconds; a guard, not a promise: two Kritas, and whatever else, may share the machine


def wait_until(question: Callable[[], T | None], what: str, timeout: float = PATIENCE, every: float = 0.05) -> T:
    """The first truthy answer. Raises TimeoutError, saying `what` was awaited and the last answer."""
    deadline = time.monotonic() + timeout
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {timeout:g} s; last answer {answer!r}")
        time.sleep(every)
