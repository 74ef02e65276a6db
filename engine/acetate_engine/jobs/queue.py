"""From the store to the executor, one job after the other, and from its events back to whoever follows."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from functools import partial
from typing import ParamSpec, TypeVar

import structlog

from acetate.protocol.errors import GenerationFailed, WorkerDied
from acetate.protocol.events import Accepted, Done, Event, Failed, JobState, JobStatus, Problem, final_state
from acetate.protocol.filing import Filing, Refiling
from acetate.protocol.requests import GenerateRequest
from acetate_engine.jobs.executors.base import Executor
from acetate_engine.jobs.reuse import Reuse
from acetate_engine.jobs.rows import StoredEvent
from acetate_engine.jobs.store import JobStore, StartedJob
from acetate_engine.jobs.supervised import FIRST_PAUSE, LONGEST_PAUSE, Supervisor
from acetate_engine.jobs.under_way import UnderWay
from acetate_engine.models.families.base import Model
from acetate_engine.paths import log_file

_NAME, _STORE, _LAST_JOB = "job queue", "job store", "last job"  # in /health

P = ParamSpec("P")
T = TypeVar("T")

log = structlog.get_logger("queue")


class JobQueue:
    """Lives on one event loop; the store is asked in threads, because it waits for the disk."""

    def __init__(self, store: JobStore, executor: Executor, supervisor: Supervisor, reuse: Reuse) -> None:
        self._reuse = reuse
        self.store = store
        self.executor = executor
        self._supervisor = supervisor
        self._submitted = asyncio.Event()
        self._under_way: UnderWay | None = None  # or what has ended last
        self._decided: dict[str, str | None] = {}  # by job that was accepted and has not begun: its identity then
        self._changed: dict[str, asyncio.Event] = {}  # by job, for those who wait for its next event
        self.followed: Counter[str] = Counter()  # by job, how many listen to it

    async def start(self) -> None:
        await self.executor.start()
        self._supervisor.start(_NAME, self._work)

    async def stop(self) -> None:
        """Behind the supervisor, which has broken off the job under way; it begins again when the engine does."""
        await self.executor.stop()

    async def submit(
        self,
        request: GenerateRequest,
        key: str | None,
        filing: Filing,
        check: Callable[[], Model | None] = lambda: None,
    ) -> Accepted:
        """Accepts a job: it is on the disk when this returns, and may have begun meanwhile.

        `check`, in the thread that accepts it, gives the model of the request, where it is known. Raises what that
        does, KeyReused; OSError where the disk does not take it: with the same key, it may be sent again.
        """
        begin = partial(asyncio.get_running_loop().call_soon_threadsafe, self._submitted.set)
        return await asyncio.to_thread(self._accept, request, key, filing, check, begin)

    def _accept(
        self,
        request: GenerateRequest,
        key: str | None,
        filing: Filing,
        check: Callable[[], Model | None],
        begin: Callable[[], object],
    ) -> Accepted:
        """The job need not wait for the disk: only who is told of it has to."""
        identity = self._reuse.identity(request, check())
        accepted = self.store.add(request, key, filing, self._reuse.find(identity))
        self._decided[accepted.id] = identity
        begin()
        self.store.sync()
        return accepted

    async def refile(self, job: str, change: Refiling) -> JobStatus:
        await asyncio.to_thread(self.store.refile, job, change)
        self._tell_everyone()  # positions may have changed
        return await asyncio.to_thread(self.store.status, job)

    async def cancel(self, job: str) -> JobStatus:
        if await asyncio.to_thread(self.store.cancel, job) is JobState.RUNNING:
            await self.executor.cancel(job)
        self._tell_everyone()
        return await asyncio.to_thread(self.store.status, job)

    async def follow(self, job: str, seq: int) -> AsyncGenerator[StoredEvent, None]:
        """Every event of the job behind `seq`, as they come, up to the one that ends it. Raises UnknownJob.

        Who takes long over one may miss previews that others have taken the place of.
        """
        self.followed[job] += 1
        try:
            async for event in self._events(job, seq):
                yield event
        finally:
            self.followed -= Counter((job,))

    async def _events(self, job: str, seq: int) -> AsyncGenerator[StoredEvent, None]:
        told: StoredEvent | None = None
        while True:
            changed = self._changed.setdefault(job, asyncio.Event())  # first, so that nothing slips through
            events, is_over = await self._events_after(job, seq)
            for event in events:
                if event != told:  # a waiting job's position is read anew each time
                    yield event
                seq, told = event.seq, event
            if is_over:
                self._tell(job)
                return
            await changed.wait()

    async def _events_after(self, job: str, seq: int) -> tuple[list[StoredEvent], bool]:
        if self._under_way and self._under_way.knows(job, seq):
            return self._under_way.events_after(seq)
        return await self._stored(self.store.events_after, job, seq)

    async def _work(self) -> None:
        waiting = await self._stored(self.store.recover)
        self._under_way = None
        log.info("queue starts", waiting=waiting)
        while True:
            self._submitted.clear()
            job = await self._stored(self.store.start_next)
            self._under_way = UnderWay(job.id, job.started) if job else self._under_way
            self._tell_everyone()  # all positions changed
            if job is None:
                self._decided.clear()  # of those that were done already, or cancelled
                await self._submitted.wait()
            else:
                await self._carry_out(job)
                self._tell(job.id)

    async def _carry_out(self, job: StartedJob) -> None:
        log.info("job started", job=job.id, task=job.request.task.value)
        identity = asyncio.create_task(asyncio.to_thread(self._begun, job))  # the job waits for nothing
        try:
            async with contextlib.aclosing(self.executor.run(job.id, job.request)) as events:
                async for event in events:
                    recorded = self._record(job.id, event)
                    if isinstance(event, Done):  # what is kept is looked at while the disk writes that it is done
                        await asyncio.gather(recorded, self._keep(job, identity))
                    else:
                        await recorded
            self._supervisor.well(_LAST_JOB)
        except WorkerDied as death:
            await self._stored(self.store.worker_died, job.id, death)
            self._under_way = None
        except asyncio.CancelledError:
            with contextlib.suppress(sqlite3.Error):  # the next engine finds it running
                await asyncio.to_thread(self.store.release, job.id)
            raise
        except Exception as error:  # noqa: BLE001  # whatever it is, it costs this job only
            self._supervisor.note(_LAST_JOB, error)
            await self._record(job.id, Failed(Problem.of(_unforeseen(error))))
        log.info("job left", job=job.id)

    def _begun(self, job: StartedJob) -> str | None:
        """In a thread, beside the job: what decides its result, looked at when it was accepted or, where that is not
        known any more, now. That it was begun is on the disk, whatever it does to this machine: so often it is tried,
        and no more.
        """
        identity = self._decided.pop(job.id, None) or self._reuse.identity(job.request)
        with contextlib.suppress(OSError):  # of a disk that cannot be written the job's end tells
            self.store.sync()
        return identity

    async def _keep(self, job: StartedJob, identity: asyncio.Task[str | None]) -> None:
        await self._stored(self._reuse.keep, job.id, job.request, await identity)

    async def _record(self, job: str, event: Event) -> None:
        """Of the job under way: it is in the store before anybody hears of it."""
        stored = await self._stored(self.store.record, job, event)
        if self._under_way:
            self._under_way.add(stored, is_last=final_state(event) is not None)
        self._tell(job)

    async def _stored(self, call: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """What the store says, however long it is locked or its disk full: jobs wait for it, none is broken off."""
        pause = FIRST_PAUSE
        while True:
            try:
                said = await asyncio.to_thread(call, *arguments, **named)
            except sqlite3.Error as error:
                self._supervisor.note(_STORE, error)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            else:
                self._supervisor.well(_STORE)
                return said

    def _tell(self, job: str) -> None:
        changed = self._changed.pop(job, None)
        if changed:
            changed.set()

    def _tell_everyone(self) -> None:
        for job in list(self._changed):
            self._tell(job)


def _unforeseen(error: Exception) -> GenerationFailed:
    return GenerationFailed(
        f"{type(error).__name__}: {str(error)[:300]}", f"Try again. The log says more: {log_file()}"
    )
