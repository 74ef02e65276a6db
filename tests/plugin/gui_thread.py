"""Stands where Qt's event loop stands in Krita: runs what threads post, on the test's own thread."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Coroutine
from typing import Any

from acetate.coroutines import Future, Loop

PATIENCE = 200.0  # seconds; the engine's worker may have to import torch, and leaves others the right of way


class EventLoop:
    def __init__(self) -> None:
        self._posted: queue.Queue[Callable[[], None]] = queue.Queue()
        self.loop = Loop(self._posted.put)
        self.turns = 0

    def run_until(self, condition: Callable[[], object], patience: float = PATIENCE) -> None:
        deadline = time.monotonic() + patience
        while not condition():
            assert time.monotonic() < deadline, f"not within {patience} s"
            self._run_one(0.01)

    def run(self, coroutine: Coroutine[Future[Any], None, Any]) -> Any:
        """What the coroutine returns, or raises."""
        outcome = self.loop.run(coroutine)
        self.run_until(lambda: outcome.is_settled)
        return outcome.result()

    def _run_one(self, patience: float) -> None:
        try:
            call = self._posted.get(timeout=patience)
        except queue.Empty:
            return
        self.turns += 1
        call()
