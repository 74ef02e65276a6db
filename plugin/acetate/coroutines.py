"""Coroutines that live on one thread (Krita's GUI thread) and send whatever blocks to others.

asyncio would need an event loop of its own beside Qt's; this is the small part of it that a docker needs.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Coroutine, Generator
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

T = TypeVar("T")
Post = Callable[[Callable[[], None]], None]
Inbox = SimpleQueue[Callable[[], Callable[[], None]]]  # work, which gives what is then to be done on the GUI thread


class Future(Generic[T]):
    """A value to come. Settled once, and awaited, on the thread of the coroutines."""

    def __init__(self) -> None:
        self._outcome: tuple[T] | BaseException | None = None
        self._waiting: list[Callable[[], None]] = []

    @property
    def is_settled(self) -> bool:
        return self._outcome is not None

    def settle(self, value: T) -> None:
        self._set((value,))

    def fail(self, error: BaseException) -> None:
        self._set(error)

    def _set(self, outcome: tuple[T] | BaseException) -> None:
        self._outcome = outcome
        waiting, self._waiting = self._waiting, []
        for resume in waiting:
            resume()

    def then(self, resume: Callable[[], None]) -> None:
        """Calls `resume` once the outcome is there."""
        if self.is_settled:
            resume()
        else:
            self._waiting.append(resume)

    def result(self) -> T:
        """The value; raises the error that it failed with."""
        if isinstance(self._outcome, BaseException):
            raise self._outcome
        if self._outcome is None:
            raise RuntimeError("the future is not settled yet")
        return self._outcome[0]

    def __await__(self) -> Generator[Future[Any], None, T]:
        if not self.is_settled:
            yield self
        return self.result()


class Loop:
    """Runs coroutines on the thread behind `post`, and their blocking work in daemon threads.

    Threads are kept: to start one is to wait until it runs, on a busy machine 20 to 60 ms of the GUI thread's time.
    """

    def __init__(self, post: Post) -> None:
        self.post = post  # callable from any thread; what it takes runs later on the coroutines' thread
        self._idle: list[Inbox] = []  # of the threads that have nothing to do; its own methods are atomic

    def run(self, coroutine: Coroutine[Future[Any], None, T]) -> Future[T]:
        """Starts at once, up to its first wait. An error goes to whoever awaits the future."""
        outcome: Future[T] = Future()
        self._step(coroutine, outcome)
        return outcome

    def _step(self, coroutine: Coroutine[Future[Any], None, T], outcome: Future[T]) -> None:
        try:
            awaited = coroutine.send(None)
        except StopIteration as end:
            outcome.settle(end.value)
        except BaseException as error:  # noqa: BLE001  # handed on, whatever it is
            outcome.fail(error)
        else:
            awaited.then(lambda: self._step(coroutine, outcome))

    def thread(self, work: Callable[[], T]) -> Future[T]:
        """What `work` returns, or raises, in a thread of its own."""
        outcome: Future[T] = Future()
        self._inbox().put(lambda: self._work(work, outcome))
        return outcome

    def sleep(self, seconds: float) -> Future[None]:
        """Settled that much later; the thread of the coroutines goes on meanwhile."""
        return self.thread(lambda: time.sleep(seconds))

    def _inbox(self) -> Inbox:
        if self._idle:
            return self._idle.pop()
        inbox: Inbox = SimpleQueue()
        threading.Thread(target=self._serve, args=(inbox,), daemon=True, name="acetate").start()
        return inbox

    def _serve(self, inbox: Inbox) -> None:
        while True:
            settle = inbox.get()()
            self._idle.append(inbox)  # before anybody can react to the outcome, and want a thread
            self.post(settle)
            del settle  # and all that the work held

    def _work(self, work: Callable[[], T], outcome: Future[T]) -> Callable[[], None]:
        """What settles `outcome`."""
        try:
            value = work()
        except BaseException as error:  # noqa: BLE001  # raised again where it is awaited
            failure = error
            return lambda: outcome.fail(failure)
        return lambda: outcome.settle(value)

    def turn(self) -> Future[None]:
        """Settles in a later turn of the event loop, so that what is waiting there is handled first."""
        outcome: Future[None] = Future()
        self.post(lambda: outcome.settle(None))
        return outcome


class Lock:
    """`async with`: one coroutine at a time, in the order in which they came."""

    def __init__(self) -> None:
        self._is_held = False
        self._waiting: list[Future[None]] = []

    async def __aenter__(self) -> None:
        if self._is_held:
            turn: Future[None] = Future()
            self._waiting.append(turn)
            await turn
        self._is_held = True

    async def __aexit__(self, *exception: object) -> None:
        if self._waiting:
            self._waiting.pop(0).settle(None)  # handed over, still held
        else:
            self._is_held = False
