"""From the engine's layers to the canvas and the history."""

from __future__ import annotations

from collections.abc import Iterable

from acetate.canvas.document import OpenDocument, Place
from acetate.canvas.insertion import Insertion, NewLayer
from acetate.client import api
from acetate.coroutines import Lock, Loop
from acetate.model.engine import Engine
from acetate.model.history import Entry, History, Result, thumbnail
from acetate.model.jobs import Job
from acetate.picture import Picture
from acetate.protocol.events import Done, JobState, LayerResult, LayerRole
from acetate.protocol.geometry import Extent
from acetate.protocol.requests import GenerateRequest

RECALLED = 8  # jobs of earlier sessions; each has to be fetched for its thumbnail


class Results:
    def __init__(self, loop: Loop, engine: Engine, history: History) -> None:
        self._loop = loop
        self._engine = engine
        self._history = history
        self._attaching = Lock()  # Krita handles events while it attaches: another attachment could begin within

    async def recall(self) -> None:
        """Lists what the engine made before this session: nothing is lost when Krita ends during a job."""
        for status in reversed(await self._engine.call(lambda connection: api.recent(connection, RECALLED))):
            if status.state is JobState.DONE and status.request:
                for result in reversed(_results(status.id, status.request, status.layers)):
                    await self._remember(result)

    async def take(self, job: Job, done: Done, document: OpenDocument, place: Place) -> tuple[str, ...]:
        """Lists every alternative in the history, and inserts the first; gives what `Insertion.attach` gives.

        Raises DocumentError where the document has changed so that it has no place there.
        """
        first, *others = _results(job.id, job.request, done.layers)
        for result in reversed(others):
            await self._remember(result)
        return await self.insert(first, document, place, document.extent)

    async def insert(
        self, result: Result, document: OpenDocument, place: Place, expected: Extent | None
    ) -> tuple[str, ...]:
        """One undo step. `expected` is the size that the canvas must have still; None where any will do."""
        pictures = await self._remember(result)
        layers = zip(result.layers, pictures, strict=True)
        insertion = Insertion(document, [NewLayer(layer.name, layer.bounds, picture) for layer, picture in layers])
        try:
            await self._loop.thread(insertion.fill)
            async with self._attaching:
                return insertion.attach(place, result.name, expected)
        except BaseException:
            insertion.discard()
            raise

    async def _remember(self, result: Result) -> tuple[Picture, ...]:
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
