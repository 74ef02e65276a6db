"""Long-lived tasks that no exception ends: it is logged and counted, the task begins again after a pause, and /health
says what is wrong until the task says that it is well again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 8.0  # seconds before a task begins again; doubled each time
_STABLE = 60.0  # a task that went on for this many seconds starts the pauses anew
_SAID = 200  # characters of a reason

log = structlog.get_logger("supervisor")


@dataclass
class Trouble:
    """Of one task, since it was well."""

    reason: str
    times: int = 0

    def __str__(self) -> str:
        return f"{self.reason} ({self.times} times)" if self.times > 1 else self.reason


class Supervisor:
    """Lives on one event loop."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []
        self._troubles: dict[str, Trouble] = {}

    @property
    def reasons(self) -> tuple[str, ...]:
        """What does not work as it should, for a person; nothing where all is well."""
        return tuple(f"{name}: {trouble}" for name, trouble in self._troubles.items())

    def start(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """`work` from now on, until it returns or `stop`."""
        self._tasks = [task for task in self._tasks if not task.done()]
        self._tasks.append(asyncio.create_task(self._keep_going(name, work), name=name))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def note(self, name: str, error: Exception) -> None:
        """Something went wrong: in the log with its traceback, and in `reasons`."""
        trouble = self._troubles.setdefault(name, Trouble(""))
        trouble.reason, trouble.times = f"{type(error).__name__}: {error}"[:_SAID], trouble.times + 1
        log.error("failed", task=name, times=trouble.times, exc_info=error)

    def well(self, name: str) -> None:
        """It works again."""
        if self._troubles.pop(name, None):
            log.info("works again", task=name)

    async def _keep_going(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        pause = FIRST_PAUSE
        while True:
            began = time.monotonic()
            try:
                await work()
                return
            except Exception as error:  # noqa: BLE001  # whatever it is: the task goes on
                self.note(name, error)
            pause = FIRST_PAUSE if time.monotonic() - began > _STABLE else pause
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
