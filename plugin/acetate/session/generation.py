"""To the engine's answer: upload what the job sees, post it, follow its events."""

from __future__ import annotations

from collections.abc import Sequence

from acetate.client import api
from acetate.coroutines import Loop
from acetate.language import mark, tr
from acetate.picture import Picture
from acetate.protocol.connection import Connection
from acetate.protocol.errors import EngineUnreachable, UnknownImage
from acetate.protocol.filing import Refiling
from acetate.session.engine_link import BACK_OFF, EngineLink
from acetate.session.jobs import Job, Phase

CANCELLING = mark("Cancelling")


class Generation:
    def __init__(self, loop: Loop, engine: EngineLink) -> None:
        self._loop = loop
        self._engine = engine

    async def send(self, job: Job, pictures: Sequence[Picture]) -> None:
        """Uploads the pictures that the request names, posts the job, and follows it up to the event that ends it.

        The job then has its result, its error, or is cancelled. Raises EngineError, RequestError.
        """
        job.enter(Phase.SENDING)
        job.id = await self._submit(job, pictures)
        if job.is_cancel_wanted:
            await self.cancel(job)
        await self.follow(job)

    async def cancel(self, job: Job) -> None:
        """That job, at its next step; before the engine has it, as soon as it would be sent."""
        job.is_cancel_wanted = True
        job.status.value = tr(CANCELLING)
        if job.id:
            await self._engine.call(lambda connection: api.cancel(connection, job.id))

    async def refile(self, job: Job) -> None:
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

    async def follow(self, job: Job) -> None:
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
