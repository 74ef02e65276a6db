"""Connections that say nothing for long, or are too many, make room for those that do."""

from __future__ import annotations

import asyncio
import resource
import sys
from typing import Any, ClassVar

from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_TIMEOUT = 5.0  # seconds that the head of a first request may take
_RESERVED = 64  # descriptors that are no connections: store, log, worker, pictures


class PatientProtocol(H11Protocol):
    """HTTP as uvicorn speaks it. The oldest connection without a request under way goes when there are too many."""

    open_ones: ClassVar[dict[PatientProtocol, None]] = {}  # the oldest first
    most: ClassVar[int] = 256

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.open_ones[self] = None
        self._head = asyncio.get_running_loop().call_later(HEADER_TIMEOUT, self._give_up)
        if len(self.open_ones) > self.most:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        self.open_ones.pop(self, None)
        self._head.cancel()
        super().connection_lost(exc)

    @property
    def _is_waiting(self) -> bool:
        """Whether no request of it is under way."""
        return self.cycle is None or self.cycle.response_complete

    def _give_up(self) -> None:
        if self.cycle is None:
            self.transport.close()

    def _make_room(self) -> None:
        idle = next((one for one in self.open_ones if one is not self and one._is_waiting), None)
        victim = idle or next(iter(self.open_ones))
        victim.transport.abort()
        self.open_ones.pop(victim, None)


def allow_connections() -> None:
    """As many as descriptors allow, with some to spare."""
    if sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4096 if hard == resource.RLIM_INFINITY else min(hard, 4096)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    PatientProtocol.most = max(16, min(1024, soft - 2 * _RESERVED))
