"""What becomes of a result: new layers, or another version in the place of a layer. A stack is one more way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from acetate.coroutines import Lock, Loop
from acetate.host import Document, Insertion, NewLayer, until_idle
from acetate.language import mark
from acetate.picture import Picture
from acetate.protocol.errors import DocumentError
from acetate.protocol.events import Done
from acetate.protocol.geometry import Bounds, Extent
from acetate.protocol.requests import GenerateRequest, Role, Slot
from acetate.protocol.tasks import LayerRole
from acetate.session.following import CanvasGeometry, Change, check_fits, fitted, follow
from acetate.session.history import Alternative
from acetate.session.jobs import Job
from acetate.session.pictures import Pictures
from acetate.session.results import Results
from acetate.session.views import Place

MOVED = mark("It would have lain beside this canvas, and was moved onto it.")


@dataclass(frozen=True)
class Seen:
    """What a job was made from."""

    pictures: Pictures
    geometry: CanvasGeometry  # of the document when they were read


@dataclass(frozen=True)
class Placed:
    """What came of inserting a result."""

    result: Alternative
    layers: tuple[str, ...]  # ids, in the order of the result's layers
    notes: tuple[str, ...] = ()  # what was done otherwise than asked
    boxes: Mapping[str, Bounds] = field(default_factory=dict)  # what the layers cover, by id


class Delivery(Protocol):
    async def deliver(self, job: Job, done: Done, seen: Seen) -> Placed:
        """Raises DocumentError where the document has changed so that the result has no place there."""
        ...


class Placing:
    """Puts results into documents, one at a time."""

    def __init__(self, loop: Loop, results: Results) -> None:
        self.loop = loop
        self.results = results
        self._attaching = Lock()  # a host attaches in turns: another could begin in between

    async def replace(
        self, result: Alternative, document: Document, layer: str, mask: Picture | None, before: CanvasGeometry
    ) -> Placed:
        """Puts the only layer of `result` in the place of `layer`, in one undo step; outside of `mask` bytes stay.

        Raises DocumentError where the layer is gone or locked.
        """
        pictures = await self.results.remember(result)
        (new,), notes, change = await self._placed(result, pictures, document, before)
        shape = await self.loop.thread(lambda: _changed(mask, change, new.bounds.extent, document)) if mask else None
        await until_idle(document, self.loop)
        replacement = document.replacement(layer, new, shape)
        try:
            await self.loop.thread(replacement.fill)
            async with self._attaching:
                copy = await replacement.attach(self.loop)
        finally:
            replacement.discard()
        return Placed(result, (copy,), notes, await self.boxes(document, (copy,)))

    async def replace_with(self, result: Alternative, document: Document, layer: str) -> Placed:
        """As `replace`, of a result that was made for something else."""
        if len(result.layers) > 1:
            raise DocumentError(
                f"the result has {len(result.layers)} layers, and cannot take the place of one", "Insert it above."
            )
        document.check_unlocked(layer)
        return await self.replace(result, document, layer, None, await geometry_of(document, self.loop))

    async def insert(
        self,
        result: Alternative,
        document: Document,
        place: Place,
        before: CanvasGeometry | None,
        *,
        is_masked: bool = False,
    ) -> Placed:
        """One undo step. `before`: how the document was when the result was asked for, whose changes it follows.

        Where None, it is brought onto the canvas, wherever it was made. `is_masked`: what is transparent becomes
        opaque, with a mask.
        """
        layers, notes, _ = await self.placed(result, document, before)
        if is_masked:
            layers = await self.loop.thread(lambda: _masked(layers, result))
        await until_idle(document, self.loop)
        insertion = document.insertion(layers)
        more = await self.put(insertion, place, result.name, document.current_extent())
        boxes = await self.boxes(document, insertion.ids)
        return Placed(result, insertion.ids, (*notes, *more), boxes)

    async def boxes(self, document: Document, layers: Sequence[str]) -> dict[str, Bounds]:
        """What they cover now: looked at beside the GUI thread. One that was undone already is left out.

        Raises DocumentError where the document was closed meanwhile: whatever is kept with it then would end Krita.
        """
        document.check_open()
        boxes = await self.loop.thread(lambda: document.layer_boxes(layers))
        document.check_open()
        return boxes

    async def placed(
        self, result: Alternative, document: Document, before: CanvasGeometry | None
    ) -> tuple[list[NewLayer], tuple[str, ...], Change]:
        """Its layers, where they belong on the canvas as it is now. Raises DocumentError where that is not known."""
        pictures = await self.results.remember(result)
        return await self._placed(result, pictures, document, before)

    async def _placed(
        self, result: Alternative, pictures: tuple[Picture, ...], document: Document, before: CanvasGeometry | None
    ) -> tuple[list[NewLayer], tuple[str, ...], Change]:
        document.check_open()
        covered = Bounds.around(layer.bounds for layer in result.layers)
        if before is None:
            change, notes = _fitted(covered, document)
        else:
            now = await geometry_of(document, self.loop, before)
            document.check_open()
            change = follow(before, now)
            check_fits(change, covered, now)
            notes = change.notes
        pairs = list(zip(result.layers, pictures, strict=True))
        layers = await self.loop.thread(
            lambda: [
                NewLayer(
                    layer.name, box, _changed(picture, change, box.extent, document), layer.role is LayerRole.LIGHT
                )
                for layer, picture in pairs
                for box in [change.bounds(layer.bounds)]
            ]
        )
        return layers, notes, change

    async def put(self, insertion: Insertion, place: Place, name: str, expected: Extent | None) -> tuple[str, ...]:
        """Fills, attaches and shows it, one at a time; gives and raises what `Insertion.attach` does."""
        try:
            await self.loop.thread(insertion.fill)
            async with self._attaching:
                return await insertion.attach(self.loop, place, name, expected)
        except BaseException:
            insertion.discard()
            raise


@dataclass(frozen=True)
class NewLayers:
    """The first alternative as a new layer, or a group of new layers, at a place; the others in the history."""

    placing: Placing
    document: Document
    place: Place
    is_masked: bool = False

    async def deliver(self, job: Job, done: Done, seen: Seen) -> Placed:
        first = await self.placing.results.list_others(job, done)
        return await self.placing.insert(first, self.document, self.place, seen.geometry, is_masked=self.is_masked)


@dataclass(frozen=True)
class InPlace:
    """The first alternative in the place of a layer."""

    placing: Placing
    document: Document
    layer: str

    async def deliver(self, job: Job, done: Done, seen: Seen) -> Placed:
        first = await self.placing.results.list_others(job, done)
        mask = await self.placing.loop.thread(lambda: mask_of_bounds(job.request, seen.pictures))
        return await self.placing.replace(first, self.document, self.layer, mask, seen.geometry)


@dataclass(frozen=True)
class AsSelection:
    """The first alternative as the selection of the document."""

    placing: Placing
    document: Document

    async def deliver(self, job: Job, done: Done, seen: Seen) -> Placed:
        first = await self.placing.results.list_others(job, done)
        (picture,) = await self.placing.results.remember(first)
        coverage = await self.placing.loop.thread(picture.coverage)
        await until_idle(self.document, self.placing.loop)
        self.document.check_open()
        self.document.set_selection(coverage, first.layers[0].bounds)
        return Placed(first, ())


async def geometry_of(document: Document, loop: Loop, before: CanvasGeometry | None = None) -> CanvasGeometry:
    """As it is now. Where nothing was done to the canvas as a whole since `before`, layers need not be looked at."""
    extent, steps = document.current_extent(), document.image_steps()
    is_same = before is not None and steps is not None and (before.extent, before.steps) == (extent, steps)
    return CanvasGeometry(extent, {} if is_same else await loop.thread(document.boxes), steps)


def _masked(layers: Sequence[NewLayer], result: Alternative) -> list[NewLayer]:
    """Those with transparency of their own: opaque, and it as a mask. Takes long: in a thread."""
    roles = [made.role for made in result.layers]
    return [
        replace(layer, picture=layer.picture.opaque(), coverage=layer.picture.coverage())
        if role is LayerRole.FOREGROUND
        else layer
        for layer, role in zip(layers, roles, strict=True)
    ]


def _fitted(covered: Bounds, document: Document) -> tuple[Change, tuple[str, ...]]:
    shift = fitted(covered, Bounds.of(document.current_extent()))
    notes = (MOVED,) if shift != (0, 0) else ()
    return Change(document.current_extent(), shift=shift), notes


def _changed(picture: Picture, change: Change, extent: Extent, document: Document) -> Picture:
    """Takes long: in a thread."""
    turned = change.turn.picture(picture)
    return turned if turned.extent == extent else document.scaled(turned, extent)


def mask_of_bounds(request: GenerateRequest, pictures: Pictures) -> Picture | None:
    """Takes long: in a thread."""
    mask = pictures.get(Slot(Role.MASK))
    return mask.cropped(request.bounds.relative_to(request.covered)) if mask else None
