"""What the engine keeps, and for how long: shown and set."""

from __future__ import annotations

from acetate.client import api
from acetate.protocol.events import Storage
from acetate.session.engine_link import EngineLink
from acetate.session.observable import Observable


class Storing:
    def __init__(self, engine: EngineLink) -> None:
        self.storage: Observable[Storage | None] = Observable(None)  # None until the engine has told
        self._engine = engine

    async def look(self) -> None:
        """Raises EngineError."""
        self.storage.value = await self._engine.call(api.storage)

    async def keep(self, limit: int, days: float) -> None:
        """At most so many bytes, for so many days. Raises InvalidRequest, EngineError."""
        self.storage.value = await self._engine.call(lambda connection: api.set_storage(connection, limit, days))
