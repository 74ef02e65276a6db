"""From the engine's layers to the canvas and the history."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from acetate.client import api
from acetate.coroutines import Lock, Loop
from acetate.host import Document, Insertion, NewLayer
from acetate.picture import Picture
from acetate.protocol.events import Done, JobState, LayerResult
from acetate.protocol.geometry import Extent
from acetate.protocol.requests import GenerateRequest
from acetate.protocol.tasks import LayerRole
from acetate.session.engine import Engine
from acetate.session.history import Entry, History, Result, thumbnail
from acetate.session.jobs import Job
from acetate.session.views import Place

RECALLED = 8  # jobs of earlier sessions; each has to be fetched for its thumbnail


@dataclass(frozen=True)
class Placed:
    """What came of inserting a result."""

    result: Result
    layers: tuple[str, ...]  # ids, in the order of the result's layers
    notes: tuple[str, ...] = ()  # what was done otherwise than asked


class Results:
    def __init__(self, loop: Loop, engine: Engine, history: History) -> None:
        self._loop = loop
        self._engine = engine
        self._history = history
        self._attaching = Lock()  # a host may handle events while it attaches: another could begin within

    async def recall(self) -> None:
        """Lists what the engine made before this session: nothing is lost when Krita ends during a job."""
        for status in reversed(await self._engine.call(lambda connection: api.recent(connection, RECALLED))):
            if status.state is JobState.DONE and status.request:
                for result in reversed(_results(status.id, status.request, status.layers)):
                    await self.remember(result)

    async def take(self, job: Job, done: Done, document: Document, place: Place) -> Placed:
        """Lists every alternative in the history, and inserts the first.

        Raises DocumentError where the document has changed so that it has no place there.
        """
        first = await self.list(job, done)
        return await self.insert(first, document, place, document.extent)

    async def list(self, job: Job, done: Done) -> Result:
        """Lists every alternative but the first in the history; gives the first."""
        first, *others = _results(job.id, job.request, done.layers)
        for result in reversed(others):
            await self.remember(result)
        return first

    async def replace(self, result: Result, document: Document, layer: str, mask: Picture | None) -> Placed:
        """Puts the only layer of `result` in the place of `layer`, in one undo step; outside of `mask` bytes stay.

        Raises DocumentError where the layer is gone or locked.
        """
        (picture,), (made,) = await self.remember(result), result.layers
        replacement = document.replacement(layer, NewLayer(made.name, made.bounds, picture), mask)
        try:
            await self._loop.thread(replacement.fill)
            async with self._attaching:
                copy = await replacement.attach(self._loop)
        finally:
            replacement.discard()
        return Placed(result, (copy,))

    async def insert(self, result: Result, document: Document, place: Place, expected: Extent | None) -> Placed:
        """One undo step. `expected` is the size that the canvas must have still; None where any will do."""
        pictures = await self.remember(result)
        layers = zip(result.layers, pictures, strict=True)
        insertion = document.insertion([NewLayer(layer.name, layer.bounds, picture) for layer, picture in layers])
        notes = await self.put(insertion, place, result.name, expected)
        return Placed(result, insertion.ids, notes)

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

    async def remember(self, result: Result) -> tuple[Picture, ...]:
        """Fetches the layers, and lists them in the history if they are new there."""
        pictures = tuple([await self._fetch(result.job, layer.index) for layer in result.layers])
        if result not in [entry.result for entry in self._history.entries]:
            self._history.add(Entry(result, await self._loop.thread(lambda: thumbnail(pictures[-1]))))
        return pictures

    async def _fetch(self, job: str, index: int) -> Picture:
        return await self._engine.call(lambda connection: api.layer(connection, job, index))


def _results(job: str, request: GenerateRequest, layers: Iterable[LayerResult]) -> list[Result]:
    """One result an alternative. A blended picture beside its own layers would only repeat them."""
    images: dict[int, list[LayerResult]] = {}
    for layer in layers:
        images.setdefault(layer.image, []).append(layer)
    return [Result(job, request, _without_blended(members)) for members in images.values()]


def _without_blended(layers: list[LayerResult]) -> tuple[LayerResult, ...]:
    kept = tuple(layer for layer in layers if layer.role is not LayerRole.BLENDED)
    return kept or tuple(layers)
