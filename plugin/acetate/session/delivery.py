"""What becomes of a result: new layers, or another version in the place of a layer. A stack is one more way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from acetate.coroutines import Loop
from acetate.host import Document
from acetate.picture import Picture
from acetate.protocol.events import Done
from acetate.protocol.requests import GenerateRequest, Role, Slot
from acetate.session.following import CanvasGeometry
from acetate.session.jobs import Job
from acetate.session.pictures import Pictures
from acetate.session.results import Placed, Results
from acetate.session.views import Place


@dataclass(frozen=True)
class Seen:
    """What a job was made from."""

    pictures: Pictures
    geometry: CanvasGeometry  # of the document when they were read


class Delivery(Protocol):
    async def deliver(self, job: Job, done: Done, seen: Seen) -> Placed:
        """Raises DocumentError where the document has changed so that the result has no place there."""
        ...


@dataclass(frozen=True)
class NewLayers:
    """The first alternative as a new layer, or a group of new layers, at a place; the others in the history."""

    results: Results
    document: Document
    place: Place

    async def deliver(self, job: Job, done: Done, seen: Seen) -> Placed:
        first = await self.results.list_others(job, done)
        return await self.results.insert(first, self.document, self.place, seen.geometry)


@dataclass(frozen=True)
class InPlace:
    """The first alternative in the place of a layer."""

    results: Results
    document: Document
    layer: str
    loop: Loop

    async def deliver(self, job: Job, done: Done, seen: Seen) -> Placed:
        first = await self.results.list_others(job, done)
        mask = await self.loop.thread(lambda: mask_of_bounds(job.request, seen.pictures))
        return await self.results.replace(first, self.document, self.layer, mask, seen.geometry)


@dataclass(frozen=True)
class AsSelection:
    """The first alternative as the selection of the document."""

    results: Results
    document: Document
    loop: Loop

    async def deliver(self, job: Job, done: Done, seen: Seen) -> Placed:
        first = await self.results.list_others(job, done)
        (picture,) = await self.results.remember(first)
        coverage = await self.loop.thread(picture.coverage)
        self.document.check_open()
        self.document.set_selection(coverage, first.layers[0].bounds)
        return Placed(first, ())


def mask_of_bounds(request: GenerateRequest, pictures: Pictures) -> Picture | None:
    """Takes long: in a thread."""
    mask = pictures.get(Slot(Role.MASK))
    return mask.cropped(request.bounds.relative_to(request.covered)) if mask else None
