"""Prompts that were written before, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable


class PromptWalk:
    """Walks back from what is being written, and forth again; whoever changes a text begins anew from there."""

    def __init__(self, prompts: Callable[[], Iterable[str]]) -> None:
        self._prompts = prompts  # the newest first
        self._walk: list[str] = []  # what is being written, then older and older
        self._place = 0

    def step(self, written: str, *, back: bool) -> str | None:
        """What to show in place of `written`; None where there is nothing more."""
        if not self._walk or self._walk[self._place] != written:
            older = (prompt for prompt in self._prompts() if prompt.strip() and prompt != written)
            self._walk, self._place = [written, *dict.fromkeys(older)], 0
        place = self._place + (1 if back else -1)
        if not 0 <= place < len(self._walk):
            return None
        self._place = place
        return self._walk[place]
