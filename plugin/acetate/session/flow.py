"""The way of every job: read what it needs, send it, follow it, deliver what comes, and say what there is to say."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any, Protocol

from acetate.coroutines import Future, Loop
from acetate.host import Document
from acetate.protocol.errors import AcetateError
from acetate.protocol.events import Done
from acetate.protocol.filing import MAX_PRIORITY, Filing
from acetate.protocol.requests import GenerateRequest
from acetate.session.delivery import Delivery, Seen
from acetate.session.generation import Generation
from acetate.session.jobs import Job, Phase
from acetate.session.messages import RESUMED, Message, Told, done_otherwise, unexpected
from acetate.session.names import DocumentNames
from acetate.session.observable import Observable, Signal
from acetate.session.pictures import Draft, Pictures
from acetate.session.results import Placed, geometry_of


@dataclass(frozen=True)
class Work:
    """A job, what it is to see, and what becomes of its result."""

    job: Job
    document: Document
    draft: Draft
    delivery: Delivery


Delivered = Callable[[Placed], None]
Arrived = Callable[[Job, Done], Coroutine[Future[Any], None, None]]


class Keeper(Protocol):
    """Who is told of each job on its way."""

    def seen(self, work: Work, pictures: Pictures) -> None:
        """What it sees, before it is sent."""

    async def made(self, work: Work, pictures: Pictures) -> None:
        """The engine has made it; it is not delivered yet."""


class Flow:
    """The jobs of a session."""

    def __init__(self, loop: Loop, generation: Generation, keeper: Keeper) -> None:
        self.jobs: list[Job] = []  # those that have not ended, the oldest first
        self.jobs_changed: Signal[None] = Signal()
        self.message: Observable[Message] = Observable(None)
        self._loop = loop
        self._generation = generation
        self._keeper = keeper
        self._told = Told()
        self.names = DocumentNames()
        self._asked: Callable[[], Work] | None = None  # what was refused last
        self._refusal: AcetateError | None = None

    def start(self, prepare: Callable[[], Work], then: Delivered) -> None:
        """Lists the job until it has ended. `then`: what is to be kept of what has been delivered."""

        self._asked = prepare

        def begin() -> None:
            work = prepare()
            work.job.filing = Filing(self.names.of(work.document))
            self.jobs.append(work.job)
            self.jobs_changed.emit(None)
            self.run(self._carry_out(work, then))

        self.attempt(begin)

    def forget_refusal(self) -> None:
        """What it was about has changed."""
        if self._refusal is not None and self.message.value is self._refusal:
            self.message.value = None

    def recheck(self) -> None:
        """Takes a refusal away whose cause is gone."""
        if self._asked is None or self._refusal is None or self.message.value is not self._refusal:
            return
        try:
            self._asked()
        except AcetateError:
            return  # what was wrong still is, and is still shown
        self.message.value = None

    def resume(self, identifier: str, request: GenerateRequest, filing: Filing, arrived: Arrived) -> None:
        """A job that the engine has from an earlier session; `arrived` takes what comes of it."""
        job = Job(request, filing=filing)
        job.id = identifier
        self.jobs.append(job)
        self.jobs_changed.emit(None)
        self.run(self._follow(job, arrived))

    async def _follow(self, job: Job, arrived: Arrived) -> None:
        try:
            await self._generation.follow(job)
            if job.error:
                raise job.error
            if job.result:
                await arrived(job, job.result)
                self.message.value = RESUMED
                job.enter(Phase.DONE)
        finally:
            self.jobs.remove(job)
            self.jobs_changed.emit(None)

    def move_to_front(self, job: Job) -> None:
        """Of all that wait."""
        highest = max(other.filing.priority for other in self.jobs)
        job.filing = replace(job.filing, priority=min(highest + 1, MAX_PRIORITY))
        self.jobs.remove(job)
        at = next((index for index, other in enumerate(self.jobs) if other.is_waiting), len(self.jobs))
        self.jobs.insert(at, job)
        self.jobs_changed.emit(None)
        self.run(self._generation.refile(job))

    def cancel(self, job: Job) -> None:
        self.run(self._generation.cancel(job))

    def attempt(self, action: Callable[[], None]) -> None:
        """An error of it is shown."""
        self.message.value = None
        try:
            action()
        except AcetateError as error:
            self._refusal = self.message.value = error

    def run(self, coroutine: Coroutine[Future[Any], None, object]) -> None:
        """Starts it; an error of it is shown."""
        outcome = self._loop.run(coroutine)
        outcome.then(lambda: self._show_error(outcome))

    async def _carry_out(self, work: Work, then: Delivered) -> None:
        job = work.job
        try:
            work.document.check_open()
            looked_at = self._loop.run(
                geometry_of(work.document, self._loop)
            )  # beside the reading, which begins at once
            remarks = work.document.remarks(work.draft.layer_views)
            job.request, pictures = await work.draft.read(work.document, self._loop)
            if job.is_cancel_wanted:
                job.enter(Phase.CANCELLED)
                return
            self._keeper.seen(work, pictures)
            await self._generation.send(job, tuple(pictures.values()))
            if job.error:
                raise job.error
            if job.result:
                await self._keeper.made(work, pictures)
                placed = await work.delivery.deliver(job, job.result, Seen(pictures, await looked_at))
                self.message.value = done_otherwise(
                    self._told.news((*remarks, *job.result.notes, *placed.notes), job.request.task)
                )
                job.enter(Phase.DONE)
                self.names.keep(work.document)
                then(placed)
        finally:
            self.jobs.remove(job)
            self.jobs_changed.emit(None)

    def _show_error(self, outcome: Future[Any]) -> None:
        try:
            outcome.result()
        except AcetateError as error:
            self.message.value = error
        except Exception as error:  # noqa: BLE001  # a bug: the painter sees it, and the log has the traceback
            traceback.print_exception(error)
            self.message.value = unexpected(error)
