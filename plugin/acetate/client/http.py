"""One HTTP exchange with the engine. Blocking; loopback only, so no proxy is ever asked.

A link is kept behind its exchange for the next one, and whoever is at its other end proves itself once.
"""

from __future__ import annotations

import hmac
import http.client
import io
import json
import secrets
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from acetate.protocol.connection import KEEP_ALIVE, Connection, proof_of
from acetate.protocol.errors import AccessError, AcetateError, EngineUnreachable, JsonValue, MalformedMessage

MEETING = 10.0  # seconds that a proof may take in all
LARGEST_ANSWER = 1 << 26  # bytes of JSON
_LARGEST_PROOF = 1 << 16
_IDLE = KEEP_ALIVE / 2  # seconds that a link waits for its next exchange: the engine never closes one that is taken


@dataclass(frozen=True)
class Body:
    """What a request carries, in pieces, so that no large buffer is ever built."""

    pieces: Iterable[bytes]
    length: int
    media_type: str

    @staticmethod
    def of_json(value: JsonValue) -> Body:
        data = json.dumps(value).encode()
        return Body((data,), len(data), "application/json")


@contextmanager
def exchange(
    connection: Connection,
    method: str,
    path: str,
    *,
    body: Body | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float,  # seconds without a byte
) -> Iterator[http.client.HTTPResponse]:
    """The response, its status below 400.

    Raises the error that a problem+json answer describes; EngineUnreachable where the engine does not answer,
    AccessError where another program does: that one never sees the token.
    """
    link, is_whole = _links.take(connection, timeout), False
    try:
        if link.sock is None:
            meet(link, connection, method, path)
        response = _send(link, connection.token, method, path, body, dict(headers or {}))
        if response.status >= 400:
            raise _problem(response.status, read_capped(response))
        yield response
        is_whole = response.isclosed()  # it was read to its end
    except (OSError, http.client.HTTPException) as error:
        raise _unreachable(connection, method, path, error) from error
    finally:
        _links.give_back(connection, link) if is_whole else link.close()


class _Links:
    """Those that carry nothing now, and at whose other end the engine has proven itself. For any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[tuple[float, Connection, http.client.HTTPConnection]] = []  # since when; the newest last

    def take(self, connection: Connection, timeout: float) -> http.client.HTTPConnection:
        """One with a socket has proven itself; one without is to be opened."""
        with self._lock:
            self._close_old()
            fitting = [one for one in self._idle if one[1] == connection]
            while fitting:
                self._idle.remove(one := fitting.pop())
                if _is_quiet(link := one[2]):
                    link.timeout = timeout
                    link.sock.settimeout(timeout)
                    return link
                link.close()
        return http.client.HTTPConnection(connection.host, connection.port, timeout=timeout)

    def give_back(self, connection: Connection, link: http.client.HTTPConnection) -> None:
        """`link` has a whole answer behind it."""
        with self._lock:
            self._close_old()
            if link.sock is not None:  # the engine did not ask to close it
                self._idle.append((time.monotonic(), connection, link))

    def _close_old(self) -> None:
        while self._idle and time.monotonic() - self._idle[0][0] > _IDLE:
            self._idle.pop(0)[2].close()


_links = _Links()


def _is_quiet(link: http.client.HTTPConnection) -> bool:
    """Whether it is still open, and nobody has said anything that was not asked for."""
    link.sock.setblocking(False)
    try:
        link.sock.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    except OSError:
        pass  # it was broken off
    return False


def ask(connection: Connection, path: str, timeout: float) -> bytes:
    """What anybody may ask, without the token. Raises EngineUnreachable."""
    link = http.client.HTTPConnection(connection.host, connection.port, timeout=timeout)
    try:
        with _deadline(link, 2 * timeout):
            link.request("GET", path)
            return read_capped(link.getresponse(), _LARGEST_PROOF)
    except (OSError, http.client.HTTPException) as error:
        raise _unreachable(connection, "GET", path, error) from error
    finally:
        link.close()


def _unreachable(connection: Connection, method: str, path: str, error: Exception) -> EngineUnreachable:
    return EngineUnreachable(
        f"no answer from {connection.url} to {method} {path} ({error or type(error).__name__})",
        "Press Generate again: the engine is started anew.",
    )


def meet(link: http.client.HTTPConnection, connection: Connection, method: str, path: str) -> None:
    """Asks whoever is at the other end of `link` to prove that it has the token; only then `link` may carry it."""
    challenge = secrets.token_hex(16)
    with _deadline(link, MEETING):
        link.request("GET", f"/health?challenge={challenge}")
        response = link.getresponse()
        answer = response.read(_LARGEST_PROOF + 1)
    link.auto_open = 0  # a link that was closed is another link
    if len(answer) > _LARGEST_PROOF or not proves(answer, connection, challenge):
        raise AccessError(
            f"what answers at {connection.url} does not have the token of the connection file ({method} {path})",
            "Press Generate again: the engine is started anew.",
        )


def proves(answer: bytes, connection: Connection, challenge: str) -> bool:
    try:
        proof = json.loads(answer)["proof"]
        return hmac.compare_digest(proof, proof_of(connection.token, challenge))
    except (ValueError, TypeError, LookupError, RecursionError):
        return False  # whatever else answers does not know the token, which is what is asked


@contextmanager
def _deadline(link: http.client.HTTPConnection, seconds: float) -> Iterator[None]:
    """For all of an answer that comes in it: a time-out alone begins anew with each byte.

    No thread looks after it: where all processors are busy, to start one takes longer than the whole exchange.
    """
    link.response_class = partial(_Hurried, time.monotonic() + seconds)  # type: ignore[assignment]  # called as a class
    try:
        yield
    finally:
        link.response_class = http.client.HTTPResponse
        if link.sock is not None:
            link.sock.settimeout(link.timeout)


class _Hurried(http.client.HTTPResponse):
    """What has to be read by `end`, of the monotonic clock. Raises TimeoutError."""

    def __init__(self, end: float, sock: socket.socket, *arguments: Any, **named: Any) -> None:
        super().__init__(sock, *arguments, **named)
        self.fp = io.BufferedReader(_Until(end, sock, self.fp.detach()))


class _Until(io.RawIOBase):
    def __init__(self, end: float, sock: socket.socket, raw: io.RawIOBase) -> None:
        self._end = end
        self._sock = sock
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer took too long")
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def read_capped(response: http.client.HTTPResponse, limit: int = LARGEST_ANSWER) -> bytes:
    """Raises MalformedMessage where the answer is larger."""
    answer = response.read(limit + 1)
    if len(answer) > limit:
        raise MalformedMessage(f"the answer has more than {limit} bytes", "Restart the engine, or update it.")
    return answer


def _send(
    link: http.client.HTTPConnection, token: str, method: str, path: str, body: Body | None, headers: dict[str, str]
) -> http.client.HTTPResponse:
    headers["Authorization"] = f"Bearer {token}"
    if body:
        headers |= {"Content-Type": body.media_type, "Content-Length": str(body.length)}
    try:
        link.request(method, path, body=body.pieces if body else None, headers=headers)
    except (BrokenPipeError, ConnectionResetError):
        # A server may refuse a body before it has read it all: its answer says why.
        if link.sock is None:
            raise
    return link.getresponse()


def _problem(status: int, text: bytes) -> AcetateError:
    try:
        problem = json.loads(text)
    except (ValueError, RecursionError):
        problem = None  # no problem document: what follows tells of the status instead
    if not isinstance(problem, dict):
        return MalformedMessage(f"the engine answered {status}: {text[:200]!r}", "Restart the engine, or update it.")
    return AcetateError.from_problem(problem)
