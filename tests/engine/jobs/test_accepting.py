"""A job is accepted when it is on the disk; it need not wait for that itself."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

import pytest

from acetate.protocol.events import Cancelled, Event, JobState
from acetate.protocol.filing import Filing
from acetate.protocol.requests import GenerateRequest
from acetate_engine.jobs.executors.base import WorkerState
from acetate_engine.jobs.images import ImageStore
from acetate_engine.jobs.queue import JobQueue
from acetate_engine.jobs.reuse import Reuse
from acetate_engine.jobs.store import JobStore
from acetate_engine.jobs.supervised import Supervisor
from tests.engine.process import identity_request


class Begun:
    """An executor that tells when a job has begun, and ends it at once."""

    state: WorkerState = "busy"

    def __init__(self) -> None:
        self.job = asyncio.Event()

    async def start(self) -> None:
        pass

    async def run(self, job: str, request: GenerateRequest) -> AsyncGenerator[Event, None]:
        self.job.set()
        yield Cancelled()

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


def played(store: SlowDisk, folder: Path, scene: Callable[[JobQueue, Begun], Awaitable[None]]) -> None:
    async def run() -> None:
        begun, supervisor = Begun(), Supervisor()
        queue = JobQueue(store, begun, supervisor, Reuse(store, ImageStore(folder / "images")))
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


def test_it_begins_before_it_is_on_the_disk_and_is_told_of_behind_that(store: SlowDisk, tmp_path: Path) -> None:
    async def scene(queue: JobQueue, begun: Begun) -> None:
        telling = asyncio.create_task(queue.submit(identity_request(), None, Filing()))
        await begun.job.wait()
        await asyncio.sleep(0.1)
        assert not telling.done()
        store.turns.set()
        last = [event async for event in queue.follow((await telling).id, 0)][-1]
        assert isinstance(last.decode(), Cancelled)

    played(store, tmp_path, scene)


def test_a_disk_that_does_not_take_it_is_told_of_and_the_same_key_finds_the_job(
    store: SlowDisk, tmp_path: Path
) -> None:
    async def scene(queue: JobQueue, begun: Begun) -> None:
        store.turns.set()
        store.error = OSError("the disk is gone")
        with pytest.raises(OSError, match="the disk is gone"):
            await queue.submit(identity_request(), "key", Filing())
        store.error = None
        job = (await queue.submit(identity_request(), "key", Filing())).id
        assert [event async for event in queue.follow(job, 0)][-1].name == "cancelled"
        assert [status.state for status in await asyncio.to_thread(store.recent, 9)] == [JobState.CANCELLED]

    played(store, tmp_path, scene)
