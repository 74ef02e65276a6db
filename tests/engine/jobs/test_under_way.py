"""Who follows a job hears what the store has, without asking it each time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest

from acetate.protocol.errors import WorkerDied
from acetate.protocol.events import (
    Cancelled,
    Done,
    Event,
    Failed,
    Preview,
    Problem,
    Progress,
    Stage,
    Started,
    event_name,
)
from acetate.protocol.filing import Filing
from acetate.protocol.requests import GenerateRequest
from acetate_engine.jobs.executors.base import WorkerState
from acetate_engine.jobs.images import ImageStore
from acetate_engine.jobs.queue import JobQueue
from acetate_engine.jobs.reuse import Reuse
from acetate_engine.jobs.rows import StoredEvent
from acetate_engine.jobs.store import MAX_WORKER_DEATHS, JobStore
from acetate_engine.jobs.supervised import Supervisor
from acetate_engine.jobs.under_way import UnderWay
from tests.engine.process import identity_request

STEPS = [
    Progress(0, 0, Stage.LOADING),
    Preview(1, "AAAA"),
    Progress(1, 3, Stage.DENOISE),
    Preview(2, "BBBB"),
    Preview(3, "CCCC"),
    Progress(3, 3, Stage.DENOISE),
]
ENDINGS = [Done((), (), 1.0), Cancelled(), Failed(Problem("x", "y", "z", "w"))]


@pytest.fixture
def store(tmp_path: Path) -> JobStore:
    return JobStore(tmp_path / "jobs.sqlite")


@pytest.mark.parametrize("ending", ENDINGS, ids=event_name)
@pytest.mark.parametrize("attempts", [1, 2])
def test_it_has_what_the_store_has(store: JobStore, ending: Event, attempts: int) -> None:
    job = store.add(identity_request()).id
    for _ in range(attempts - 1):
        store.start_next()
        store.record(job, STEPS[0])
        store.worker_died(job, WorkerDied("it died", "Try again."))
    taken = store.start_next()
    assert taken is not None
    under_way, first = UnderWay(job, taken.started), taken.started.seq
    for event in (*STEPS, ending):
        under_way.add(store.record(job, event), is_last=event is ending)
        assert not under_way.knows(job, first - 2) and not under_way.knows("another", first)
        for seq in range(first - 1, first + 2 + len(STEPS)):
            assert under_way.knows(job, seq)
            assert under_way.events_after(seq) == store.events_after(job, seq)


class Acting:
    """An executor whose attempts report `attempts`, each event once `go` is set."""

    state: WorkerState = "ready"

    def __init__(self, *attempts: list[Event | Exception]) -> None:
        self._attempts = iter(attempts)
        self.began, self.go = asyncio.Event(), asyncio.Event()

    async def start(self) -> None:
        pass

    async def run(self, job: str, request: GenerateRequest) -> AsyncGenerator[Event, None]:
        self.began.set()
        for event in next(self._attempts):
            await self.go.wait()
            if isinstance(event, Exception):
                raise event
            yield event

    async def cancel(self, job: str) -> None:
        pass

    async def stop(self) -> None:
        pass


DEATH = WorkerDied("it died", "Try again.")
Scene = Callable[[JobQueue, Acting, str], Awaitable[None]]
Play = Callable[..., None]


@pytest.fixture
def play(store: JobStore, tmp_path: Path) -> Play:
    """A scene with a queue, what it executes by, and a job that has begun; then what each attempt reports."""

    async def run(scene: Scene, *attempts: list[Event | Exception]) -> None:
        acting, supervisor = Acting(*attempts), Supervisor()
        queue = JobQueue(store, acting, supervisor, Reuse(store, ImageStore(tmp_path / "images")))
        await queue.start()
        job = (await queue.submit(identity_request(), None, Filing())).id
        await acting.began.wait()
        await scene(queue, acting, job)
        await supervisor.stop()
        await queue.stop()

    return lambda scene, *attempts: asyncio.run(asyncio.wait_for(run(scene, *attempts), 60))


@pytest.fixture
def looks(store: JobStore, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Behind which events followers have looked into the store."""
    seen: list[int] = []

    def watched(job: str, seq: int) -> tuple[list[StoredEvent], bool]:
        seen.append(seq)
        return look(job, seq)

    look = store.events_after
    monkeypatch.setattr(store, "events_after", watched)
    return seen


async def heard(queue: JobQueue, job: str, seq: int = 0) -> list[StoredEvent]:
    return [event async for event in queue.follow(job, seq)]


async def are_there(queue: JobQueue, job: str, followers: int) -> None:
    while queue.followed[job] < followers:
        await asyncio.sleep(0.01)


def kept_of(events: list[StoredEvent]) -> list[StoredEvent]:
    """Without those that others take the place of: who is slow misses some."""
    return [event for event in events if event.name != "preview"]


def test_all_who_follow_hear_all_and_look_into_the_store_once(play: Play, store: JobStore, looks: list[int]) -> None:
    async def scene(queue: JobQueue, acting: Acting, job: str) -> None:
        followers = [asyncio.create_task(heard(queue, job)) for _ in range(5)]
        await are_there(queue, job, 5)
        acting.go.set()
        for events in await asyncio.gather(*followers):
            assert kept_of(events) == all_of(job, 0)[0]
        assert looks == [0] * 5
        assert not queue.followed

    all_of = partial(JobStore.events_after, store)
    play(scene, [*STEPS, ENDINGS[0]])


def test_who_takes_it_up_again_needs_no_store(play: Play, looks: list[int]) -> None:
    async def scene(queue: JobQueue, acting: Acting, job: str) -> None:
        acting.go.set()
        for seq in (1, 2, 4):
            events = kept_of(await heard(queue, job, seq))
            assert [event.seq for event in events] == sorted({event.seq for event in events})
            assert events[0].seq > seq and events[-1].name == "done"
        assert looks == []

    play(scene, [*STEPS, ENDINGS[0]])


def test_who_leaves_or_dawdles_holds_nobody_up(play: Play, store: JobStore) -> None:
    async def scene(queue: JobQueue, acting: Acting, job: str) -> None:
        leaving, dawdling = queue.follow(job, 0), queue.follow(job, 0)
        prompt = asyncio.create_task(heard(queue, job))
        assert [(await anext(one)).name for one in (leaving, dawdling)] == ["queued", "queued"]
        await are_there(queue, job, 3)
        await leaving.aclose()
        acting.go.set()
        assert (await prompt)[-1].name == "done"
        assert queue.followed[job] == 1
        late = [event async for event in dawdling]
        assert late == store.events_after(job, 1)[0]
        assert not queue.followed

    play(scene, [*STEPS, ENDINGS[0]])


def test_a_worker_that_dies_is_heard_of_by_the_next_attempt(play: Play) -> None:
    async def scene(queue: JobQueue, acting: Acting, job: str) -> None:
        follower = asyncio.create_task(heard(queue, job))
        await are_there(queue, job, 1)
        acting.go.set()
        events = await follower
        assert [event.decode() for event in events if event.name == "started"] == [Started(1), Started(2)]
        assert [event.seq for event in events] == sorted(event.seq for event in events)
        assert events[-1].decode() == ENDINGS[0]

    play(scene, [*STEPS, DEATH], [*STEPS, ENDINGS[0]])


def test_a_job_that_kills_worker_after_worker_is_heard_to_fail(play: Play) -> None:
    async def scene(queue: JobQueue, acting: Acting, job: str) -> None:
        follower = asyncio.create_task(heard(queue, job))
        await are_there(queue, job, 1)
        acting.go.set()
        assert (await follower)[-1].decode() == Failed(Problem.of(DEATH))

    play(scene, *[[STEPS[0], DEATH]] * MAX_WORKER_DEATHS)


def test_what_nobody_foresaw_is_heard_as_a_failure(play: Play) -> None:
    async def scene(queue: JobQueue, acting: Acting, job: str) -> None:
        follower = asyncio.create_task(heard(queue, job))
        await are_there(queue, job, 1)
        acting.go.set()
        last = (await follower)[-1].decode()
        assert isinstance(last, Failed) and "who would have thought" in last.problem.detail

    play(scene, [*STEPS, RuntimeError("who would have thought")])


def test_the_next_engine_goes_on_where_the_last_one_ended(play: Play) -> None:
    jobs: list[str] = []

    async def scene(queue: JobQueue, acting: Acting, job: str) -> None:
        jobs.append(job)
        if len(jobs) == 1:
            return  # it ends with the job under way
        acting.go.set()
        events = await heard(queue, jobs[0], 2)
        assert [event.name for event in kept_of(events)] == ["started", *["progress"] * 3, "done"]

    play(scene, [*STEPS, ENDINGS[0]])
    play(scene, *[[*STEPS, ENDINGS[0]]] * 2)
