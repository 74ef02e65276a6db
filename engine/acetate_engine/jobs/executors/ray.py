"""The worker as an actor of a Ray cluster: Ray decides where it runs, and starts it again when it dies.

The cluster is the one at RAY_ADDRESS, or else one of this machine alone, on loopback. Nodes share no folder: images go
there with the job, and layers come back with its events. Models are looked for on the node.
"""

from __future__ import annotations

import asyncio
import os
import queue
import signal
import socket
import tempfile
import threading
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

import ray
import structlog
from ray.exceptions import RayError

from acetate.protocol.errors import EngineStartFailed, WorkerDied
from acetate.protocol.events import Done, Event, Progress, Stage
from acetate.protocol.requests import GenerateRequest
from acetate_engine.jobs.executors.base import WorkerState
from acetate_engine.jobs.images import ImageStore
from acetate_engine.jobs.messages import Report, WorkerMessage
from acetate_engine.jobs.supervised import Supervisor
from acetate_engine.jobs.worker import ChannelReporter, carry_out, warm_up
from acetate_engine.pipelines.tasks import TaskGenerator

_KNOCK_TIMEOUT = 10.0  # seconds
_PAUSE = 0.5  # seconds before an actor that does not answer is asked again
_CALLS = 4  # at once: a job, its cancellation, the warm-up, and one to spare

log = structlog.get_logger("executor")


class RayExecutor:
    """An `Executor` with one actor.

    Raises EngineStartFailed where the cluster cannot be reached.
    """

    def __init__(self, images: ImageStore, supervisor: Supervisor) -> None:
        self._images = images
        self._supervisor = supervisor
        self._job: str | None = None
        self._run = ""  # the run of that job that is under way
        self._runs = 0
        self._ready = asyncio.Event()
        _connect()
        self._worker = _new_worker()

    @property
    def state(self) -> WorkerState:
        if self._job:
            return "busy"
        return "ready" if self._ready.is_set() else "starting"

    async def start(self) -> None:
        self._ready.clear()
        self._supervisor.start("worker", self._warm_up)

    async def _warm_up(self) -> None:
        """Until the actor answers, which it does not while Ray starts it again."""
        while not self._ready.is_set():
            try:
                log.info("worker ready", node=await self._worker.warm_up.remote())
                self._ready.set()
            except RayError as error:
                log.info("worker not there yet", reason=_first_line(error))
                await asyncio.sleep(_PAUSE)

    async def run(self, job: str, request: GenerateRequest) -> AsyncGenerator[Event, None]:
        self._runs += 1
        self._job, self._run = job, f"{job}.{self._runs}"
        try:
            if not self._ready.is_set():
                yield Progress(0, 0, Stage.LOADING)
                await self._ready.wait()
            bodies = await asyncio.to_thread(self._bodies, request)
            reports = self._worker.run.options(num_returns="streaming").remote(self._run, request, bodies)
            async for reference in reports:
                report = await reference
                if isinstance(report, bytes):
                    await asyncio.to_thread(self._images.add, report)
                else:
                    yield report.decode()
        except GeneratorExit:  # nobody listens any more
            self._worker.cancel.remote(self._run)
            raise
        except RayError as error:
            await self.start()
            raise WorkerDied(
                f"the worker on the cluster ended: {_first_line(error)}",
                "Choose a smaller region or a lighter model. `ray logs` says more.",
            ) from error
        finally:
            self._job = None

    def _bodies(self, request: GenerateRequest) -> list[bytes]:
        """Of the images that are there; the worker reports the others."""
        return [self._images.read(digest) for digest in request.image_digests if digest in self._images]

    async def cancel(self, job: str) -> None:
        """Does not wait for the actor: it may stand still, or be started again, and then it has no job."""
        if self._job == job:
            self._worker.cancel.remote(self._run)

    async def stop(self) -> None:
        await asyncio.to_thread(ray.shutdown)  # the actor ends with the engine that started it


class RayWorker:
    """What the worker process is, as an actor."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="acetate-")
        self._images = ImageStore(Path(self._folder.name))
        self._generator = TaskGenerator()
        self._cancelled: set[str] = set()
        self._warming_up = threading.Thread(target=warm_up, args=(self._generator,))
        self._warming_up.start()

    def warm_up(self) -> str:
        """Returns once the default model is loaded; the node's id."""
        self._warming_up.join()
        return str(ray.get_runtime_context().get_node_id())

    def run(self, job: str, request: GenerateRequest, bodies: list[bytes]) -> Iterator[Report | bytes]:
        """Reports of one job as they come; the encoded layers before the last of them."""
        for body in bodies:
            self._images.add(body)
        if request.task.needs_model:
            self._warming_up.join()
        outbox = _Outbox(self._cancelled)

        def work() -> None:
            outbox.messages.put(carry_out(self._generator, request, self._images, ChannelReporter(outbox, job)))

        threading.Thread(target=work).start()
        while not isinstance(message := outbox.messages.get(), Event):
            yield message
        if isinstance(message, Done):
            yield from (self._images.read(layer.digest) for layer in message.layers)
        yield Report.of(job, message)
        self._images.sweep((), older_than=0)
        self._cancelled.discard(job)

    def cancel(self, job: str) -> None:
        """The job ends at its next step, or does not begin."""
        self._cancelled.add(job)


class _Outbox:
    """A `WorkerChannel` whose messages another thread takes out."""

    def __init__(self, cancelled: set[str]) -> None:
        self._cancelled = cancelled
        self.messages: queue.Queue[Any] = queue.Queue()  # reports; then the event that ends the job

    def send(self, message: WorkerMessage) -> None:
        self.messages.put(message)

    def is_cancelled(self, job: str) -> bool:
        return job in self._cancelled


def _connect() -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing about a painter's machine leaves it
    address = os.environ.get("RAY_ADDRESS", "")
    own = {} if address else {"_node_ip_address": "127.0.0.1", "include_dashboard": False}
    on_sigterm = signal.getsignal(signal.SIGTERM)
    try:
        _knock(address)
        ray.init(namespace="acetate", logging_level="WARNING", **own)
    except Exception as error:  # of its own processes that are late, Ray raises a plain one
        raise EngineStartFailed(
            f"the Ray cluster cannot be used: {_first_line(error)}",
            "Check RAY_ADDRESS; without it, a cluster of this machine is started.",
        ) from error
    finally:
        signal.signal(signal.SIGTERM, on_sigterm)  # Ray's would end the engine with a status of 15


def _knock(address: str) -> None:
    """Raises OSError where nobody listens: Ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if port.isdigit():
        socket.create_connection((host, int(port)), _KNOCK_TIMEOUT).close()


def _new_worker() -> Any:
    """On a GPU where the cluster has one, else on all processors of a node: so many threads does torch get."""
    if ray.cluster_resources().get("GPU"):
        share = {"num_gpus": 1}
    else:
        share = {"num_cpus": max(node["Resources"].get("CPU", 1) for node in ray.nodes())}
    return ray.remote(RayWorker).options(max_restarts=-1, max_concurrency=_CALLS, **share).remote()


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
