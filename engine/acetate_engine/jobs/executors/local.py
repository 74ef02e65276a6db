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

from acetate.protocol.errors import WorkerDied
from acetate.protocol.events import Event, Progress, Stage, final_state
from acetate.protocol.requests import GenerateRequest
from acetate_engine.jobs.executors.base import WorkerState
from acetate_engine.jobs.executors.patience import LOOK, Patience
from acetate_engine.jobs.messages import Cancel, Ready, Report, RunJob, WorkerMessage, decode_line, encode_line
from acetate_engine.jobs.supervised import Supervisor
from acetate_engine.paths import data_dir, log_file

_LINE_LIMIT = 2**24  # bytes; a preview of noise is half a megabyte
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 8.0  # seconds before a dead worker is started again
_STABLE = 60.0  # a worker that lived this many seconds starts the pauses anew
_STOP_TIMEOUT = 2.0  # seconds
_NAME, _WATCHDOG = "worker", "watchdog"  # in /health

log = structlog.get_logger("executor")


class LocalExecutor:
    """An `Executor` with one subprocess, `python -m acetate_engine.jobs.worker`."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._process: Process | None = None
        self._alive = asyncio.Event()
        self._ready = False
        self._died = False
        self._job: str | None = None
        self._run: str | None = None  # the run of that job that is under way
        self._runs = 0
        self._patience = Patience()
        self._hangs = ""  # why the worker is being ended
        self._reports: asyncio.Queue[Event | WorkerDied] = asyncio.Queue()
        self._cancelled: set[str] = set()

    @property
    def state(self) -> WorkerState:
        if self._process is None:
            return "dead" if self._died else "starting"
        if self._job:
            return "busy"
        return "ready" if self._ready else "starting"

    async def start(self) -> None:
        self._supervisor.start(_NAME, self._keep_a_worker)
        self._supervisor.start(_WATCHDOG, self._watch)

    async def run(self, job: str, request: GenerateRequest) -> AsyncGenerator[Event, None]:
        await self._alive.wait()
        self._runs += 1
        run = f"{job}.{self._runs}"  # what is said of this run is of no other, also not of the same job
        self._job, self._run, self._reports = job, run, asyncio.Queue()
        try:
            if not self._ready:
                yield Progress(0, 0, Stage.LOADING)
            self._patience.begin(time.monotonic())
            await self._send(RunJob(run, request))
            if job in self._cancelled:  # before there was a worker to hear of it
                self._patience.cancel(time.monotonic())
                await self._send(Cancel(run))
            async for event in self._events():
                yield event
        except GeneratorExit:  # nobody listens any more
            await self._send(Cancel(run))
            raise
        finally:
            self._patience.end()
            self._job = self._run = None
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
        if self._job == job and self._run:
            self._patience.cancel(time.monotonic())
            await self._send(Cancel(self._run))

    async def stop(self) -> None:
        """Behind its supervisor, which would start another."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        assert process.stdin is not None
        process.stdin.close()  # the worker ends at the end of its input
        try:
            await asyncio.wait_for(process.wait(), _STOP_TIMEOUT)
        except asyncio.TimeoutError:
            process.kill()  # it had its time
            await process.wait()

    async def _send(self, message: WorkerMessage) -> None:
        if self._process is None or self._process.stdin is None:
            return
        with contextlib.suppress(ConnectionError):  # a dead worker is reported by its supervisor
            self._process.stdin.write(encode_line(message))
            await self._process.stdin.drain()

    async def _keep_a_worker(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            started = time.monotonic()
            await self._live(await self._spawn())
            pause = _FIRST_PAUSE if time.monotonic() - started > _STABLE else pause
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _live(self, process: Process) -> None:
        """As long as the worker does, whatever it writes."""
        try:
            await asyncio.gather(self._read_reports(process), _copy_to_log(process))
        except Exception as error:  # noqa: BLE001  # e.g. no message, or a line longer than the limit
            self._supervisor.note(_NAME, error)
            process.kill()
        self._bury(process, await process.wait())

    async def _spawn(self) -> Process:
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "acetate_engine.jobs.worker"),  # -P: nothing comes from the working folder
            cwd=data_dir(),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            limit=_LINE_LIMIT,
            start_new_session=True,  # Ctrl+C in the terminal is the engine's to hear
        )
        self._ready, self._hangs = False, ""
        self._patience.start(time.monotonic())
        self._alive.set()
        log.info("worker started", pid=self._process.pid)
        return self._process

    async def _watch(self) -> None:
        """Ends a worker that hangs, as if it had died by itself."""
        looked = time.monotonic()
        while True:
            await asyncio.sleep(LOOK)
            now = time.monotonic()
            if now - looked > 4 * LOOK:
                self._patience.forgive(now - looked)
            looked = now
            if self._process and not self._hangs and (reason := self._patience.lost(now)):
                self._hangs = reason
                log.warning("worker hangs", pid=self._process.pid, how=reason, job=self._job)
                self._process.kill()

    async def _read_reports(self, process: Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            message = decode_line(line)
            self._patience.hear(time.monotonic())
            if isinstance(message, Ready):
                self._ready = True
                self._patience.ready()
                self._supervisor.well(_NAME)
                log.info("worker ready", seconds=round(message.seconds, 2))
            elif isinstance(message, Report) and message.job == self._run:
                self._patience.report(time.monotonic())
                self._reports.put_nowait(message.decode())

    def _bury(self, process: Process, code: int) -> None:
        self._process, self._ready, self._died = None, False, True
        self._alive.clear()
        how = f"was ended, because it {self._hangs}" if self._hangs else f"ended with {_ending(code)}"
        log.warning("worker died", pid=process.pid, how=how, job=self._job)
        self._reports.put_nowait(
            WorkerDied(
                f"the worker {how}",
                f"Choose a smaller region or a lighter model. The log says more: {log_file()}",
            )
        )


def _ending(code: int) -> str:
    """How a process ended; not every signal has a name."""
    if code >= 0:
        return f"exit status {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"  # a number without a name here


async def _copy_to_log(process: Process) -> None:
    assert process.stderr is not None
    async for line in process.stderr:
        log.info(line.decode(errors="replace").rstrip(), source="worker")
