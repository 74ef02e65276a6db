"""What the engine has made: its layers, and the history that lists them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum

from acetate.client import api
from acetate.coroutines import Loop
from acetate.picture import Picture
from acetate.protocol.errors import AcetateError, RequestError
from acetate.protocol.events import Done, JobState, JobStatus, LayerResult
from acetate.protocol.filing import Filing
from acetate.protocol.requests import GenerateRequest
from acetate.protocol.tasks import LayerRole
from acetate.session.engine_link import EngineLink
from acetate.session.history import SCREEN, THUMBNAIL, Alternative, History, HistoryEntry, thumbnail
from acetate.session.jobs import Job


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
            picture = await self._fetch(result.job, result.layers[-1].index, SCREEN)
        except AcetateError:
            return None  # only hovered over: a click tells what is wrong
        return await self._loop.thread(lambda: thumbnail(picture, SCREEN))

    async def _recall(self, result: Alternative, filing: Filing) -> None:
        if self._history.has(result) or self._history.is_cut.value:
            return
        top = result.layers[-1]
        try:
            picture = await self._fetch(result.job, top.index, THUMBNAIL)
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

    async def remember(self, result: Alternative) -> tuple[Picture, ...]:
        """Fetches the layers, and lists them in the history if they are new there."""
        pictures = tuple([await self._fetch(result.job, layer.index) for layer in result.layers])
        if not self._history.has(result):
            small = await self._loop.thread(lambda: thumbnail(pictures[-1]))
            self._history.add(HistoryEntry(result, small, Filing(result.document)))
        return pictures

    async def _fetch(self, job: str, index: int, longest: int | None = None) -> Picture:
        return await self._engine.call(lambda connection: api.layer(connection, job, index, longest))


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
