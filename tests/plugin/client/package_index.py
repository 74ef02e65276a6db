"""A package index on this machine (PEP 503) that can break off, and small wheels for it."""

from __future__ import annotations

import hashlib
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.engine.process import PATIENCE


class PackageIndex:
    """Serves the wheels of a folder. A file named in `broken` ends in the middle, as often as the number says."""

    def __init__(self, wheels: Path, url: str) -> None:
        self.wheels = wheels
        self.url = url
        self.broken: dict[str, int] = {}
        self.sent: dict[str, int] = {}  # bytes by file name
        self.held = threading.Event()  # while it is clear, files wait, those of uv apart
        self.held.set()


@contextmanager
def package_index(wheels: Path) -> Iterator[PackageIndex]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    index = PackageIndex(wheels, f"http://127.0.0.1:{server.server_port}/simple")
    server.index = index  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield index
    finally:
        index.held.set()
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    @property
    def index(self) -> PackageIndex:
        return self.server.index  # type: ignore[attr-defined,no-any-return]

    def log_message(self, format: str, *args: object) -> None:
        """Tests print enough."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        kind, _, name = self.path.strip("/").partition("/")
        if kind == "simple":
            self._page(name)
        elif (self.index.wheels / name).is_file():
            self._file(name)
        else:
            self.send_error(404)

    def _page(self, project: str) -> None:
        files = [path for path in self.index.wheels.glob("*.whl") if _project(path) == project]
        if not files:
            self.send_error(404)
            return
        links = (f'<a href="/files/{path.name}#sha256={sha256(path)}">{path.name}</a>' for path in files)
        self._send(200, "text/html", f"<!DOCTYPE html><html><body>{' '.join(links)}</body></html>".encode())

    def _file(self, name: str) -> None:
        data = (self.index.wheels / name).read_bytes()
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0] or 0)
        if self.command == "GET" and _project(Path(name)) != "uv":
            self.index.held.wait(PATIENCE)
        is_broken = self.command == "GET" and self.index.broken.get(name, 0) > 0
        if is_broken:
            self.index.broken[name] -= 1
        rest = data[start:]
        self._send(206 if start else 200, "application/zip", rest, len(rest) // 2 if is_broken else len(rest))

    def _send(self, status: int, kind: str, body: bytes, sent: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "max-age=600")  # as PyPI's
        self.end_headers()
        if self.command == "GET":
            part, name = body[:sent], self.path.rpartition("/")[2]
            self.index.sent[name] = self.index.sent.get(name, 0) + len(part)  # whoever has it finds it counted
            with suppress(ConnectionError):  # who asked has gone
                self.wfile.write(part)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _project(wheel: Path) -> str:
    return wheel.name.partition("-")[0].lower().replace("_", "-")


def make_wheel(folder: Path, name: str, version: str, files: dict[str, bytes], tag: str = "py3-none-any") -> Path:
    """A pure wheel (PEP 427) that holds `files`."""
    wheel = folder / f"{name}-{version}-{tag}.whl"
    information = f"{name}-{version}.dist-info"
    contents = {
        **files,
        f"{information}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{information}/WHEEL": f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {tag}\n".encode(),
    }
    record = "".join(f"{path},,\n" for path in (*contents, f"{information}/RECORD"))
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, data in {**contents, f"{information}/RECORD": record.encode()}.items():
            archive.writestr(path, data)
    return wheel
