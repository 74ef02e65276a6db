"""What the docker shows as “will be sent”: small pictures, and the digests of what they were made from."""

from __future__ import annotations

from dataclasses import dataclass, replace

from acetate.coroutines import Loop
from acetate.krita.document import active_document
from acetate.picture import Picture
from acetate.protocol.errors import DocumentError
from acetate.session.conditions import Pictures
from acetate.session.history import thumbnail
from acetate.session.observable import Observable
from acetate.session.settings import Settings
from acetate.session.work import look

BACKGROUND, FOREGROUND, MASK, HINT, LOOK = "Background", "Foreground", "Selection", "Hint", "Look"


@dataclass(frozen=True)
class Shown:
    title: str
    digest: str  # of the whole picture, as the engine knows it
    thumbnail: Picture


class Sending:
    def __init__(self, loop: Loop, settings: Settings) -> None:
        self.shown: Observable[tuple[Shown, ...]] = Observable(())
        self._loop = loop
        self._settings = settings
        self._is_looking = False
        self._looks_again = False

    async def look(self) -> None:
        """Shows anew what would be sent. While that is being read, once more afterwards."""
        self._looks_again = self._is_looking
        if self._is_looking:
            return
        self._is_looking = True
        try:
            await self.show(await self._read())
            while self._looks_again:
                self._looks_again = False
                await self.show(await self._read())
        finally:
            self._is_looking = False

    async def _read(self) -> Pictures:
        """What cannot be read is not shown; why not, the press of the button says."""
        document = active_document()
        if document is None:
            return Pictures()
        try:
            region, conditions = look(self._settings, document, document.place())
            return await replace(conditions, allows_empty=True).read(document, region.context, self._loop)
        except DocumentError:
            return Pictures()

    async def show(self, pictures: Pictures) -> None:
        """Pictures whose digests are known."""
        named = [(BACKGROUND, pictures.background), (FOREGROUND, pictures.foreground), (MASK, pictures.mask)]
        named += [(HINT, picture) for picture in pictures.controls] + [(LOOK, picture) for picture in pictures.looks]
        there = [(title, picture) for title, picture in named if picture is not None]
        self.shown.value = await self._loop.thread(
            lambda: tuple(Shown(title, picture.digest, thumbnail(picture)) for title, picture in there)
        )
