"""The way of every job: read what it needs, send it, follow it, deliver what comes, and say what there is to say."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from acetate.client import api
from acetate.coroutines import Future, Loop
from acetate.host import Document
from acetate.language import mark, tr
from acetate.picture import Picture
from acetate.protocol.connection import Connection
from acetate.protocol.errors import EngineUnreachable, UnknownImage
from acetate.protocol.events import Done
from acetate.protocol.filing import MAX_PRIORITY, Filing, Refiling
from acetate.protocol.requests import GenerateRequest
from acetate.session.attempts import Attempts
from acetate.session.delivery import Delivery, Placed, Seen, geometry_of
from acetate.session.engine_link import BACK_OFF, EngineLink
from acetate.session.jobs import Job, Phase
from acetate.session.messages import RESUMED, Told, all_cancelled, done_otherwise
from acetate.session.names import DocumentNames
from acetate.session.observable import Signal
from acetate.session.pictures import Draft, Pictures

CANCELLING = mark("Cancelling")


@dataclass(frozen=True)
class Work:
    """A job, what it is to see, and what becomes of its result."""

    job: Job
    document: Document
    draft: Draft
    delivery: Delivery


Delivered = Callable[[Work, Placed], None]
Arrived = Callable[[Job, Done], Coroutine[Future[Any], None, None]]


class Keeper(Protocol):
    """Who is told of each job on its way."""

    def seen(self, work: Work, pictures: Pictures) -> None:
        """What it sees, before it is sent."""

    async def made(self, work: Work, pictures: Pictures) -> None:
        """The engine has made it; it is not delivered yet."""

    def delivered(self, placed: Placed) -> None:
        """It is in its document."""


class Flow(Attempts):
    """The jobs of a session."""

    def __init__(self, loop: Loop, engine: EngineLink, keeper: Keeper) -> None:
        super().__init__(loop)
        self.jobs: list[Job] = []  # those that have not ended, the oldest first
        self.jobs_changed: Signal[None] = Signal()
        self.names = DocumentNames()
        self._again: dict[str, Callable[[], None]] = {}  # by the keys of jobs: what asks for each once more
        self._engine = engine
        self._keeper = keeper
        self._told = Told()

    def start(self, prepare: Callable[[], Work], then: Delivered) -> None:
        """Lists the job until it has ended. `then`: what is to be kept of what has been delivered."""

        self._asked = prepare

        def begin() -> None:
            work = prepare()
            work.job.filing = Filing(self.names.of(work.document))
            self._begin(work, then)

        self.attempt(begin)

    def resume(self, identifier: str, request: GenerateRequest, filing: Filing, arrived: Arrived) -> None:
        """A job of an earlier session, which the engine has or, without `identifier`, gets again.

        `arrived` takes what comes of it.
        """
        job = Job(request, filing=filing)
        job.id = identifier
        self._list(job, lambda: self.resume("", request, filing, arrived))
        self.run(self._take_up(job, arrived))

    def move_to_front(self, job: Job) -> None:
        """Of all that wait."""
        highest = max(other.filing.priority for other in self.jobs)
        job.filing = replace(job.filing, priority=min(highest + 1, MAX_PRIORITY))
        self.jobs.remove(job)
        at = next((index for index, other in enumerate(self.jobs) if other.is_waiting), len(self.jobs))
        self.jobs.insert(at, job)
        self.jobs_changed.emit(None)
        self.run(self._refile(job))

    def cancel(self, job: Job) -> None:
        self.run(self.stop(job))

    def cancel_all(self) -> None:
        """Those of all documents; what was under way can be asked for again, as it was, from its beginning."""
        ended = [(job, self._again[job.key]) for job in self.jobs if not job.is_cancel_wanted]
        for job, _ in ended:
            self.cancel(job)

        def send_again() -> None:
            for job, again in ended:
                if job.result is None:  # else it was faster
                    again()

        if ended:
            self.message.value = all_cancelled(send_again)

    def _begin(self, work: Work, then: Delivered) -> None:
        def again() -> None:
            self._begin(replace(work, job=Job(work.draft.request, work.document, work.job.filing)), then)

        self._list(work.job, again)
        self.run(self._carry_out(work, then))

    async def _carry_out(self, work: Work, then: Delivered) -> None:
        job = work.job
        try:
            await self.until_idle(work.document, is_asked=True)
            work.document.check_open()
            looked_at = self._loop.run(geometry_of(work.document, self._loop))  # beside the reading
            remarks = work.document.remarks(work.draft.layer_views)
            job.request, pictures = await work.draft.read(work.document, self._loop)
            if job.is_cancel_wanted:
                job.enter(Phase.CANCELLED)
                return
            self._keeper.seen(work, pictures)
            await self.send(job, tuple(pictures.values()))
            if job.error:
                raise job.error
            if job.result:
                await self._keeper.made(work, pictures)
                await self.until_idle(work.document, is_asked=False)
                placed = await work.delivery.deliver(job, job.result, Seen(pictures, await looked_at))
                notes = self._told.news((*remarks, *job.result.notes, *placed.notes), job.request.task)
                if not job.is_cancel_wanted:  # it was faster; what is said of that stays
                    self.message.value = done_otherwise(notes)
                job.enter(Phase.DONE)
                self.names.keep(work.document)
                self._keeper.delivered(placed)
                then(work, placed)
        finally:
            self._unlist(job)

    async def _take_up(self, job: Job, arrived: Arrived) -> None:
        try:
            await (self._follow(job) if job.id else self.send(job, ()))
            if job.error:
                raise job.error
            if job.result:
                await arrived(job, job.result)
                self.message.value = RESUMED
                job.enter(Phase.DONE)
        finally:
            self._unlist(job)

    def _list(self, job: Job, again: Callable[[], None]) -> None:
        self._again[job.key] = again
        self.jobs.append(job)
        self.jobs_changed.emit(None)

    def _unlist(self, job: Job) -> None:
        del self._again[job.key]
        self.jobs.remove(job)
        self.jobs_changed.emit(None)

    # the engine

    async def send(self, job: Job, pictures: Sequence[Picture]) -> None:
        """Uploads the pictures that the request names, posts the job, and follows it up to the event that ends it.

        The job then has its result, its error, or is cancelled. Raises EngineError, RequestError.
        """
        job.enter(Phase.SENDING)
        job.id = await self._submit(job, pictures)
        if job.is_cancel_wanted:
            await self.stop(job)
        await self._follow(job)

    async def stop(self, job: Job) -> None:
        """That job, at its next step; before the engine has it, as soon as it would be sent."""
        job.is_cancel_wanted = True
        job.status.value = tr(CANCELLING)
        if job.id:
            await self._engine.call(lambda connection: api.cancel(connection, job.id))

    async def _refile(self, job: Job) -> None:
        """Its turn, as it is wished for now; before the engine has it, it is sent with that."""
        if job.id:
            change = Refiling(priority=job.filing.priority)
            await self._engine.call(lambda connection: api.refile(connection, job.id, change))

    async def _submit(self, job: Job, pictures: Sequence[Picture]) -> str:
        """The engine's id of the job. Nothing is lost when the engine dies meanwhile: all is sent again."""
        for _ in BACK_OFF:
            await self._upload(pictures)
            try:
                accepted = await self._engine.call(
                    lambda connection: api.post_job(connection, job.request, job.key, job.filing)
                )
            except UnknownImage as error:  # swept away, or the engine came back with another data directory
                self._engine.uploaded.clear()
                missing = error
            else:
                return accepted.id
        raise missing

    async def _upload(self, pictures: Sequence[Picture]) -> None:
        for picture in pictures:
            if picture.digest not in self._engine.uploaded:
                await self._put(picture)

    async def _put(self, picture: Picture) -> None:
        await self._engine.call(lambda connection: api.put_image(connection, picture))
        self._engine.uploaded.add(picture.digest)

    async def _follow(self, job: Job) -> None:
        """Where the stream of events breaks it is taken up behind the last one, on whatever engine runs then."""
        while not job.is_ended_by_engine:
            connection = await self._engine.connection()
            try:
                await self._loop.thread(lambda: self._pump(connection, job))  # noqa: B023  # awaited in this round
            except EngineUnreachable:
                self._engine.lose(connection)  # the next round brings up another, and the docker shows that

    def _pump(self, connection: Connection, job: Job) -> None:
        """In a thread: hands the events over to the GUI thread as they come."""
        for numbered in api.events(connection, job.id, job.last_event):
            self._loop.post(lambda numbered=numbered: job.apply(numbered.id, numbered.event))  # type: ignore[misc]
