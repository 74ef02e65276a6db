"""What this process holds together: job store, images, queue."""

from __future__ import annotations

import asyncio
import os

import structlog

from acetate.protocol.errors import EngineStartFailed
from acetate.protocol.events import Health
from acetate.protocol.version import PROTOCOL_VERSION, __version__
from acetate_engine.jobs.executors.base import Executor, ExecutorKind
from acetate_engine.jobs.executors.local import LocalExecutor
from acetate_engine.jobs.images import ImageStore
from acetate_engine.jobs.queue import JobQueue
from acetate_engine.jobs.store import JobStore
from acetate_engine.jobs.supervised import Supervisor
from acetate_engine.paths import data_dir, images_dir

_DAY = 24 * 3600.0
_KEEP_JOBS = 30 * _DAY  # ended jobs, and the images that only they name
_SWEEP = "sweeping"  # in /health
_KEEP_IMAGES = 7 * _DAY  # images that no job names

log = structlog.get_logger("engine")


class Engine:
    """Raises FileError where the job store cannot be used, EngineStartFailed where the cluster cannot."""

    def __init__(self, executor: ExecutorKind) -> None:
        self.images = ImageStore(images_dir())
        self.store = JobStore(data_dir() / "jobs.sqlite", takes_newer=True)
        self.supervisor = Supervisor()
        self.queue = JobQueue(self.store, _new_executor(executor, self.images, self.supervisor), self.supervisor)

    async def start(self) -> None:
        """Takes up where the last engine was when it ended."""
        log.info("engine started", pid=os.getpid(), version=__version__)
        await self.queue.start()
        self.supervisor.start(_SWEEP, self._sweep_daily)

    async def _sweep_daily(self) -> None:
        while True:
            await self._sweep()
            self.supervisor.well(_SWEEP)
            await asyncio.sleep(_DAY)

    async def _sweep(self) -> None:
        """Forgets old jobs, and images that no job needs."""
        jobs = await asyncio.to_thread(self.store.forget, _KEEP_JOBS)
        images = await asyncio.to_thread(self.images.sweep, self.store.used_images(), _KEEP_IMAGES)
        log.info("swept", jobs=jobs, images=images)

    async def stop(self) -> None:
        await self.supervisor.stop()
        await self.queue.stop()
        self.store.close()
        log.info("engine stopped")

    def health(self) -> Health:
        reasons = self.supervisor.reasons
        status = "degraded" if reasons else "ok"
        worker = self.queue.executor.state
        return Health("acetate", __version__, PROTOCOL_VERSION, os.getpid(), worker, status, reasons)


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
