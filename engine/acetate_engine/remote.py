"""A running engine as a Generator: requests over HTTP, progress by server-sent events; standard library only."""

from __future__ import annotations

import base64
import io
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPException, HTTPResponse
from pathlib import Path

import numpy as np
from PIL import Image

from acetate.protocol.codec import from_json, to_json
from acetate.protocol.connection import Connection, connection_file, read_connection
from acetate.protocol.errors import AcetateError, EngineUnreachable, Json, MalformedMessage, VersionMismatch
from acetate.protocol.events import (
    Accepted,
    Cancelled,
    Done,
    Event,
    Failed,
    LayerResult,
    Preview,
    Progress,
    decode_event,
    final_state,
)
from acetate.protocol.pixels import MEDIA_TYPE, digest
from acetate.protocol.requests import GenerateRequest
from acetate.protocol.version import PROTOCOL_VERSION
from acetate_engine.compositing.images import decode_image, encode_image
from acetate_engine.compositing.pixels import Pixels
from acetate_engine.pipelines.contract import Generated, GeneratedLayer, Images, JobCancelled, Reporter

_TIMEOUT = 30.0  # seconds without a byte; the engine sends a heartbeat every five
_ATTEMPTS = 5  # at an event stream that breaks off
_PAUSE = 0.5  # seconds before the next attempt


class RemoteGenerator:
    """The engine that `connection` names. A job goes on there when this process ends without cancelling it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._http = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback: never through a proxy

    @staticmethod
    def found(path: Path | None = None) -> RemoteGenerator:
        """The engine of the connection file. Raises EngineUnreachable, VersionMismatch."""
        path = path or connection_file()
        connection = read_connection(path)
        if connection is None:
            raise EngineUnreachable(f"no engine runs here: there is no {path}", "Start one with `acetate serve`.")
        if connection.protocol != PROTOCOL_VERSION:
            raise VersionMismatch(
                f"the engine is {connection.version} and speaks protocol {connection.protocol}, not {PROTOCOL_VERSION}",
                "End it and start it again from this installation.",
            )
        return RemoteGenerator(connection)

    def generate(self, request: GenerateRequest, images: Images, reporter: Reporter) -> Generated:
        """As in contract.py; also EngineUnreachable. An interrupt cancels the job."""
        for name in request.image_digests:
            self._upload(name, images[name])
        accepted = from_json(Accepted, self._json("POST", "/v1/jobs", json.dumps(to_json(request)).encode()))
        try:
            done = self._followed(accepted.id, reporter)
        except (KeyboardInterrupt, JobCancelled):
            with suppress(AcetateError):
                self._json("DELETE", f"/v1/jobs/{accepted.id}")
            raise
        return Generated(tuple(self._layer(accepted.id, layer) for layer in done.layers), done.notes)

    def _upload(self, name: str, pixels: Pixels) -> None:
        body = encode_image(pixels)
        if digest(body) != name:
            raise MalformedMessage(f"image {name[:12]}… is not named by its digest", "Name it by `image_name`.")
        self._open("PUT", f"/v1/images/{name}", body, MEDIA_TYPE).close()

    def _followed(self, job: str, reporter: Reporter) -> Done:
        """Reports until the job ends; takes up a stream that breaks off behind the last event that came."""
        seen = 0
        for _ in range(_ATTEMPTS):
            with suppress(OSError, HTTPException, EngineUnreachable):
                for number, event in self._events(job, seen):
                    seen = number
                    _report(event, reporter)
                    if isinstance(event, Done):
                        return event
                    if final_state(event):
                        raise _failure(event)
            time.sleep(_PAUSE)
        raise EngineUnreachable(f"the engine stopped telling about job {job}", "Look at `acetate doctor`.")

    def _events(self, job: str, last: int) -> Iterator[tuple[int, Event]]:
        headers = {"Accept": "text/event-stream", "Last-Event-ID": str(last)}
        fields: dict[str, str] = {}
        with self._open("GET", f"/v1/jobs/{job}/events", headers=headers) as stream:
            for line in stream:
                name, _, value = line.decode().rstrip("\r\n").partition(": ")
                if name:
                    fields[name] = value
                elif "data" in fields and "event" in fields:
                    yield int(fields.get("id", last)), decode_event(fields["event"], fields["data"])
                    fields = {}

    def _layer(self, job: str, layer: LayerResult) -> GeneratedLayer:
        with self._open("GET", f"/v1/jobs/{job}/layers/{layer.index}", headers={"Accept": MEDIA_TYPE}) as answer:
            pixels = decode_image(answer.read())
        return GeneratedLayer(layer.image, layer.role, layer.name, layer.bounds, pixels, layer.seed)

    def _json(self, method: str, path: str, body: bytes | None = None) -> Json:
        with self._open(method, path, body, "application/json") as answer:
            found: Json = json.load(answer)
            return found

    def _open(
        self, method: str, path: str, body: bytes | None = None, kind: str = "", headers: dict[str, str] | None = None
    ) -> HTTPResponse:
        """Raises the AcetateError that the engine answers with, EngineUnreachable where it does not answer."""
        request = urllib.request.Request(self._connection.url + path, body, method=method)
        request.add_header("Authorization", f"Bearer {self._connection.token}")
        for name, value in {**(headers or {}), **({"Content-Type": kind} if kind else {})}.items():
            request.add_header(name, value)
        try:
            answer: HTTPResponse = self._http.open(request, timeout=_TIMEOUT)
        except urllib.error.HTTPError as error:
            raise _problem(error) from None
        except OSError as error:
            raise EngineUnreachable(f"{self._connection.url} does not answer: {error}", "Start it again.") from error
        return answer


def _problem(error: urllib.error.HTTPError) -> AcetateError:
    with suppress(ValueError):
        return AcetateError.from_problem(json.load(error))
    return EngineUnreachable(f"the engine answered {error.code} {error.reason}", "Look at `acetate doctor`.")


def _report(event: Event, reporter: Reporter) -> None:
    reporter.check()
    if isinstance(event, Progress):
        reporter.progress(event.step, event.steps, event.stage)
    elif isinstance(event, Preview):
        with Image.open(io.BytesIO(base64.b64decode(event.png)), formats=["PNG"]) as image:
            reporter.preview(event.step, np.asarray(image.convert("RGBA")))


def _failure(event: Event) -> Exception:
    if isinstance(event, Failed):
        return event.problem.to_error()
    assert isinstance(event, Cancelled)
    return JobCancelled()
