"""What this process holds together: job store, images, queue."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable

import structlog

from acetate.protocol.errors import EngineStartFailed
from acetate.protocol.events import Health
from acetate.protocol.version import PROTOCOL_VERSION, __version__
from acetate_engine.api.leases import Leases
from acetate_engine.jobs.executors.base import Executor, ExecutorKind
from acetate_engine.jobs.executors.local import LocalExecutor
from acetate_engine.jobs.images import ImageStore
from acetate_engine.jobs.queue import JobQueue
from acetate_engine.jobs.reuse import Reuse
from acetate_engine.jobs.storage import StorageKeeper
from acetate_engine.jobs.store import JobStore
from acetate_engine.jobs.supervised import Supervisor
from acetate_engine.models.library.downloads import Downloads
from acetate_engine.paths import data_dir, images_dir

_STORAGE = "storage"  # in /health
_LOOK = 60.0  # seconds between two looks at how much room is taken

log = structlog.get_logger("engine")


class Service:
    """Raises FileError where the job store cannot be used, EngineStartFailed where the cluster cannot.

    `when_unused` is called once nobody uses it any more; None for one that goes on whoever uses it.
    """

    def __init__(self, executor: ExecutorKind, when_unused: Callable[[], None] | None = None) -> None:
        self.images = ImageStore(images_dir())
        self.store = JobStore(data_dir() / "jobs.sqlite", takes_newer=True)
        self.storage = StorageKeeper(data_dir(), self.store, self.images)
        self.downloads = Downloads()
        self._look_at_storage = asyncio.Event()
        self.supervisor = Supervisor()
        runs = _new_executor(executor, self.images, self.supervisor)
        self.queue = JobQueue(self.store, runs, self.supervisor, Reuse(self.store, self.images))
        self.leases = Leases(lambda: bool(self.queue.followed))
        self._when_unused = when_unused

    async def start(self) -> None:
        """Takes up where the last engine was when it ended."""
        log.info("engine started", pid=os.getpid(), version=__version__)
        await self.queue.start()
        self.supervisor.start(_STORAGE, self._keep_storage)
        if self._when_unused:
            self.supervisor.start("users", self._end_unused)

    @property
    def ends_unused(self) -> bool:
        return self._when_unused is not None

    async def _end_unused(self) -> None:
        await self.leases.wait_until_unused()
        log.info("nobody uses the engine any more: it ends")
        if self._when_unused:
            self._when_unused()

    async def _keep_storage(self) -> None:
        while True:
            await asyncio.to_thread(self.storage.look)
            self.supervisor.well(_STORAGE)
            self._look_at_storage.clear()
            with contextlib.suppress(asyncio.TimeoutError):  # time for the next look
                await asyncio.wait_for(self._look_at_storage.wait(), _LOOK)

    async def set_limits(self, size: int, days: float) -> None:
        """Of what jobs and pictures may take. Raises InvalidRequest, OSError."""
        await asyncio.to_thread(self.storage.set_limits, size, days)
        self._look_at_storage.set()

    async def stop(self) -> None:
        await self.supervisor.stop()
        await self.queue.stop()
        self.store.close()
        log.info("engine stopped")

    def health(self) -> Health:
        reasons = self.supervisor.reasons
        status = "degraded" if reasons else "ok"
        worker = self.queue.executor.state
        return Health(
            *("acetate", __version__, PROTOCOL_VERSION, os.getpid(), worker, status, reasons),
            stored=self.storage.stored,
            limit=self.storage.limits.bytes,
            missed=self.storage.missed,
        )


def _new_executor(kind: ExecutorKind, images: ImageStore, supervisor: Supervisor) -> Executor:
    if kind is ExecutorKind.LOCAL:
        return LocalExecutor(supervisor)
    try:
        from acetate_engine.jobs.executors.ray import RayExecutor
    except ImportError as error:
        raise EngineStartFailed(
            f"Ray cannot be imported: {error}", "Install it with pip install 'acetate[cluster]'."
        ) from error
    return RayExecutor(images, supervisor)
