"""Connections that say nothing for long, or are too many, make room for those that do."""

from __future__ import annotations

import asyncio
import os
import resource
import sys
from typing import Any, ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_TIMEOUT = 5.0  # seconds that the head of a request may take, from its first byte; of the first from the start
BODY_TIMEOUT = float(os.environ.get("ACETATE_BODY_SECONDS", "20"))  # without a byte of a body that is not complete
_RESERVED = 64  # descriptors that are no connections: store, log, worker, pictures


class PatientProtocol(H11Protocol):
    """HTTP as uvicorn speaks it. The oldest connection without a request under way goes when there are too many."""

    open_ones: ClassVar[dict[PatientProtocol, None]] = {}  # the oldest first
    most: ClassVar[int] = 256

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.open_ones[self] = None
        self._limit, self._limits = self._after(HEADER_TIMEOUT), "a head"
        if len(self.open_ones) > self.most:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        self.open_ones.pop(self, None)
        self._limit.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        state = self.conn.their_state
        if state is h11.SEND_BODY:
            self._expect("a body", BODY_TIMEOUT, anew=True)
        elif state is h11.IDLE and self.conn.trailing_data[0]:
            self._expect("a head", HEADER_TIMEOUT)
        else:
            self._limit.cancel()
            self._limits = ""

    def _expect(self, what: str, seconds: float, *, anew: bool = False) -> None:
        """`anew`: each byte gives the next one as long."""
        if anew or self._limits != what:
            self._limit.cancel()
            self._limit, self._limits = self._after(seconds), what

    def _after(self, seconds: float) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(seconds, self._give_up)

    @property
    def _is_waiting(self) -> bool:
        """Whether no request of it is under way."""
        return self.cycle is None or self.cycle.response_complete

    def _give_up(self) -> None:
        if self.flow.read_paused:  # it is this side that takes nothing more for now
            self._limit = self._after(BODY_TIMEOUT)
        else:
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
