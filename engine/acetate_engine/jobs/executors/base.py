"""What the queue asks of an executor."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from enum import Enum
from typing import Literal, Protocol

from acetate.protocol.events import Event
from acetate.protocol.requests import GenerateRequest


class ExecutorKind(str, Enum):
    """`local`: a process on this machine. `ray`: an actor of a Ray cluster."""

    LOCAL = "local"
    RAY = "ray"


WorkerState = Literal["starting", "ready", "busy", "dead"]


class Executor(Protocol):
    """Carries out one job at a time."""

    @property
    def state(self) -> WorkerState: ...

    async def start(self) -> None:
        """Begins to get ready; returns at once."""

    def run(self, job: str, request: GenerateRequest) -> AsyncGenerator[Event, None]:
        """What happens to the job, up to the event that ends it. Raises WorkerDied."""

    async def cancel(self, job: str) -> None:
        """The job ends with Cancelled at its next step; nothing happens where it is not running."""

    async def stop(self) -> None:
        """Ends every process of this executor; a job under way is broken off."""
