"""A job is accepted when it is on the disk; it need not wait for that itself.

What decides its result is looked at then.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

import pytest

from acetate.protocol.events import Cancelled, Done, Event, JobState
from acetate.protocol.filing import Filing
from acetate.protocol.requests import GenerateRequest
from acetate_engine.jobs.executors.base import WorkerState
from acetate_engine.jobs.images import ImageStore
from acetate_engine.jobs.queue import JobQueue
from acetate_engine.jobs.reuse import Reuse
from acetate_engine.jobs.store import JobStore
from acetate_engine.jobs.supervised import Supervisor
from acetate_engine.models.families.base import Model
from tests.engine.process import identity_request


class Begun:
    """An executor that tells when a job has begun, and ends it once it may `go`."""

    state: WorkerState = "busy"

    def __init__(self, ending: Event) -> None:
        self._ending = ending
        self.job, self.go = asyncio.Event(), asyncio.Event()

    async def start(self) -> None:
        pass

    async def run(self, job: str, request: GenerateRequest) -> AsyncGenerator[Event, None]:
        self.job.set()
        await self.go.wait()
        yield self._ending

    async def cancel(self, job: str) -> None:
        pass

    async def stop(self) -> None:
        pass


class SlowDisk(JobStore):
    """Whose writes reach the disk when `turns` is set, or fail by `error` then."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.turns = threading.Event()
        self.error: OSError | None = None

    def sync(self) -> None:
        assert self.turns.wait(60)
        if self.error:
            raise self.error
        super().sync()


class Files(Reuse):
    """Of which everything has the identity `now`."""

    now = "as it was"

    def identity(self, request: GenerateRequest, model: Model | None = None) -> str | None:
        return self.now


Scene = Callable[[JobQueue, Begun], Awaitable[None]]


def played(store: SlowDisk, reuse: Reuse, scene: Scene, ending: Event) -> None:
    async def run() -> None:
        begun, supervisor = Begun(ending), Supervisor()
        queue = JobQueue(store, begun, supervisor, reuse)
        await queue.start()
        try:
            await scene(queue, begun)
        finally:
            store.turns.set()
            await supervisor.stop()
            await queue.stop()

    asyncio.run(asyncio.wait_for(run(), 60))


@pytest.fixture
def store(tmp_path: Path) -> SlowDisk:
    return SlowDisk(tmp_path / "jobs.sqlite")


@pytest.fixture
def files(store: SlowDisk, tmp_path: Path) -> Files:
    return Files(store, ImageStore(tmp_path / "images"))


def test_it_begins_before_it_is_on_the_disk_and_is_told_of_behind_that(store: SlowDisk, files: Files) -> None:
    async def scene(queue: JobQueue, begun: Begun) -> None:
        telling = asyncio.create_task(queue.submit(identity_request(), None, Filing()))
        await begun.job.wait()
        begun.go.set()
        await asyncio.sleep(0.1)
        assert not telling.done()
        store.turns.set()
        last = [event async for event in queue.follow((await telling).id, 0)][-1]
        assert isinstance(last.decode(), Cancelled)

    played(store, files, scene, Cancelled())


def test_a_disk_that_does_not_take_it_is_told_of_and_the_same_key_finds_the_job(store: SlowDisk, files: Files) -> None:
    async def scene(queue: JobQueue, begun: Begun) -> None:
        store.turns.set()
        begun.go.set()
        store.error = OSError("the disk is gone")
        with pytest.raises(OSError, match="the disk is gone"):
            await queue.submit(identity_request(), "key", Filing())
        store.error = None
        job = (await queue.submit(identity_request(), "key", Filing())).id
        assert [event async for event in queue.follow(job, 0)][-1].name == "cancelled"
        assert [status.state for status in await asyncio.to_thread(store.recent, 9)] == [JobState.CANCELLED]

    played(store, files, scene, Cancelled())


@pytest.mark.parametrize("later", ["as it was", "another"])
def test_what_changes_while_a_job_waits_is_no_result_of_what_it_was_accepted_for(
    store: SlowDisk, files: Files, later: str
) -> None:
    async def scene(queue: JobQueue, begun: Begun) -> None:
        async def asked(seed: int) -> str:
            return (await queue.submit(identity_request(seed=seed), None, Filing())).id

        store.turns.set()
        await asked(1)
        await begun.job.wait()
        waiting = await asked(2)
        files.now = later
        begun.go.set()
        assert [event async for event in queue.follow(waiting, 0)][-1].name == "done"
        files.now = "at the end"
        async for _ in queue.follow(await asked(3), 0):
            pass  # until all of the others is over
        kept = [await asyncio.to_thread(store.made_as, identity) for identity in ("as it was", "another")]
        assert [job is not None for job in kept] == [later == "as it was", False]

    played(store, files, scene, Done((), (), 1.0))
