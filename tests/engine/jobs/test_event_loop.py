"""No statement of SQL is run on the thread that answers everybody: each waits for the disk."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from acetate.protocol.events import Cancelled, Event, JobState, Started
from acetate.protocol.filing import Filing
from acetate.protocol.requests import GenerateRequest
from acetate_engine.jobs import reader, store
from acetate_engine.jobs.executors.base import WorkerState
from acetate_engine.jobs.images import ImageStore
from acetate_engine.jobs.queue import JobQueue
from acetate_engine.jobs.reuse import Reuse
from acetate_engine.jobs.store import JobStore
from acetate_engine.jobs.supervised import Supervisor
from tests.engine.process import identity_request


class Waiting:
    """An executor whose jobs go on until they are cancelled."""

    state: WorkerState = "busy"

    def __init__(self) -> None:
        self._cancelled = asyncio.Event()

    async def start(self) -> None:
        pass

    async def run(self, job: str, request: GenerateRequest) -> AsyncGenerator[Event, None]:
        yield Started(1)
        await self._cancelled.wait()
        self._cancelled.clear()
        yield Cancelled()

    async def cancel(self, job: str) -> None:
        self._cancelled.set()

    async def stop(self) -> None:
        pass


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, str]]:
    """The thread of each statement that is run from now on."""
    seen: list[tuple[int, str]] = []

    def watched(path: Path) -> sqlite3.Connection:
        database = connect(path)
        database.set_trace_callback(lambda statement: seen.append((threading.get_ident(), statement)))
        return database

    connect = reader.connect
    monkeypatch.setattr(reader, "connect", watched)
    monkeypatch.setattr(store, "connect", watched)
    return seen


async def is_running(queue: JobQueue, job: str) -> None:
    while (await asyncio.to_thread(queue.store.status, job)).state is not JobState.RUNNING:
        await asyncio.sleep(0.01)


async def live(queue: JobQueue, supervisor: Supervisor) -> None:
    """Jobs that are followed, cancelled, and broken off by the end of the engine."""
    await queue.start()
    first = (await queue.submit(identity_request(), None, Filing())).id
    await is_running(queue, first)
    await queue.cancel(first)
    async for event in queue.follow(first, 0):
        last = event
    assert isinstance(last.decode(), Cancelled)
    second = (await queue.submit(identity_request(seed=2), None, Filing())).id
    await is_running(queue, second)
    await supervisor.stop()
    await queue.stop()
    assert (await asyncio.to_thread(queue.store.status, second)).state is JobState.QUEUED


def test_the_store_is_asked_in_threads(statements: list[tuple[int, str]], tmp_path: Path) -> None:
    kept = JobStore(tmp_path / "jobs.sqlite")
    statements.clear()  # what opens the store runs before there is a loop

    async def run() -> None:
        supervisor = Supervisor()
        await live(JobQueue(kept, Waiting(), supervisor, Reuse(kept, ImageStore(tmp_path / "images"))), supervisor)

    asyncio.run(asyncio.wait_for(run(), 60))
    here = threading.get_ident()
    assert len(statements) > 20
    assert [statement for thread, statement in statements if thread == here] == []
