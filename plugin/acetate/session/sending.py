"""What the docker shows as “will be sent”: small pictures, and the digests of what they were made from."""

from __future__ import annotations

from dataclasses import dataclass, replace

from acetate.coroutines import Loop
from acetate.host import Host
from acetate.language import mark
from acetate.picture import Picture
from acetate.protocol.errors import DocumentError
from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import Role, Slot
from acetate.session.history import thumbnail
from acetate.session.observable import Observable
from acetate.session.pictures import Absent, Pictures, read
from acetate.session.settings import Settings
from acetate.session.work import draft_of

TITLES = {
    Role.BACKGROUND: mark("Background"),
    Role.FOREGROUND: mark("Foreground"),
    Role.MASK: mark("Selection"),
    Role.HINT: mark("Hint"),
    Role.LOOK: mark("Look"),
}


@dataclass(frozen=True)
class SentPicture:
    slot: Slot
    digest: str  # of the whole picture, as the engine knows it
    thumbnail: Picture
    covered: Bounds  # canvas pixels: of what the job looks at

    @property
    def title(self) -> str:
        return TITLES[self.slot.role]


class Sending:
    def __init__(self, loop: Loop, host: Host, settings: Settings) -> None:
        self.shown: Observable[tuple[SentPicture, ...]] = Observable(())
        self._loop = loop
        self._host = host
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
            await self.show(*await self._read())
            while self._looks_again:
                self._looks_again = False
                await self.show(*await self._read())
        finally:
            self._is_looking = False

    async def _read(self) -> tuple[Pictures, Bounds]:
        """What cannot be read is not shown; why not, the press of the button says."""
        document = self._host.active_document()
        if document is None:
            return {}, Bounds(0, 0, 0, 0)
        try:
            draft = draft_of(self._settings, document, document.place())
            wanted = [replace(source, absent=Absent.SENT) for source in draft.sources]
            return await read(wanted, document, self._loop), draft.request.covered
        except DocumentError:
            return {}, document.bounds  # nothing is shown; Generate says what is wrong

    async def show(self, pictures: Pictures, covered: Bounds) -> None:
        """Pictures whose digests are known, and what of the canvas they cover."""
        there = sorted(pictures.items(), key=lambda item: (list(TITLES).index(item[0].role), item[0].index))
        self.shown.value = await self._loop.thread(
            lambda: tuple(SentPicture(slot, picture.digest, thumbnail(picture), covered) for slot, picture in there)
        )
