"""From the engine's layers to the canvas and the history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from acetate.client import api
from acetate.coroutines import Lock, Loop
from acetate.host import Document, Insertion, NewLayer
from acetate.language import mark
from acetate.picture import Picture
from acetate.protocol.errors import AcetateError, DocumentError, RequestError
from acetate.protocol.events import Done, JobState, JobStatus, LayerResult
from acetate.protocol.filing import Filing
from acetate.protocol.geometry import Bounds, Extent
from acetate.protocol.requests import GenerateRequest
from acetate.protocol.tasks import LayerRole
from acetate.session.engine_link import EngineLink
from acetate.session.following import CanvasGeometry, Change, check_fits, fitted, follow
from acetate.session.history import SCREEN, Alternative, History, HistoryEntry, thumbnail
from acetate.session.jobs import Job
from acetate.session.views import Place

MOVED = mark("It would have lain beside this canvas, and was moved onto it.")


@dataclass(frozen=True)
class Placed:
    """What came of inserting a result."""

    result: Alternative
    layers: tuple[str, ...]  # ids, in the order of the result's layers
    notes: tuple[str, ...] = ()  # what was done otherwise than asked
    boxes: Mapping[str, Bounds] = field(default_factory=dict)  # what the layers cover, by id


async def geometry_of(document: Document, loop: Loop, before: CanvasGeometry | None = None) -> CanvasGeometry:
    """As it is now. Where nothing was done to the canvas as a whole since `before`, layers need not be looked at."""
    extent, steps = document.current_extent(), document.image_steps()
    is_same = before is not None and steps is not None and (before.extent, before.steps) == (extent, steps)
    return CanvasGeometry(extent, {} if is_same else await loop.thread(document.boxes), steps)


def _fitted(covered: Bounds, document: Document) -> tuple[Change, tuple[str, ...]]:
    shift = fitted(covered, Bounds.of(document.current_extent()))
    notes = (MOVED,) if shift != (0, 0) else ()
    return Change(document.current_extent(), shift=shift), notes


def _changed(picture: Picture, change: Change, extent: Extent, document: Document) -> Picture:
    """Takes long: in a thread."""
    turned = change.turn.picture(picture)
    return turned if turned.extent == extent else document.scaled(turned, extent)


class Apply(str, Enum):
    """Where a result goes that is chosen in the list."""

    ABOVE = "above"  # the active layer
    INSIDE = "inside"  # the active group
    REPLACE = "replace"  # the active layer


class Results:
    def __init__(self, loop: Loop, engine: EngineLink, history: History) -> None:
        self._loop = loop
        self._engine = engine
        self._history = history
        self._attaching = Lock()  # a host may handle events while it attaches: another could begin within

    async def recall(self, statuses: Sequence[JobStatus]) -> None:
        """Lists what was made before this session, the newest first: nothing is lost when Krita ends during a job."""
        for status in statuses:
            if status.state is JobState.DONE and status.request:
                for result in results_of(status.id, status.request, status.layers, status.filing.document):
                    if result.layers[-1].image not in status.filing.discarded:
                        await self._recall(result, status.filing)

    async def arrived(self, job: Job, done: Done) -> None:
        """Lists what came of a job that nothing waits for any more."""
        for result in reversed(results_of(job.id, job.request, done.layers, job.filing.document)):
            await self.remember(result)

    async def peek(self, result: Alternative) -> Picture | None:
        """Its topmost layer, no larger than a screen; None where the engine has it no more, or does not answer."""
        try:
            picture = await self._fetch(result.job, result.layers[-1].index)
        except AcetateError:
            return None  # only hovered over: a click tells what is wrong
        return await self._loop.thread(lambda: thumbnail(picture, SCREEN))

    async def _recall(self, result: Alternative, filing: Filing) -> None:
        if self._history.has(result):
            return
        top = result.layers[-1]
        try:
            picture = await self._fetch(result.job, top.index)
        except RequestError:
            return  # swept away
        entry = HistoryEntry(result, await self._loop.thread(lambda: thumbnail(picture)), filing)
        if not self._history.has(result):
            self._history.add_older(entry)

    async def list_others(self, job: Job, done: Done) -> Alternative:
        """Lists every alternative but the first in the history; gives the first."""
        first, *others = results_of(job.id, job.request, done.layers, job.filing.document)
        for result in reversed(others):
            await self.remember(result)
        return first

    async def replace(
        self, result: Alternative, document: Document, layer: str, mask: Picture | None, before: CanvasGeometry
    ) -> Placed:
        """Puts the only layer of `result` in the place of `layer`, in one undo step; outside of `mask` bytes stay.

        Raises DocumentError where the layer is gone or locked.
        """
        pictures = await self.remember(result)
        (new,), notes, change = await self._placed(result, pictures, document, before)
        shape = await self._loop.thread(lambda: _changed(mask, change, new.bounds.extent, document)) if mask else None
        replacement = document.replacement(layer, new, shape)
        try:
            await self._loop.thread(replacement.fill)
            async with self._attaching:
                copy = await replacement.attach(self._loop)
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
        return await self.replace(result, document, layer, None, await geometry_of(document, self._loop))

    async def insert(
        self, result: Alternative, document: Document, place: Place, before: CanvasGeometry | None
    ) -> Placed:
        """One undo step. `before`: how the document was when the result was asked for, whose changes it follows.

        Where None, it is brought onto the canvas, wherever it was made.
        """
        layers, notes, _ = await self.placed(result, document, before)
        insertion = document.insertion(layers)
        more = await self.put(insertion, place, result.name, document.current_extent())
        boxes = await self.boxes(document, insertion.ids)
        return Placed(result, insertion.ids, (*notes, *more), boxes)

    async def boxes(self, document: Document, layers: Sequence[str]) -> dict[str, Bounds]:
        """What they cover now: looked at beside the GUI thread. One that was undone already is left out."""

        def look() -> dict[str, Bounds]:
            there = document.node_ids()
            return {layer: document.layer_box(layer) for layer in layers if layer in there}

        return await self._loop.thread(look)

    async def placed(
        self, result: Alternative, document: Document, before: CanvasGeometry | None
    ) -> tuple[list[NewLayer], tuple[str, ...], Change]:
        """Its layers, where they belong on the canvas as it is now. Raises DocumentError where that is not known."""
        pictures = await self.remember(result)
        return await self._placed(result, pictures, document, before)

    async def _placed(
        self, result: Alternative, pictures: tuple[Picture, ...], document: Document, before: CanvasGeometry | None
    ) -> tuple[list[NewLayer], tuple[str, ...], Change]:
        document.check_open()
        covered = Bounds.around(layer.bounds for layer in result.layers)
        if before is None:
            change, notes = _fitted(covered, document)
        else:
            now = await geometry_of(document, self._loop, before)
            change = follow(before, now)
            check_fits(change, covered, now)
            notes = change.notes
        pairs = list(zip(result.layers, pictures, strict=True))
        layers = await self._loop.thread(
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
            await self._loop.thread(insertion.fill)
            async with self._attaching:
                notes = insertion.attach(place, name, expected)
                if insertion.needs_refresh:
                    await self._loop.thread(insertion.refresh)
                return notes
        except BaseException:
            insertion.discard()
            raise

    async def remember(self, result: Alternative) -> tuple[Picture, ...]:
        """Fetches the layers, and lists them in the history if they are new there."""
        pictures = tuple([await self._fetch(result.job, layer.index) for layer in result.layers])
        if not self._history.has(result):
            small = await self._loop.thread(lambda: thumbnail(pictures[-1]))
            self._history.add(HistoryEntry(result, small, Filing(result.document)))
        return pictures

    async def _fetch(self, job: str, index: int) -> Picture:
        return await self._engine.call(lambda connection: api.layer(connection, job, index))


def results_of(
    job: str, request: GenerateRequest, layers: Iterable[LayerResult], document: str = ""
) -> list[Alternative]:
    """One result an alternative. A blended picture beside its own layers would only repeat them."""
    images: dict[int, list[LayerResult]] = {}
    for layer in layers:
        images.setdefault(layer.image, []).append(layer)
    return [Alternative(job, request, _without_blended(members), document) for members in images.values()]


def _without_blended(layers: list[LayerResult]) -> tuple[LayerResult, ...]:
    kept = tuple(layer for layer in layers if layer.role is not LayerRole.BLENDED)
    return kept or tuple(layers)
