"""What the painter tries: an error of it is shown, for as long as it holds."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Coroutine
from typing import Any

from acetate.coroutines import Future, Loop
from acetate.host import Document, until_idle
from acetate.protocol.errors import AcetateError
from acetate.session.messages import AT_WORK, Message, unexpected
from acetate.session.observable import Observable

_PATIENCE = 1.0  # seconds; what goes on longer is no stroke's end


class Attempts:
    def __init__(self, loop: Loop) -> None:
        self.message: Observable[Message] = Observable(None)
        self._loop = loop
        self._asked: Callable[[], object] | None = None  # what was refused last
        self._refusal: AcetateError | None = None

    def attempt(self, action: Callable[[], None]) -> None:
        """An error of it is shown."""
        self.message.value = None
        try:
            action()
        except AcetateError as error:
            self._refusal = self.message.value = error

    def run(self, coroutine: Coroutine[Future[Any], None, object]) -> None:
        """Starts it; an error of it is shown."""
        outcome = self._loop.run(coroutine)
        outcome.then(lambda: self._show_error(outcome))

    async def until_idle(self, document: Document, *, is_asked: bool) -> None:
        """What is waited for is shown, where it lasts: an open transform lasts until the painter applies it."""
        waiting = self._loop.run(until_idle(document, self._loop, is_asked=is_asked))
        if not waiting.is_settled:
            self._loop.run(self._tell_of(waiting))
        await waiting

    async def _tell_of(self, waiting: Future[None]) -> None:
        await self._loop.sleep(_PATIENCE)
        if waiting.is_settled:
            return
        before, self.message.value = self.message.value, AT_WORK
        await waiting
        if self.message.value is AT_WORK:
            self.message.value = before

    def forget_refusal(self) -> None:
        """What it was about has changed."""
        if self._refusal is not None and self.message.value is self._refusal:
            self.message.value = None

    def recheck(self) -> None:
        """Takes a refusal away whose cause is gone."""
        if self._asked is None or self._refusal is None or self.message.value is not self._refusal:
            return
        try:
            self._asked()
        except AcetateError:
            return  # what was wrong still is, and is still shown
        self.message.value = None

    def _show_error(self, outcome: Future[Any]) -> None:
        try:
            outcome.result()
        except AcetateError as error:
            self.message.value = error
        except Exception as error:  # noqa: BLE001  # a bug: the painter sees it, and the log has the traceback
            traceback.print_exception(error)
            self.message.value = unexpected(error)
