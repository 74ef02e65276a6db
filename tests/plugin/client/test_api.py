"""The plugin's client against a real engine process."""

from __future__ import annotations

import dataclasses
import socket
import threading
from collections.abc import Iterator

import pytest

from acetate.client import api
from acetate.picture import Picture
from acetate.protocol.connection import Connection
from acetate.protocol.errors import (
    AccessError,
    EngineUnreachable,
    InvalidRequest,
    MalformedMessage,
    UnknownImage,
    UnknownJob,
    VersionMismatch,
)
from acetate.protocol.events import Done
from acetate.protocol.geometry import Bounds, Extent
from acetate.protocol.requests import GenerateRequest, Task
from acetate.session.history import thumbnail
from tests.engine.process import EngineProcess
from tests.plugin.test_picture import cut

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    process = EngineProcess(tmp_path_factory.mktemp("engine"))
    yield process.connection
    process.stop()


def pixels(extent: Extent) -> Picture:
    return cut(extent, bytes(index * 7 % 251 for index in range(extent.area * 4)))


def identity(picture: Picture) -> GenerateRequest:
    return GenerateRequest(
        Task.IDENTITY, Bounds(3, -4, *dataclasses.astuple(picture.extent)), 1, foreground=picture.digest
    )


@pytest.mark.parametrize("extent", [Extent(1, 1), Extent(640, 481), Extent(16384, 64)], ids=str)
def test_the_way_of_a_pixel_and_back(connection: Connection, extent: Extent) -> None:
    picture = pixels(extent)
    api.put_image(connection, picture)
    job = api.post_job(connection, identity(picture), f"key-{extent.width}").id
    numbered = list(api.events(connection, job, ""))
    done = numbered[-1].event
    assert isinstance(done, Done)
    assert done.layers[0].bounds.extent == extent
    assert api.layer(connection, job, 0) == picture
    for longest in (1, 192, 1024):
        small = api.layer(connection, job, 0, longest)
        assert max(dataclasses.astuple(small.extent)) <= longest
        assert thumbnail(small, longest) == thumbnail(picture, longest)
    newest = api.recent(connection, 1)[0]
    assert (newest.id, newest.request, newest.layers) == (job, identity(picture), done.layers)


def test_models_say_what_they_can_do(connection: Connection) -> None:
    mini = {model.name: model for model in api.models(connection)}["mini"]
    assert mini.family == "mini"
    assert Task.FOREGROUND in mini.tasks


def test_events_are_taken_up_behind_the_last_one(connection: Connection) -> None:
    picture = pixels(Extent(2, 2))
    api.put_image(connection, picture)
    job = api.post_job(connection, identity(picture), "again").id
    everything = list(api.events(connection, job, ""))
    assert list(api.events(connection, job, everything[0].id)) == everything[1:]


def test_posting_again_makes_no_second_job(connection: Connection) -> None:
    picture = pixels(Extent(3, 2))
    api.put_image(connection, picture)
    assert len({api.post_job(connection, identity(picture), "same").id for _ in range(2)}) == 1


def test_errors_arrive_as_what_they_are(connection: Connection) -> None:
    picture = pixels(Extent(5, 5))
    with pytest.raises(UnknownImage, match="never uploaded"):
        api.post_job(connection, identity(picture), "missing")
    with pytest.raises(InvalidRequest, match="prompt is empty"):
        api.post_job(connection, GenerateRequest(Task.FOREGROUND, Bounds(0, 0, 8, 8), 1), "empty")
    with pytest.raises(UnknownJob):
        api.cancel(connection, "nothing")
    with pytest.raises(UnknownJob):
        list(api.events(connection, "nothing", ""))


def test_a_wrong_token_is_refused_even_in_the_middle_of_an_upload(connection: Connection) -> None:
    stranger = dataclasses.replace(connection, token="guess")
    with pytest.raises(AccessError, match="token"):
        api.post_job(stranger, GenerateRequest(Task.FOREGROUND, Bounds(0, 0, 8, 8), 1, "a fox"), "x")
    with pytest.raises(AccessError):
        api.put_image(stranger, pixels(Extent(2048, 512)))


def test_nobody_there() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        nobody = Connection("127.0.0.1", listener.getsockname()[1], "", 1, "0", 1)
        with pytest.raises(EngineUnreachable, match=r"GET /health") as caught:
            api.health(nobody)  # it is bound, so that nobody else gets it, and does not listen
    assert "Generate" in caught.value.remedy


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (
            b'{"name": "acetate", "version": "9.9.0", "protocol": 999, "pid": 4, "worker": "ready"}',
            VersionMismatch,
            "4242",
        ),
        (b"<html>another program</html>", MalformedMessage, "not JSON"),
    ],
)
def test_a_stale_engine_or_another_program_is_named(answer: bytes, error: type[Exception], words: str) -> None:
    with serving(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(answer), answer)) as port:
        stale = Connection("127.0.0.1", port, "", 4242, "9.9.0", 999)
        with pytest.raises(error, match=words):
            api.health(stale)


class serving:  # noqa: N801  # reads as a sentence
    """A server that gives one answer to whoever asks first; its port."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))

    def __enter__(self) -> int:
        threading.Thread(target=self._serve, daemon=True).start()
        return int(self._listener.getsockname()[1])

    def __exit__(self, *exception: object) -> None:
        self._listener.close()

    def _serve(self) -> None:
        link, _ = self._listener.accept()
        with link:
            link.recv(65536)
            link.sendall(self._answer)
