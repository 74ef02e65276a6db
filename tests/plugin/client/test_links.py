"""How long a connection is used, and what of it is never used again."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import SimpleNamespace

import pytest

from acetate.client.http import exchange
from acetate.protocol.connection import KEEP_ALIVE, Connection, proof_of
from acetate.protocol.errors import AcetateError, EngineUnreachable
from tests.plugin.client.listening import Listening

TOKEN = "a-secret-that-stays-here"
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Peer(Listening):
    """An engine of few words: what was asked on each connection that was made to it, in order."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.answer = WHOLE  # to all but who asks for a proof
        self.knows = TOKEN
        self._links: list[socket.socket] = []
        super().__init__()
        self.connection = Connection("127.0.0.1", self.port, TOKEN, 1, "0", 1)

    def close(self) -> None:
        super().close()
        self.hang_up()

    def say(self, words: bytes) -> None:
        """To all who have called."""
        for link in self._links:
            link.sendall(words)

    def hang_up(self) -> None:
        """On all who have called."""
        for link in self._links:
            with suppress(OSError):  # it was broken off from the other end
                link.shutdown(socket.SHUT_RDWR)
            link.close()
        self._links.clear()

    def talk(self, link: socket.socket) -> None:
        asked: list[str] = []
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # what it says is there when it has said it
        self._links.append(link)
        self.asked.append(asked)
        try:
            while head := link.recv(65536):
                path = head.split()[1].decode()
                asked.append(path.partition("?")[0])
                link.sendall(self._proof(path) if path.startswith("/health") else self.answer)
        except OSError:
            pass  # it was hung up

    def _proof(self, path: str) -> bytes:
        body = b'{"proof": "%s"}' % proof_of(self.knows, path.partition("challenge=")[2]).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


class Clock:
    """The client's: it stands still, so that no machine is too slow for what is tested."""

    def __init__(self) -> None:
        self._now = time.monotonic()

    def __call__(self) -> float:
        return self._now

    def go_on(self, seconds: float) -> None:
        self._now += seconds


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("acetate.client.http.time", SimpleNamespace(monotonic=clock))
    return clock


@pytest.fixture
def peer() -> Iterator[Peer]:
    peer = Peer()
    yield peer
    peer.close()


def ask(peer: Peer, path: str = "/a", timeout: float = 30) -> bytes:
    with exchange(peer.connection, "GET", path, timeout=timeout) as response:
        return response.read()


def test_one_proof_is_enough_for_a_connection(peer: Peer) -> None:
    assert [ask(peer) for _ in range(3)] == [b"{}"] * 3
    assert peer.asked == [["/health", "/a", "/a", "/a"]]


def test_those_who_ask_at_once_have_a_connection_each(peer: Peer) -> None:
    meeting = threading.Barrier(4)

    def meet(_: int) -> bytes:
        with exchange(peer.connection, "GET", "/a", timeout=30) as response:
            meeting.wait(60)
            return response.read()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(meet, range(4))) == [b"{}"] * 4
    assert peer.asked == [["/health", "/a"]] * 4
    ask(peer)
    assert sorted(map(len, peer.asked)) == [2, 2, 2, 3]


def test_a_connection_that_was_closed_is_not_asked(peer: Peer) -> None:
    ask(peer)
    peer.hang_up()
    assert ask(peer) == b"{}"
    assert peer.asked == [["/health", "/a"]] * 2


def test_a_connection_on_which_something_came_unasked_is_not_asked(peer: Peer) -> None:
    ask(peer)
    peer.say(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
    assert ask(peer) == b"{}"
    assert peer.asked == [["/health", "/a"]] * 2


def test_a_new_connection_wants_a_new_proof(peer: Peer) -> None:
    """Another program has the port by now."""
    ask(peer)
    peer.hang_up()
    peer.knows = "another"
    with pytest.raises(AcetateError, match="token"):
        ask(peer)
    assert peer.asked[1:] == [["/health"]]


def test_another_engine_at_the_same_port_has_no_part_in_it(peer: Peer) -> None:
    ask(peer)
    peer.connection = Connection(peer.connection.host, peer.connection.port, peer.knows + "x", 2, "0", 1)
    with pytest.raises(AcetateError, match="token"):
        ask(peer)
    assert peer.asked == [["/health", "/a"], ["/health"]]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}",
    ],
    ids=["closes", "old", "refuses"],
)
def test_what_may_have_a_rest_in_it_is_not_used_again(peer: Peer, answer: bytes) -> None:
    peer.answer = answer
    for _ in range(2):
        try:
            ask(peer)
        except AcetateError:
            assert b"404" in answer
    assert peer.asked == [["/health", "/a"]] * 2


def test_an_answer_that_nobody_has_read_to_its_end_is_left_behind(peer: Peer) -> None:
    with exchange(peer.connection, "GET", "/a", timeout=30) as response:
        assert response.read(1) == b"{"
    assert ask(peer) == b"{}"
    assert peer.asked == [["/health", "/a"]] * 2


def test_who_stumbles_over_an_answer_leaves_it_behind(peer: Peer) -> None:
    with pytest.raises(ZeroDivisionError), exchange(peer.connection, "GET", "/a", timeout=30) as response:
        raise ZeroDivisionError(response.read())
    ask(peer)
    assert peer.asked == [["/health", "/a"]] * 2


def test_each_exchange_has_its_own_patience(peer: Peer) -> None:
    ask(peer)
    peer.answer = b""
    with pytest.raises(EngineUnreachable, match="timed out"):
        ask(peer, timeout=0.2)
    assert peer.asked == [["/health", "/a", "/a"]]


def test_a_connection_is_left_before_the_engine_closes_it(peer: Peer, clock: Clock) -> None:
    ask(peer)
    for _ in range(3):
        clock.go_on(KEEP_ALIVE / 3)
        ask(peer)
    assert len(peer.asked) == 1
    clock.go_on(KEEP_ALIVE * 2 / 3)
    ask(peer)
    assert peer.asked[1:] == [["/health", "/a"]]
