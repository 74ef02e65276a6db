"""Which layers condition what: from the pickers to views of the document, and from those to uploaded pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from acetate.canvas.document import OpenDocument, Place
from acetate.canvas.reading import Show, Snapshot, View
from acetate.canvas.selection import Mask
from acetate.coroutines import Loop
from acetate.model.settings import ACTIVE, BELOW, CANVAS, NONE, Digests
from acetate.picture import Picture
from acetate.protocol.errors import DocumentError
from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import Task


@dataclass(frozen=True)
class Pictures:
    """What a request names by digest."""

    background: Picture | None = None
    foreground: Picture | None = None
    mask: Picture | None = None

    @property
    def digests(self) -> Digests:
        """Hashes at the first call: make it in a thread."""
        return Digests(*(picture.digest if picture else None for picture in self.all))

    @property
    def all(self) -> tuple[Picture | None, ...]:
        return self.background, self.foreground, self.mask


@dataclass(frozen=True)
class Conditions:
    """What is to be read from the canvas for a task."""

    background: View | None
    foreground: View | None
    wants_mask: bool
    allows_empty: bool  # the identity task gives back whatever there is

    @property
    def placeholders(self) -> Digests:
        """Stand in for pictures that are not read yet, so that a request can be validated at once."""
        some = "0" * 64
        return Digests(
            some if self.background else None, some if self.foreground else None, some if self.wants_mask else None
        )

    async def read(self, document: OpenDocument, bounds: Bounds, loop: Loop) -> Pictures:
        """Raises DocumentError where a chosen layer is empty in `bounds`."""
        mask = Mask(document) if self.wants_mask else None
        background = await self._read_view(document, self.background, bounds, loop, "background")
        foreground = await self._read_view(document, self.foreground, bounds, loop, "foreground")
        pictures = Pictures(background, foreground, await loop.thread(lambda: mask.read(bounds)) if mask else None)
        await loop.thread(lambda: pictures.digests)
        return pictures

    async def _read_view(
        self, document: OpenDocument, view: View | None, bounds: Bounds, loop: Loop, role: str
    ) -> Picture | None:
        if view is None:
            return None
        document.check_open()
        snapshot = Snapshot(document, view)
        try:
            picture = await loop.thread(lambda: snapshot.read(bounds))
            if not self.allows_empty and await loop.thread(lambda: is_empty(picture)):
                raise DocumentError(f"the {role} is empty in {bounds}", _REMEDY[view.show])
        finally:
            snapshot.close()
        return picture


_REMEDY: Mapping[Show, str] = {
    Show.BELOW: "Choose “Whole canvas”, or make a layer active that has something below it.",
    Show.EVERYTHING: "Paint something, or choose another region.",
    Show.ONLY: "Choose a layer that has pixels there, or select another region.",
}


def conditions(task: Task, background: str, foreground: str, place: Place) -> Conditions:
    """What the pickers say, as far as the task uses it."""
    return Conditions(
        background=_view(background, place) if task.needs_background else None,
        foreground=_view(foreground, place) if task.needs_foreground else None,
        wants_mask=task.needs_mask,
        allows_empty=task is Task.IDENTITY,
    )


def _view(choice: str, place: Place) -> View | None:
    fixed = {
        NONE: None,
        BELOW: View(Show.BELOW, place.anchor),
        CANVAS: View(Show.EVERYTHING),
        ACTIVE: View(Show.ONLY, place.anchor),
    }
    return fixed[choice] if choice in fixed else View(Show.ONLY, choice)


def is_empty(picture: Picture) -> bool:
    """Whether no pixel of a picture with alpha is visible."""
    pixel = picture.format.bytes_per_pixel
    return not any(any(strip[pixel - 1 :: pixel]) for strip in picture.strips)  # RGBA16: the high byte of alpha
