"""What the docker shows as “will be sent”: small pictures, and the digests of what they were made from."""

from __future__ import annotations

from dataclasses import dataclass

from acetate.coroutines import Loop
from acetate.model.conditions import Pictures
from acetate.model.history import thumbnail
from acetate.model.observable import Observable
from acetate.picture import Picture

BACKGROUND, FOREGROUND, MASK, HINT, LOOK = "Background", "Foreground", "Selection", "Hint", "Look"


@dataclass(frozen=True)
class Shown:
    title: str
    digest: str  # of the whole picture, as the engine knows it
    thumbnail: Picture


class Sending:
    def __init__(self, loop: Loop) -> None:
        self.shown: Observable[tuple[Shown, ...]] = Observable(())
        self._loop = loop

    async def show(self, pictures: Pictures) -> None:
        """Pictures whose digests are known."""
        named = [(BACKGROUND, pictures.background), (FOREGROUND, pictures.foreground), (MASK, pictures.mask)]
        named += [(HINT, picture) for picture in pictures.controls] + [(LOOK, picture) for picture in pictures.looks]
        there = [(title, picture) for title, picture in named if picture is not None]
        self.shown.value = await self._loop.thread(
            lambda: tuple(Shown(title, picture.digest, thumbnail(picture)) for title, picture in there)
        )
