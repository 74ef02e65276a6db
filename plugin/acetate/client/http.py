"""One HTTP exchange with the engine. Blocking; loopback only, so no proxy is ever asked."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from acetate.protocol.connection import Connection
from acetate.protocol.errors import AcetateError, EngineUnreachable, JsonValue, MalformedMessage


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

    Raises the error that a problem+json answer describes; EngineUnreachable where the engine does not answer.
    """
    link = http.client.HTTPConnection(connection.host, connection.port, timeout=timeout)
    try:
        response = _send(link, connection.token, method, path, body, dict(headers or {}))
        if response.status >= 400:
            raise _problem(response.status, response.read())
        yield response
    except (OSError, http.client.HTTPException) as error:
        raise EngineUnreachable(
            f"no answer from {connection.url} to {method} {path} ({error or type(error).__name__})",
            "Press Generate again: the engine is started anew.",
        ) from error
    finally:
        link.close()


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
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        return MalformedMessage(f"the engine answered {status}: {text[:200]!r}", "Restart the engine, or update it.")
    return AcetateError.from_problem(problem)
