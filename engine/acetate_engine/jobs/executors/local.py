"""One worker process on this machine, started again whenever it dies."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator

import structlog

from acetate.protocol.errors import MalformedMessage, WorkerDied
from acetate.protocol.events import Event, Progress, final_state
from acetate.protocol.requests import GenerateRequest
from acetate_engine.jobs.executors.base import WorkerState
from acetate_engine.jobs.messages import Cancel, Message, Ready, Report, Run, decode_line, encode_line
from acetate_engine.logs import log_file

_LINE_LIMIT = 2**24  # bytes; a preview of noise is half a megabyte
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 8.0  # seconds before a dead worker is started again
_STABLE = 60.0  # a worker that lived this many seconds starts the pauses anew
_STOP_TIMEOUT = 2.0  # seconds

log = structlog.get_logger("executor")


class LocalExecutor:
    """An `Executor` with one subprocess, `python -m acetate_engine.jobs.worker`."""

    def __init__(self) -> None:
        self._process: Process | None = None
        self._alive = asyncio.Event()
        self._ready = False
        self._died = False
        self._job: str | None = None
        self._reports: asyncio.Queue[Event | WorkerDied] = asyncio.Queue()
        self._cancelled: set[str] = set()
        self._supervisor: asyncio.Task[None] | None = None

    @property
    def state(self) -> WorkerState:
        if self._process is None:
            return "dead" if self._died else "starting"
        if self._job:
            return "busy"
        return "ready" if self._ready else "starting"

    async def start(self) -> None:
        self._supervisor = asyncio.create_task(self._supervise())

    async def run(self, job: str, request: GenerateRequest) -> AsyncGenerator[Event, None]:
        await self._alive.wait()
        self._job, self._reports = job, asyncio.Queue()
        try:
            if not self._ready:
                yield Progress(0, 0, "loading")
            await self._send(Run(job, request))
            if job in self._cancelled:  # before there was a worker to hear of it
                await self._send(Cancel(job))
            async for event in self._events():
                yield event
        except GeneratorExit:  # nobody listens any more
            await self._send(Cancel(job))
            raise
        finally:
            self._job = None
            self._cancelled.discard(job)

    async def _events(self) -> AsyncGenerator[Event, None]:
        while True:
            event = await self._reports.get()
            if isinstance(event, WorkerDied):
                raise event
            yield event
            if final_state(event):
                return

    async def cancel(self, job: str) -> None:
        self._cancelled.add(job)
        await self._send(Cancel(job))

    async def stop(self) -> None:
        if self._supervisor:
            self._supervisor.cancel()
            await asyncio.gather(self._supervisor, return_exceptions=True)
        process = self._process
        if process is None or process.returncode is not None:
            return
        assert process.stdin is not None
        process.stdin.close()  # the worker ends at the end of its input
        try:
            await asyncio.wait_for(process.wait(), _STOP_TIMEOUT)
        except asyncio.TimeoutError:
            process.kill()
            await process.wait()

    async def _send(self, message: Message) -> None:
        if self._process is None or self._process.stdin is None:
            return
        with contextlib.suppress(ConnectionError):  # a dead worker is reported by its supervisor
            self._process.stdin.write(encode_line(message))
            await self._process.stdin.drain()

    async def _supervise(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            started = time.monotonic()
            process = await self._spawn()
            try:
                await asyncio.gather(self._read_reports(process), _copy_to_log(process))
            except (MalformedMessage, ValueError):  # ValueError: a line longer than the limit
                log.exception("the worker wrote what is no message")
                process.kill()
            self._bury(process, await process.wait())
            pause = _FIRST_PAUSE if time.monotonic() - started > _STABLE else pause
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _spawn(self) -> Process:
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "acetate_engine.jobs.worker"),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            limit=_LINE_LIMIT,
            start_new_session=True,  # Ctrl+C in the terminal is the engine's to hear
        )
        self._ready = False
        self._alive.set()
        log.info("worker started", pid=self._process.pid)
        return self._process

    async def _read_reports(self, process: Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            message = decode_line(line)
            if isinstance(message, Ready):
                self._ready = True
                log.info("worker ready", seconds=round(message.seconds, 2))
            elif isinstance(message, Report) and message.job == self._job:
                self._reports.put_nowait(message.decode())

    def _bury(self, process: Process, code: int) -> None:
        self._process, self._ready, self._died = None, False, True
        self._alive.clear()
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        log.warning("worker died", pid=process.pid, how=how, job=self._job)
        self._reports.put_nowait(
            WorkerDied(
                f"the worker ended with {how}",
                f"Choose a smaller region or a lighter model. The log says more: {log_file()}",
            )
        )


async def _copy_to_log(process: Process) -> None:
    assert process.stderr is not None
    async for line in process.stderr:
        log.info(line.decode(errors="replace").rstrip(), source="worker")
