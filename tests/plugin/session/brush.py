"""A painter who goes on painting, for the page that stands in for Krita."""

from __future__ import annotations

from collections.abc import Callable


class Brush:
    """Of a painter who does not stop: a stroke is under way at every other look, and begins anew in each turn."""

    def __init__(self, turn: Callable[[], int]) -> None:
        self._turn, self._looks, self._resting = turn, 0, -1

    def is_resting(self) -> bool:
        self._looks += 1
        self._resting = self._turn() if self._looks % 2 == 0 else -1
        return self._resting >= 0

    def check(self) -> None:
        """In the turn of a look that has found it at rest."""
        assert self._resting == self._turn(), "Krita might end by this: a stroke is under way"
