"""The outermost ASGI application: who may ask, /health, and the wait for FastAPI.

FastAPI takes longer to import than a second on a slow machine, so it is imported in a thread while /health answers.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from acetate.protocol.codec import to_json
from acetate.protocol.connection import LOOPBACK, proof_of
from acetate.protocol.errors import AccessError, AcetateError, ForbiddenOrigin, Json, PayloadTooLarge
from acetate.protocol.events import Health
from acetate_engine.api.service import Service

if TYPE_CHECKING:
    from fastapi import FastAPI

AsgiScope = MutableMapping[str, Any]  # as ASGI defines it
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Hook = Callable[[], None]

_IN_PIECES = "/v1/images/"  # what takes larger bodies, and keeps them on the disk
_LARGEST = 2**22  # bytes of any other: a stack of 64 long prompts, every letter escaped, is smaller
_PAGES = ("/docs", "/openapi.json")  # and what lies below them
_GET_THE_TOKEN = "Read the token from the connection file and send it as Authorization: Bearer."


class Gate:
    """Starts the engine with the server, and stops it with the server, behind `on_stop`."""

    def __init__(self, engine: Service, token: str, on_stop: Hook) -> None:
        self._engine = engine
        self._token = token.encode()
        self._on_stop = on_stop
        self._app: asyncio.Task[FastAPI] | None = None

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await self._answer(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await self._engine.start()
        self._app = self._begin_app()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._on_stop()
        await self._engine.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        headers = _combined(scope["headers"])
        is_health = scope["path"] == "/health"
        try:
            check_machine(headers)
            if not is_health:
                check_token(_given_token(scope, headers), self._token)
                receive = receive if scope["path"].startswith(_IN_PIECES) else await _held(receive)
        except AcetateError as error:
            await _send_problem(error, send)
            return
        if is_health and scope["method"] == "GET":
            await _send_json(200, "application/json", to_json(self._health(scope)), send)
        else:
            await (await self._built_app())(scope, receive, send)

    def _health(self, scope: AsgiScope) -> Health:
        """With the proof that this engine has the token, where one is asked for."""
        health = self._engine.health()
        challenge = parse_qs(scope["query_string"].decode("latin-1")).get("challenge", [""])[0]
        return replace(health, proof=proof_of(self._token.decode(), challenge)) if challenge else health

    def _begin_app(self) -> asyncio.Task[FastAPI]:
        return asyncio.create_task(asyncio.to_thread(_build_app, self._engine))

    async def _built_app(self) -> FastAPI:
        """Once it is there; where it could not be built (no descriptor was left, say), it is tried again."""
        assert self._app is not None
        if self._app.done() and self._app.exception():
            self._app = self._begin_app()
        return await asyncio.shield(self._app)


def _combined(given: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """One that came twice counts as what RFC 9110 (5.2) makes of it: no origin and no token is written so."""
    headers: dict[str, str] = {}
    for name, value in ((name.decode("latin-1"), value.decode("latin-1")) for name, value in given):
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


async def _held(receive: Receive) -> Receive:
    """The body as a whole: one without end would fill the memory. Raises PayloadTooLarge."""
    body = bytearray()
    while (message := await receive()).get("more_body"):
        body += message["body"]
        if len(body) > _LARGEST:
            raise PayloadTooLarge(f"the body has more than {_LARGEST} bytes", "Upload pictures as images.")
    if message["type"] == "http.request":
        message = {"type": "http.request", "body": bytes(body) + message.get("body", b""), "more_body": False}
    first = [message]

    async def again() -> MutableMapping[str, Any]:
        return first.pop() if first else await receive()

    return again


def check_machine(headers: dict[str, str]) -> None:
    """Raises ForbiddenOrigin where another name was resolved to loopback (DNS rebinding), or a web page asks."""
    host = headers.get("host", "")
    if _host_of(f"//{host}") not in LOOPBACK:
        raise ForbiddenOrigin(f"the Host {host[:80]!r} is not this machine", "Ask 127.0.0.1.")
    origin = headers.get("origin")
    if origin is not None and _host_of(origin) not in LOOPBACK:
        raise ForbiddenOrigin(f"a page of {origin[:80]!r} asked", "Ask from a page or program of this machine.")


def _host_of(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None  # no host: the gate refuses it, and says so


def _given_token(scope: AsgiScope, headers: dict[str, str]) -> str:
    """From the header; from the query where a browser's address line leads to the documentation."""
    if scope["path"].startswith(_PAGES) and b"token=" in scope["query_string"]:
        return parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
    scheme, _, given = headers.get("authorization", "").partition(" ")
    return given.strip() if scheme.lower() == "bearer" else ""


def check_token(given: str, token: bytes) -> None:
    """Raises AccessError; compares in constant time."""
    if not given:
        raise AccessError("no token came with the request", _GET_THE_TOKEN)
    if not hmac.compare_digest(given.encode(), token):
        raise AccessError("the token is not this engine's", _GET_THE_TOKEN)


def _build_app(engine: Service) -> FastAPI:
    from acetate_engine.api.app import create_app

    app = create_app()
    app.state.engine = engine
    return app


async def _send_problem(error: AcetateError, send: Send) -> None:
    await _send_json(error.status, "application/problem+json", error.to_problem(), send)


async def _send_json(status: int, media_type: str, body: Json, send: Send) -> None:
    data = json.dumps(body).encode()
    headers = [(b"content-type", media_type.encode()), (b"content-length", str(len(data)).encode())]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": data})
