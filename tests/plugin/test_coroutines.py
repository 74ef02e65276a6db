from __future__ import annotations

import threading

import pytest

from acetate.coroutines import Future, Lock
from tests.plugin.gui_thread import EventLoop


def test_blocking_work_runs_in_another_thread_and_comes_back() -> None:
    events = EventLoop()
    here = threading.current_thread()

    async def ask() -> tuple[threading.Thread, threading.Thread]:
        return await events.loop.thread(threading.current_thread), threading.current_thread()

    there, back = events.run(ask())
    assert there is not here
    assert back is here


def test_threads_are_kept_and_as_many_as_work_at_once() -> None:
    events = EventLoop()
    everyone_is_here = threading.Barrier(3, timeout=60.0)

    def meet() -> threading.Thread:
        everyone_is_here.wait()
        return threading.current_thread()

    async def one_by_one() -> list[threading.Thread]:
        return [await events.loop.thread(threading.current_thread) for _ in range(5)]

    async def at_once() -> list[threading.Thread]:
        return [await outcome for outcome in [events.loop.thread(meet) for _ in range(3)]]

    first = set(events.run(one_by_one()))
    assert len(first) == 1
    assert first < set(events.run(at_once()))


def test_an_error_in_a_thread_is_raised_where_it_is_awaited() -> None:
    events = EventLoop()

    async def fail() -> str:
        try:
            await events.loop.thread(lambda: 1 // 0)
        except ZeroDivisionError:
            return "caught"
        return "missed"

    assert events.run(fail()) == "caught"


def test_an_error_of_a_coroutine_goes_to_whoever_awaits_it() -> None:
    events = EventLoop()

    async def fail() -> None:
        await events.loop.turn()
        raise KeyError("lost")

    outcome = events.loop.run(fail())
    events.run_until(lambda: outcome.is_settled)
    with pytest.raises(KeyError):
        outcome.result()


def test_two_coroutines_may_await_the_same_future() -> None:
    events = EventLoop()
    shared: Future[int] = Future()

    async def twice() -> int:
        return 2 * await shared

    outcomes = [events.loop.run(twice()) for _ in range(2)]
    assert not outcomes[0].is_settled
    shared.settle(21)
    assert [outcome.result() for outcome in outcomes] == [42, 42]


def test_coroutines_take_turns() -> None:
    events = EventLoop()
    order: list[str] = []

    async def walk(name: str) -> None:
        for step in range(2):
            order.append(f"{name}{step}")
            await events.loop.turn()

    outcomes = [events.loop.run(walk(name)) for name in "ab"]
    events.run_until(lambda: all(outcome.is_settled for outcome in outcomes))
    assert order == ["a0", "b0", "a1", "b1"]


def test_a_result_that_is_not_there_yet_is_not_given() -> None:
    with pytest.raises(RuntimeError):
        Future[int]().result()


def test_a_lock_lets_one_in_at_a_time_in_their_order() -> None:
    events = EventLoop()
    lock, order = Lock(), list[str]()

    async def work(name: str) -> None:
        async with lock:
            order.append(f"{name} in")
            await events.loop.turn()
            order.append(f"{name} out")

    for name in "abc":
        events.loop.run(work(name))
    events.run_until(lambda: len(order) == 6)
    assert order == ["a in", "a out", "b in", "b out", "c in", "c out"]
    events.run(work("d"))


def test_a_lock_is_released_by_an_error() -> None:
    events = EventLoop()
    lock = Lock()

    async def fail() -> None:
        async with lock:
            raise KeyError

    for _ in range(2):
        with pytest.raises(KeyError):
            events.run(fail())
