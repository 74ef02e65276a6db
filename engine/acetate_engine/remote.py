"""A running engine as a Generator, by the client that the plugin uses, too."""

from __future__ import annotations

import base64
import io
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from PIL import Image

from acetate.client import api
from acetate.client.http import Body
from acetate.protocol.connection import Connection, connection_file, usable_connection
from acetate.protocol.errors import AcetateError, EngineUnreachable, MalformedMessage
from acetate.protocol.events import Cancelled, Done, Event, Failed, LayerResult, Preview, Progress, final_state
from acetate.protocol.pixels import MEDIA_TYPE, digest
from acetate.protocol.requests import GenerateRequest
from acetate_engine.compositing.images import decode_image, encode_image
from acetate_engine.compositing.pixels import Pixels
from acetate_engine.pipelines.contract import Generated, GeneratedLayer, Images, JobCancelled, Reporter

_ATTEMPTS = 5  # at an event stream that breaks off
_PAUSE = 0.5  # seconds before the next attempt


class RemoteGenerator:
    """The engine that `connection` names. A job goes on there when this process ends without cancelling it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @staticmethod
    def found(path: Path | None = None) -> RemoteGenerator:
        """The engine of the connection file. Raises EngineUnreachable, VersionMismatch."""
        path = path or connection_file()
        connection = usable_connection(path)
        if connection is None:
            raise EngineUnreachable(f"no engine runs here: there is no {path}", "Start one with `acetate serve`.")
        with _named(connection):
            api.health(connection)
        return RemoteGenerator(connection)

    def generate(self, request: GenerateRequest, images: Images, reporter: Reporter) -> Generated:
        """As in contract.py; also EngineUnreachable. An interrupt cancels the job."""
        with _named(self._connection):
            for name in request.image_digests:
                self._upload(name, images[name])
            job = api.post_job(self._connection, request, uuid.uuid4().hex).id
            done = self._finished(job, reporter)
            return Generated(tuple(self._layer(job, layer) for layer in done.layers), done.notes)

    def _upload(self, name: str, pixels: Pixels) -> None:
        body = encode_image(pixels)
        if digest(body) != name:
            raise MalformedMessage(f"image {name[:12]}… is not named by its digest", "Name it by `image_name`.")
        api.put_body(self._connection, name, Body((body,), len(body), MEDIA_TYPE))

    def _finished(self, job: str, reporter: Reporter) -> Done:
        try:
            return self._followed(job, reporter)
        except (KeyboardInterrupt, JobCancelled):
            with suppress(AcetateError):  # who goes wants no answer
                api.cancel(self._connection, job)
            raise

    def _followed(self, job: str, reporter: Reporter) -> Done:
        """Reports until the job ends; takes up a stream that breaks off behind the last event that came."""
        seen, event = "", None
        for _ in range(_ATTEMPTS):
            with suppress(EngineUnreachable):  # taken up again where it broke off, or told by the next request
                for numbered in api.events(self._connection, job, seen):  # to its end: what is left open is closed
                    seen, event = numbered.id, numbered.event
                    _report(event, reporter)
            if event is not None and final_state(event):
                return _done(event)
            time.sleep(_PAUSE)
        raise EngineUnreachable(f"the engine stopped telling about job {job}", "Look at `acetate doctor`.")

    def _layer(self, job: str, layer: LayerResult) -> GeneratedLayer:
        picture = api.layer(self._connection, job, layer.index)
        pixels = decode_image(b"".join(picture.body()))
        return GeneratedLayer(layer.image, layer.role, layer.name, layer.bounds, pixels, layer.seed)


@contextmanager
def _named(connection: Connection) -> Iterator[None]:
    """On the command line there is no button to press."""
    try:
        yield
    except EngineUnreachable as error:
        raise EngineUnreachable(f"{connection.url} does not answer: {error.detail}", "Start it again.") from error


def _report(event: Event, reporter: Reporter) -> None:
    reporter.check()
    if isinstance(event, Progress):
        reporter.progress(event.step, event.steps, event.stage)
    elif isinstance(event, Preview):
        with Image.open(io.BytesIO(base64.b64decode(event.png)), formats=["PNG"]) as image:
            reporter.preview(event.step, np.asarray(image.convert("RGBA")))


def _done(event: Event) -> Done:
    """Raises what the job ended with otherwise."""
    if isinstance(event, Failed):
        raise event.problem.to_error()
    if isinstance(event, Cancelled):
        raise JobCancelled
    assert isinstance(event, Done)
    return event
