"""A hub on this machine, with what huggingface-hub asks of one: HEAD with the metadata, GET with ranges."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

from tests.engine.process import PATIENCE

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    url: str
    files: dict[str, bytes] = field(default_factory=dict)  # by name, whatever the repository
    says_digest: bool = True
    said: dict[str, str] = field(default_factory=dict)  # by name: another digest than the file's
    breaks_after: int | None = None  # bytes of a body, then the line goes dead
    asked: list[str] = field(default_factory=list)  # ranges of the GETs, empty where whole
    headers: list[str] = field(default_factory=list)  # Authorization of every request
    gate: threading.Event = field(default_factory=threading.Event)  # GETs wait for it behind their first bytes


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: ClassVar[Hub]

    def do_HEAD(self) -> None:
        self._answer(has_body=False)

    def do_GET(self) -> None:
        self._answer(has_body=True)

    def log_message(self, format: str, *arguments: object) -> None:
        """Says nothing on the screen."""

    def _answer(self, *, has_body: bool) -> None:
        hub, name = self.hub, self.path.rpartition("/")[2]
        hub.headers.append(self.headers.get("Authorization", ""))
        content = hub.files.get(name)
        if content is None:
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.send_header("X-Error-Code", "EntryNotFound")
            self.end_headers()
            return
        asked = self.headers.get("Range", "")
        start = int(asked.removeprefix("bytes=").partition("-")[0]) if asked else 0
        if has_body:
            hub.asked.append(asked)
        self._head(name, content, start)
        if has_body:
            self._body(content[start:])

    def _head(self, name: str, content: bytes, start: int) -> None:
        digest = self.hub.said.get(name, hashlib.sha256(content).hexdigest())
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{digest}"' if self.hub.says_digest else '"a-short-one"')
        self.end_headers()

    def _body(self, content: bytes) -> None:
        whole = self.hub.breaks_after is None
        self.wfile.write(content[: self.hub.breaks_after or len(content) // 2])
        self.wfile.flush()
        if not whole:
            self.close_connection = True
            return
        self.hub.gate.wait(PATIENCE)
        self.wfile.write(content[len(content) // 2 :])


@contextmanager
def running() -> Iterator[Hub]:
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    handler.hub = hub = Hub(f"http://127.0.0.1:{server.server_address[1]}")  # type: ignore[attr-defined]
    hub.gate.set()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        hub.gate.set()
        server.shutdown()
        server.server_close()
