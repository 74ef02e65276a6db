"""The models page: what is there, what is missing, what is on its way."""

from __future__ import annotations

from collections.abc import Iterable

from acetate.client import api_library as api
from acetate.coroutines import Loop
from acetate.protocol.library import Library
from acetate.session.engine_link import EngineLink
from acetate.session.observable import Observable

_LOOK = 0.5  # seconds between two looks while something is on its way


class LibraryDesk:
    def __init__(self, loop: Loop, engine: EngineLink) -> None:
        self.shelves: Observable[Library | None] = Observable(None)  # None until the engine has told
        self._loop = loop
        self._engine = engine
        self._is_watching = False

    async def look(self) -> None:
        """Again and again as long as something is on its way. Raises EngineError."""
        self.shelves.value = await self._engine.call(api.library)
        if self._is_watching:
            return
        self._is_watching = True
        try:
            while self._is_busy:
                await self._loop.sleep(_LOOK)
                self.shelves.value = await self._engine.call(api.library)
        finally:
            self._is_watching = False
        await self._engine.list_models()  # what has come may be one

    @property
    def _is_busy(self) -> bool:
        shelves = self.shelves.value
        return shelves is not None and any(not each.state.is_final for each in shelves.downloads)

    async def fetch(self, names: Iterable[str]) -> None:
        for name in names:
            await self._engine.call(lambda connection, name=name: api.fetch(connection, name))  # type: ignore[misc]
        await self.look()

    async def cancel(self, name: str) -> None:
        """Or dismiss, where it has ended."""
        await self._engine.call(lambda connection: api.cancel_download(connection, name))
        await self.look()

    async def add(self, paths: Iterable[str], *, as_link: bool) -> None:
        """Files of this machine. Raises FileError, CheckpointError: the engine looks at each before it takes it."""
        for path in paths:
            await self._engine.call(
                lambda connection, path=path: api.add_file(connection, path, as_link=as_link)  # type: ignore[misc]
            )
        await self.look()

    async def use_folders(self, folders: Iterable[str]) -> None:
        """Of other programs; in place of those that were used."""
        wanted = list(folders)
        self.shelves.value = await self._engine.call(lambda connection: api.set_folders(connection, wanted))
        await self._engine.list_models()
