"""The engine as the docker sees it: connected when it is needed, watched, and brought back when it dies."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from enum import Enum
from typing import TypeVar

from acetate.client import api
from acetate.client.launcher import END_ENGINE, Launcher
from acetate.coroutines import Future, Loop
from acetate.language import mark
from acetate.protocol.connection import Connection
from acetate.protocol.errors import AccessError, AcetateError, EngineStartFailed, EngineUnreachable
from acetate.protocol.events import Health, ModelInfo
from acetate.session.observable import Observable

T = TypeVar("T")

BACK_OFF = (0.0, 0.5, 2.0)  # seconds before each attempt to bring the engine back


class EngineState(str, Enum):
    """The values are for the painter."""

    OFF = mark("Engine: starts when it is needed")
    STARTING = mark("Engine: starting")
    READY = mark("Engine: ready")
    LOST = mark("Engine: lost, starting again")
    FAILED = mark("Engine: not running")


class EngineLink:
    """On the GUI thread; what blocks goes to threads."""

    def __init__(self, loop: Loop, launcher: Launcher) -> None:
        self.state = Observable(EngineState.OFF)
        self.models: Observable[tuple[ModelInfo, ...]] = Observable(())  # that are installed; empty before it is known
        self.troubles: Observable[tuple[str, ...]] = Observable(())  # what does not work as it should, in its words
        self.uploaded: set[str] = set()  # digests that this engine has
        self._loop = loop
        self._launcher = launcher
        self._connection: Connection | None = None
        self._connecting: Future[Connection] | None = None

    async def connection(self) -> Connection:
        """The running engine, started where it is not running. Raises EngineError or VersionMismatch."""
        if self._connection:
            return self._connection
        if self._connecting is None:
            self._connecting = self._loop.run(self._connect())
        return await self._connecting

    async def call(self, function: Callable[[Connection], T]) -> T:
        """`function` of the connection, in a thread; again where the engine dies in the middle of it."""
        for delay in BACK_OFF:
            connection = await self.connection()
            try:
                return await self._loop.thread(lambda: function(connection))  # noqa: B023  # awaited in this round
            except (EngineUnreachable, AccessError) as error:  # AccessError: another engine has the port by now
                failed = error
            self.lose(connection)
            await self._pause(delay)
        raise failed

    async def list_models(self) -> None:
        """Anew, where it runs: their files may have come or gone."""
        if self.state.value is EngineState.READY:
            self._know(await self.call(api.models))

    def lose(self, connection: Connection) -> None:
        """Takes note that this engine is gone; the next call brings up another."""
        if self._connection == connection:
            self._connection = None
            self.state.value = EngineState.LOST

    def stop(self) -> None:
        """Ends the engine with Krita, if it was started from here."""
        self._launcher.stop()

    def end_own(self) -> None:
        """Ends the engine that was started from here, for a while: blocking, for a thread."""
        self._launcher.end_own()

    async def _connect(self) -> Connection:
        self.state.value = EngineState.STARTING
        try:
            connection = await self._attempts()
        except AcetateError:
            self.state.value = EngineState.FAILED
            raise
        finally:
            self._connecting = None
        self._connection = connection
        self.uploaded.clear()
        self.state.value = EngineState.READY
        self._loop.run(self._watch(connection))
        return connection

    async def _attempts(self) -> Connection:
        for delay in BACK_OFF:
            await self._pause(delay)
            try:
                return await self._attempt()
            except (EngineStartFailed, EngineUnreachable, AccessError) as error:
                failed = error
        raise failed

    async def _attempt(self) -> Connection:
        connection = await self._loop.thread(self._launcher.connect)
        try:
            found = await self._loop.thread(lambda: api.models(connection))  # with the token, which /health needs not
        except AccessError as error:
            raise AccessError(error.detail, END_ENGINE.format(pid=connection.pid)) from error
        self._know(found)
        return connection

    def _know(self, models: Sequence[ModelInfo]) -> None:
        self.models.value = tuple(model for model in models if model.installed)

    async def _watch(self, connection: Connection) -> None:
        try:
            await self._loop.thread(lambda: self._launcher.wait_until_gone(connection, self._hear))
        except Exception:  # noqa: BLE001  # whatever it is: nobody watches any more, so it counts as gone
            traceback.print_exc()
        if self._connection != connection:
            return  # somebody else has noticed, and brings it back
        self.lose(connection)
        if self._launcher.has_started(connection) and not self._launcher.is_stopped:
            await self.connection()

    def _hear(self, health: Health) -> None:
        """In a thread."""
        if health.reasons != self.troubles.value:
            self._loop.post(lambda: setattr(self.troubles, "value", health.reasons))

    async def _pause(self, seconds: float) -> None:
        if seconds:
            await self._loop.sleep(seconds)
