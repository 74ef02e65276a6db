"""How long an engine that a plugin has started is still wanted.

Programs say every few seconds that they use it, and whoever follows a job does, too. A Krita that was killed says
nothing any more, and so leaves no engine behind; one that goes on keeps it, whichever of them had started it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

LOOK: Final = 1.0  # seconds
LEASE: Final = 15  # looks that a word holds; looks, because they stand still with a machine that sleeps
FIRST: Final = 60  # looks until the first word has to be there
_STARTER: Final = ""


class Leases:
    """Lives on one event loop. `is_followed`: whether anybody listens to a job."""

    def __init__(self, is_followed: Callable[[], bool]) -> None:
        self._left = {_STARTER: FIRST}  # looks, by user
        self._is_followed = is_followed
        self._changed = asyncio.Event()
        self.has_ended = False  # nobody used it: from then on nobody can

    @property
    def is_used(self) -> bool:
        return bool(self._left) or self._is_followed()

    def hold(self, user: str) -> None:
        self._left.pop(_STARTER, None)
        self._left[user] = LEASE

    def leave(self, user: str) -> None:
        self._left.pop(user, None)
        self._changed.set()

    def end_if_unused(self) -> bool:
        self.has_ended = self.has_ended or not self.is_used
        return self.has_ended

    def look(self) -> None:
        """Time goes by."""
        self._left = {user: left - 1 for user, left in self._left.items() if left > 1}

    async def wait_until_unused(self) -> None:
        while not self.end_if_unused():
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), LOOK)
            except asyncio.TimeoutError:
                self.look()  # time for the next look
