"""The way of a pixel: canvas → conditions → engine → layers → canvas. One session a docker."""

from __future__ import annotations

import traceback
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from typing import Any

from acetate.canvas.document import OpenDocument, Place, active_document
from acetate.canvas.insertion import Insertion, NewLayer
from acetate.canvas.selection import region
from acetate.client import api
from acetate.client.launcher import Launcher
from acetate.coroutines import Future, Loop, Post
from acetate.model.conditions import Conditions, Pictures, conditions
from acetate.model.engine import BACK_OFF, Engine, EngineState
from acetate.model.history import Entry, History, Result, thumbnail
from acetate.model.jobs import Job, Phase
from acetate.model.messages import ENGINE_LOST, Message, done_otherwise, unexpected
from acetate.model.observable import Observable, Signal
from acetate.model.settings import Settings
from acetate.picture import Picture
from acetate.protocol.connection import Connection
from acetate.protocol.errors import AcetateError, DocumentError, EngineUnreachable, UnknownImage
from acetate.protocol.events import Done, LayerResult, LayerRole
from acetate.protocol.geometry import Extent
from acetate.protocol.pixels import PixelFormat
from acetate.protocol.requests import GenerateRequest, Task


class Session:
    """On the GUI thread, which it never holds for longer than one of Krita's own calls takes."""

    def __init__(self, post: Post) -> None:
        self.loop = Loop(post)
        self.engine = Engine(self.loop, Launcher())
        self.settings = Settings()
        self.history = History()
        self.jobs: list[Job] = []  # those that have not ended
        self.jobs_changed: Signal[None] = Signal()
        self.message: Observable[Message] = Observable(None)
        self.engine.state.changed.connect(self._tell_of_engine)

    def generate(self) -> None:
        """Starts a job with the settings as they are, on the active document."""
        self.message.value = None
        self.settings.roll_seed()
        try:
            work = self._prepare()
        except AcetateError as error:
            self.message.value = error
        else:
            self._start(work)

    def cancel(self) -> None:
        """The oldest job that goes on."""
        if self.jobs:
            job = self.jobs[0]
            job.is_cancel_wanted = True
            if job.id:
                self._run(self.engine.call(lambda connection: api.cancel(connection, job.id)))

    def insert(self, result: Result) -> None:
        """Puts a result of the history above the active layer of the active document."""
        self.message.value = None
        try:
            document = _open_document()
            place = document.place()
        except AcetateError as error:
            self.message.value = error
        else:
            self._run(self._insert(result, document, place, None))

    def _prepare(self) -> _Work:
        document = _open_document()
        place, bounds, settings = document.place(), region(document), self.settings
        wanted = conditions(settings.task.value, settings.background.value, settings.foreground.value, place)
        if settings.task.value is Task.BACKGROUND_BEHIND_FOREGROUND and wanted.foreground:
            place = document.place_below(wanted.foreground.layer)
        pixel_format = PixelFormat.RGBA8 if document.colour_space.depth == "U8" else PixelFormat.RGBA16
        request = settings.request(bounds, wanted.placeholders, pixel_format)
        request.validate()
        return _Work(Job(request), document, place, wanted)

    def _start(self, work: _Work) -> None:
        self.jobs.append(work.job)
        self.jobs_changed.emit(None)
        self._run(self._carry_out(work))

    async def _carry_out(self, work: _Work) -> None:
        job = work.job
        try:
            await self._generate(work)
        except _CancelWanted:
            job.enter(Phase.CANCELLED)
        except AcetateError as error:
            job.fail(error)
            raise
        except Exception as error:
            job.fail(unexpected(error))
            raise
        finally:
            self.jobs.remove(job)
            self.jobs_changed.emit(None)

    async def _generate(self, work: _Work) -> None:
        job = work.job
        pictures = await work.conditions.read(work.document, job.request.bounds, self.loop)
        job.request = _with_digests(job.request, pictures)
        _check_cancelled(job)
        job.enter(Phase.SENDING)
        job.id = await self._submit(job, pictures)
        if job.is_cancel_wanted:
            await self.engine.call(lambda connection: api.cancel(connection, job.id))
        await self._follow(job)
        if job.error:
            raise job.error
        if job.result:
            await self._take(job, job.result, work)

    async def _submit(self, job: Job, pictures: Pictures) -> str:
        """The engine's id of the job. Nothing is lost when the engine dies meanwhile: all is sent again."""
        for _ in BACK_OFF:
            await self._upload(pictures)
            try:
                accepted = await self.engine.call(lambda connection: api.post_job(connection, job.request, job.key))
            except UnknownImage as error:  # swept away, or the engine came back with another data directory
                self.engine.uploaded.clear()
                missing = error
            else:
                return accepted.id
        raise missing

    async def _upload(self, pictures: Pictures) -> None:
        for picture in pictures.all:
            if picture and picture.digest not in self.engine.uploaded:
                await self._put(picture)

    async def _put(self, picture: Picture) -> None:
        await self.engine.call(lambda connection: api.put_image(connection, picture))
        self.engine.uploaded.add(picture.digest)

    async def _follow(self, job: Job) -> None:
        """Up to the event that ends the job; where the stream breaks it is taken up behind the last event."""
        while not job.is_ended_by_engine:
            connection = await self.engine.connection()
            try:
                await self.loop.thread(lambda: self._pump(connection, job))  # noqa: B023  # awaited in this round
            except EngineUnreachable:
                self.engine.lose(connection)

    def _pump(self, connection: Connection, job: Job) -> None:
        """In a thread: hands the events over to the GUI thread as they come."""
        for numbered in api.events(connection, job.id, job.last_event):
            self.loop.post(lambda numbered=numbered: job.apply(numbered.id, numbered.event))  # type: ignore[misc]

    async def _take(self, job: Job, done: Done, work: _Work) -> None:
        job.enter(Phase.INSERTING)
        results = _results(job, done)
        for result in results[1:]:
            await self._remember(result)
        await self._insert(results[0], work.document, work.place, work.document.extent)
        self.message.value = done_otherwise(done.notes)
        job.enter(Phase.DONE)

    async def _remember(self, result: Result) -> tuple[Picture, ...]:
        """Fetches the layers, and lists them in the history if they are new there."""
        pictures = tuple([await self._fetch(result.job, layer.index) for layer in result.layers])
        if not any(entry.result == result for entry in self.history.entries):
            self.history.add(Entry(result, await self.loop.thread(lambda: thumbnail(pictures[-1]))))
        return pictures

    async def _fetch(self, job: str, index: int) -> Picture:
        return await self.engine.call(lambda connection: api.layer(connection, job, index))

    async def _insert(self, result: Result, document: OpenDocument, place: Place, expected: Extent | None) -> None:
        pictures = await self._remember(result)
        layers = [
            NewLayer(layer.name, layer.bounds, picture) for layer, picture in zip(result.layers, pictures, strict=True)
        ]
        insertion = Insertion(document, layers)
        try:
            await self.loop.thread(insertion.fill)
            insertion.attach(place, result.name, expected)
        except BaseException:
            insertion.discard()
            raise

    def _tell_of_engine(self, state: EngineState) -> None:
        if state is EngineState.LOST and self.jobs:
            self.message.value = ENGINE_LOST
        elif state is EngineState.READY and self.message.value is ENGINE_LOST:
            self.message.value = None

    def _run(self, coroutine: Coroutine[Future[Any], None, object]) -> None:
        """Starts it; an error of it is shown."""
        outcome = self.loop.run(coroutine)
        outcome.then(lambda: self._show_error(outcome))

    def _show_error(self, outcome: Future[Any]) -> None:
        try:
            outcome.result()
        except AcetateError as error:
            self.message.value = error
        except Exception as error:  # noqa: BLE001  # a bug: the painter sees it, and the log has the traceback
            traceback.print_exception(error)
            self.message.value = unexpected(error)


@dataclass(frozen=True)
class _Work:
    """A job, and where on the canvas it comes from and goes to."""

    job: Job
    document: OpenDocument
    place: Place
    conditions: Conditions


class _CancelWanted(Exception):
    """The painter cancelled before the engine had the job."""


def _check_cancelled(job: Job) -> None:
    if job.is_cancel_wanted:
        raise _CancelWanted


def _open_document() -> OpenDocument:
    document = active_document()
    if document is None:
        raise DocumentError("no document is open", "Open or create a picture first.")
    return document


def _with_digests(request: GenerateRequest, pictures: Pictures) -> GenerateRequest:
    digests = pictures.digests
    return replace(request, background=digests.background, foreground=digests.foreground, mask=digests.mask)


def _results(job: Job, done: Done) -> list[Result]:
    """One result an alternative. A blended picture beside its own layers would only repeat them."""
    images: dict[int, list[LayerResult]] = {}
    for layer in done.layers:
        images.setdefault(layer.image, []).append(layer)
    return [Result(job.id, job.request, _without_blended(layers)) for layers in images.values()]


def _without_blended(layers: list[LayerResult]) -> tuple[LayerResult, ...]:
    kept = tuple(layer for layer in layers if layer.role is not LayerRole.BLENDED)
    return kept or tuple(layers)
