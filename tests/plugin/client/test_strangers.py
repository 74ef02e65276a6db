"""Connection files that are none, and programs that are no engine."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from acetate.client import api
from acetate.client.launcher import find
from acetate.protocol.codec import to_json
from acetate.protocol.connection import (
    Connection,
    connection_file,
    proof_of,
    read_connection,
    usable_connection,
    write_connection,
)
from acetate.protocol.errors import AcetateError, MalformedMessage
from acetate.protocol.events import Health
from acetate.protocol.version import PROTOCOL_VERSION, __version__
from tests.engine.process import private_environment
from tests.plugin.client.listening import Listening

TOKEN = "a-secret-that-stays-here"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in private_environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    return tmp_path


GOOD = json.dumps(to_json(Connection("127.0.0.1", 9, TOKEN, 1, __version__, PROTOCOL_VERSION)))

FIELDS: dict[str, list[object]] = {  # what no engine writes
    "host": ["", "\0", "a b", "h\r\nX: y", "ü" * 80, "a" * 300, "..", "example.org", "0.0.0.0"],
    "port": [0, -1, 70_000, 2**70],
    "pid": [0, -1, 2**80],
    "token": ["", "\n", "a b", "ü€"],
}


def with_field(name: str, value: object) -> str:
    return json.dumps({**json.loads(GOOD), name: value})


UNUSABLE: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "half": lambda path: path.write_text(GOOD[: len(GOOD) // 2]),
    "foreign": lambda path: path.write_text('{"port": "a harbour"}'),
    "nul": lambda path: path.write_bytes(b"\0" * 400),
    "not text": lambda path: path.write_bytes(b"\xff\xfe" + GOOD.encode()),
    "deep": lambda path: path.write_bytes(b"[" * 60_000),
    "huge": lambda path: path.write_text(GOOD + " " * (1 << 20)),
    "pipe": os.mkfifo,
    "folder": Path.mkdir,
    "link": lambda path: path.symlink_to("/etc/passwd"),
    **{
        f"{name} {str(value)[:9]!r}": lambda path, change=(name, value): path.write_text(with_field(*change))  # type: ignore[misc]
        for name, values in FIELDS.items()
        for value in values
    },
}


@pytest.mark.parametrize("make", UNUSABLE.values(), ids=UNUSABLE)
def test_a_file_that_is_no_connection_counts_as_none_and_makes_room(make: Callable[[Path], object]) -> None:
    path = connection_file()
    path.parent.mkdir(parents=True)
    make(path)
    assert usable_connection(path) is None
    assert find() is None
    with pytest.raises(MalformedMessage, match=r"connection\.json"):
        read_connection(path)
    connection = Connection("127.0.0.1", 9, TOKEN, 1, __version__, PROTOCOL_VERSION)
    write_connection(path, connection)
    assert read_connection(path) == connection


class Stranger(Listening):
    """A program on a port, which notes what it is told and answers as `answer` does, in pieces."""

    def __init__(self, answer: Callable[[bytes], Iterator[bytes]]) -> None:
        self._answer = answer
        self.heard = b""
        super().__init__()

    @property
    def connection(self) -> Connection:
        return Connection("127.0.0.1", self.port, TOKEN, os.getpid(), __version__, PROTOCOL_VERSION)

    def talk(self, link: socket.socket) -> None:
        with link:
            try:
                while asked := link.recv(65536):
                    self.heard += asked
                    for piece in self._answer(asked):
                        link.sendall(piece)
            except OSError:
                pass


def with_health(prove: Callable[[bytes], str], **changes: object) -> Callable[[bytes], Iterator[bytes]]:
    def answer(asked: bytes) -> Iterator[bytes]:
        health = Health("acetate", __version__, PROTOCOL_VERSION, os.getpid(), "ready", proof=prove(asked))
        body = json.dumps({**to_json(health), **changes}).encode()
        yield b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)

    return answer


def drip(asked: bytes) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"
    while True:
        time.sleep(0.1)
        yield b" "


def drip_headers(asked: bytes) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\n"
    while True:
        time.sleep(0.1)
        yield b"X: y\r\n"


def flood(asked: bytes) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\n\r\n"
    while True:
        yield b"[" * (1 << 20)


STRANGERS: dict[str, Callable[[bytes], Iterator[bytes]]] = {
    "no proof": with_health(lambda asked: ""),
    "wrong proof": with_health(lambda asked: "0" * 64),
    "proof of another token": with_health(lambda asked: proof_of("another", "x")),
    "another protocol": with_health(lambda asked: "", protocol=PROTOCOL_VERSION + 1),
    "no protocol": with_health(lambda asked: "", protocol=None),
    "another name": with_health(lambda asked: "", name="besides"),
    "proof of another kind": with_health(lambda asked: "", proof=[1]),
    "no JSON": lambda asked: iter([b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\xff\xfe\0{"]),
    "no HTTP": lambda asked: iter([b"SSH-2.0-OpenSSH_9\r\n"]),
    "drops of a body": drip,
    "drops of headers": drip_headers,
    "flood": flood,
}


@pytest.mark.parametrize("answer", STRANGERS.values(), ids=STRANGERS)
def test_a_program_without_the_token_is_not_believed_and_never_gets_it(
    answer: Callable[[bytes], Iterator[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("acetate.client.http.MEETING", 2.0)
    stranger = Stranger(answer)
    try:
        write_connection(connection_file(), stranger.connection)
        assert find() is None
        with pytest.raises(AcetateError):
            api.models(stranger.connection)
        with pytest.raises(AcetateError):
            list(api.events(stranger.connection, "a", ""))
        assert b"GET /health" in stranger.heard
        assert TOKEN.encode() not in stranger.heard
    finally:
        stranger.close()
