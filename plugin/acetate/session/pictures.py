"""From the pickers to views of the document, from those to pictures: the one list of what a request is to see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from acetate.coroutines import Loop
from acetate.host import Document, until_idle
from acetate.language import mark
from acetate.picture import Picture
from acetate.protocol.errors import DocumentError
from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import GenerateRequest, Role, Slot
from acetate.session.settings import ACTIVE, BELOW, CANVAS, NONE, UP_TO, Picked
from acetate.session.views import Place, Show, View

Pictures = Mapping[Slot, Picture]


class Readable(Protocol):
    """What gives a mask: a selection, or the one that a layer was made with."""

    def read(self, bounds: Bounds) -> Picture: ...


class Absent(str, Enum):
    """What becomes of a picture on which there is nothing, and of one whose layers are gone."""

    REFUSED = "refused"
    SENT = "sent"  # empty as it is; of what is gone the request may have a digest: it has been read before
    LEFT_OUT = "left out"


@dataclass(frozen=True)
class Source:
    """Where a picture of a request comes from: some layers, or a selection."""

    slot: Slot
    source: View | Readable
    bounds: Bounds | None  # canvas pixels; all that the layers cover where None
    absent: Absent = Absent.REFUSED


@dataclass(frozen=True)
class Draft:
    """A request whose pictures are still to be read. Equal drafts of an unchanged canvas make equal layers."""

    request: GenerateRequest
    sources: tuple[Source, ...] = ()

    def check(self) -> None:
        """Raises InvalidRequest where it cannot be done as asked."""
        self.request.validate([source.slot for source in self.sources])

    async def read(self, document: Document, loop: Loop) -> tuple[GenerateRequest, Pictures]:
        """The request with the digests of what the canvas shows now, and the pictures.

        Raises DocumentError where a chosen layer is empty, InvalidRequest where what it needs is gone.
        """
        pictures = await read(self.sources, document, loop)
        request = self.request.with_pictures({slot: picture.digest for slot, picture in pictures.items()})
        request.validate()
        return request, pictures

    @property
    def layer_views(self) -> list[View]:
        return [source.source for source in self.sources if isinstance(source.source, View)]

    def views(self, role: Role) -> tuple[View | None, ...]:
        """Of all slots of this role; None where a picture is known by its digest only."""
        found = {source.slot.index: source.source for source in self.sources if source.slot.role is role}
        count = {Role.HINT: len(self.request.control), Role.LOOK: len(self.request.image_prompts)}.get(role, 1)
        views = (found.get(index) for index in range(count))
        return tuple(view if isinstance(view, View) else None for view in views)


def sources(role: Role, views: Iterable[View | None], bounds: Bounds | None, absent: Absent) -> list[Source]:
    """Numbered as they come, without those that are None."""
    return [Source(Slot(role, index), view, bounds, absent) for index, view in enumerate(views) if view]


async def read(wanted: Iterable[Source], document: Document, loop: Loop) -> dict[Slot, Picture]:
    """Hashed, too. What is absent and may be is not there."""
    found = {source.slot: await _read(source, document, loop) for source in wanted}
    return {slot: picture for slot, picture in found.items() if picture is not None}


async def _read(source: Source, document: Document, loop: Loop) -> Picture | None:
    document.check_open()
    if isinstance(source.source, View):
        picture = await _read_view(source, source.source, document, loop)
    else:
        picture = await _read_mask(source.source, source.bounds or document.bounds, loop)
    if picture is not None:
        await loop.thread(lambda: picture.digest)
    return picture


async def _read_mask(mask: Readable, bounds: Bounds, loop: Loop) -> Picture:
    return await loop.thread(lambda: mask.read(bounds))


async def _read_view(source: Source, view: View, document: Document, loop: Loop) -> Picture | None:
    await until_idle(document, loop)
    document.check_open()
    try:
        bounds = source.bounds or document.layer_bounds(view.layers)
        snapshot = document.snapshot(view)
    except DocumentError:
        if source.absent is Absent.REFUSED:
            raise
        return None
    try:
        picture = await loop.thread(lambda: snapshot.read(bounds))
    finally:
        snapshot.close()
    if source.absent is Absent.SENT or not await loop.thread(lambda: is_empty(picture)):
        return picture
    if source.absent is Absent.LEFT_OUT:
        return None
    raise DocumentError(f"{_ROLES[source.slot.role]} is empty there", _REMEDY[view.show])


_ROLES: Mapping[Role, str] = {
    Role.BACKGROUND: mark("the background"),
    Role.FOREGROUND: mark("the foreground"),
    Role.HINT: mark("the layer to follow"),
    Role.LOOK: mark("the layer to look like"),
    Role.LAYER: mark("the layer of the stack"),
}
_CHOOSE = mark("Choose a layer that has pixels there, or select another region.")
_REMEDY: Mapping[Show, str] = {
    Show.BELOW: mark("Choose “Whole canvas”, or make a layer active that has something below it."),
    Show.UP_TO: _CHOOSE,
    Show.EVERYTHING: mark("Paint something, or choose another region."),
    Show.ONLY: _CHOOSE,
    Show.INSIDE: _CHOOSE,
    Show.BARE: _CHOOSE,
}


def view_of(picked: Picked, document: Document, place: Place, alone: Show = Show.ONLY) -> View | None:
    """What a picker says. `alone`: how chosen layers are shown.

    “Layers below” of the lowest layer is that layer: a new layer goes above it, and there is nothing else.
    """
    anchor = (place.anchor,)
    if picked == (BELOW,):
        return View(Show.ONLY if document.is_lowest(place.anchor) else Show.BELOW, anchor)
    fixed = {
        (NONE,): None,
        (UP_TO,): View(Show.UP_TO, anchor),
        (CANVAS,): View(Show.EVERYTHING),
        (ACTIVE,): View(alone, anchor),
    }
    return fixed[picked] if picked in fixed else View(alone, picked)


def is_empty(picture: Picture) -> bool:
    """Whether no pixel of a picture with alpha is visible."""
    pixel = picture.format.bytes_per_pixel
    return not any(any(strip[pixel - 1 :: pixel]) for strip in picture.strips)  # RGBA16: the high byte of alpha
