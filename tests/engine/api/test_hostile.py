"""Requests that nobody honest sends, and connections that do not go on."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import socket
import struct
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from acetate.protocol.events import JobState
from acetate.protocol.geometry import Bounds, Extent
from acetate.protocol.pixels import PixelBuffer, PixelFormat, digest
from tests.engine.process import PATIENCE, PIXELS, EngineProcess, identity_request, problem_of, wait_until

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    """That waits less long than usual for a body that does not go on."""
    process = EngineProcess(tmp_path_factory.mktemp("engine"), ACETATE_BODY_SECONDS="4")
    yield process
    process.stop()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(*chunks: bytes, side: int = 2) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks)


END = chunk(b"IEND", b"")
BROKEN = {
    "no IDAT": png(END),
    "no end": png(),
    "text that is a bomb": png(chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(1 << 26))), END),
    "cut": png(chunk(b"IDAT", zlib.compress(b"\0" * 4)), END)[:-9],
    "no IHDR": b"\x89PNG\r\n\x1a\n" + END,
    "huge": png(chunk(b"IDAT", b""), END, side=2**31 - 1),
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_a_broken_png_is_refused_by_name(engine: EngineProcess, body: bytes) -> None:
    answer = engine.http.put(f"/v1/images/{digest(body)}", content=body)
    assert answer.status_code in (400, 413, 422), answer.text
    assert problem_of(answer)["remedy"]


@pytest.mark.parametrize("packed", [b"", b"abc"])
def test_a_png_of_which_only_the_pixels_are_broken_fails_its_job_by_name(engine: EngineProcess, packed: bytes) -> None:
    body = png(chunk(b"IDAT", packed), END)
    assert engine.http.put(f"/v1/images/{digest(body)}", content=body).status_code == 201
    job = engine.submit(identity_request(foreground=digest(body), bounds=Bounds(0, 0, 2, 2)))
    failed = engine.wait_for(job, JobState.FAILED)
    assert failed.problem is not None and "PNG cannot be read" in failed.problem.detail


def test_changed_uploads_are_never_an_error_of_the_engine(engine: EngineProcess) -> None:
    good = [PIXELS.encode(), png(chunk(b"IDAT", zlib.compress(b"\0\xc0\0\x80")), END)]
    dice = random.Random(20)
    for _ in range(int(os.environ.get("ACETATE_FUZZ", 300))):
        body = bytearray(dice.choice(good))
        for _ in range(dice.randint(1, 4)):
            body[dice.randrange(len(body))] = dice.randrange(256)
        changed = bytes(body[: dice.choice((len(body), dice.randrange(len(body))))])
        assert engine.http.put(f"/v1/images/{digest(changed)}", content=changed).status_code < 500


def test_an_upload_that_breaks_off_leaves_nothing_behind(engine: EngineProcess) -> None:
    for _ in range(3):
        with raw(engine) as link:
            head = f"PUT /v1/images/{'a' * 64} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5000\r\n"
            link.sendall(f"{head}Authorization: Bearer {engine.connection.token}\r\n\r\nsome".encode())
    images = engine.root / "data" / "acetate" / "images"
    wait_until(lambda: not list(images.glob(".partial-*")), "the pieces to be gone")
    assert "Traceback" not in engine.log.read_text() and "ClientDisconnect" not in engine.log.read_text()


@contextlib.contextmanager
def raw(engine: EngineProcess) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", engine.connection.port), PATIENCE) as link:
        yield link


@pytest.mark.parametrize("start", [b"", b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n", b"G"])
def test_a_request_that_does_not_come_is_not_waited_for(engine: EngineProcess, start: bytes) -> None:
    with raw(engine) as link:
        link.sendall(start)
        assert link.recv(100) == b"" or link.recv(65536) == b""


WHOLE = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.mark.parametrize("drops", [[], [b"X", b": ", b"a", b"b", b"c", b"d", b"e", b"f", b"g", b"h"] * 2])
def test_a_further_request_that_does_not_come_is_not_waited_for_either(
    engine: EngineProcess, drops: list[bytes]
) -> None:
    with raw(engine) as link:
        link.sendall(WHOLE)
        answer = b""
        while not answer.endswith(b"}"):
            answer += link.recv(65536)
        assert answer.startswith(b"HTTP/1.1 200")
        link.sendall(WHOLE[:30])
        with contextlib.suppress(ConnectionError):
            for drop in drops:
                time.sleep(0.4)
                link.sendall(drop)
        with contextlib.suppress(ConnectionError):
            assert link.recv(65536) == b""


@pytest.mark.parametrize("how", [b"Content-Length: 100\r\n\r\nabc", b"Transfer-Encoding: chunked\r\n\r\n5\r\nab"])
def test_an_upload_that_stands_still_is_given_up(engine: EngineProcess, how: bytes) -> None:
    token = engine.connection.token.encode()
    head = b"PUT /v1/images/%s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n" % (b"0" * 64, token)
    with raw(engine) as link:
        link.sendall(head + how)
        partial = lambda: list((engine.root / "data" / "acetate" / "images").glob(".partial-*"))  # noqa: E731
        wait_until(partial, "an upload")
        while link.recv(65536):
            pass
        wait_until(lambda: not partial(), "nothing to be left of it")


def test_health_answers_when_more_connections_are_open_than_there_may_be(engine: EngineProcess) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    links = []
    try:
        for _ in range(1100):
            links.append(socket.create_connection(("127.0.0.1", engine.connection.port), PATIENCE))
        assert engine.health()["status"] == "ok"
        assert engine.http.get("/v1/jobs").status_code == 200
    finally:
        for link in links:
            link.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "/v1/storage"), ("PATCH", "/v1/jobs/none"), ("POST", "/v1/library/downloads")]
)
@pytest.mark.parametrize("told", [True, False], ids=["told", "chunked"])
def test_a_body_without_end_is_refused_before_it_fills_the_memory(
    engine: EngineProcess, method: str, path: str, told: bool
) -> None:
    piece, count = b"[" * (1 << 20), 96
    headers = {"Content-Type": "application/json", **({"Content-Length": str(count * len(piece))} if told else {})}
    before, most = memory(engine.process.pid), 0

    def pieces() -> Iterator[bytes]:
        nonlocal most
        for _ in range(count):
            most = max(most, memory(engine.process.pid))
            yield piece

    with contextlib.suppress(httpx.WriteError, httpx.ReadError):  # it need not be read to its end
        answer = engine.http.request(method, path, content=pieces(), headers=headers)
        assert answer.status_code == 413 and problem_of(answer)["code"] == "payload-too-large"
    assert most - before < 48 << 20, f"{(most - before) >> 20} MiB more"
    assert engine.http.get("/v1/storage").status_code == 200


def test_two_origins_are_none_of_this_machine(engine: EngineProcess) -> None:
    pair = [("Origin", "https://evil.example"), ("Origin", "http://localhost")]
    for headers in (pair, pair[::-1]):
        assert engine.http.get("/v1/jobs", headers=headers).status_code == 403


def memory(process: int) -> int:
    """Bytes that it has in memory now."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * resource.getpagesize()


def test_a_large_layer_as_png_is_never_in_memory_as_a_whole(own_engine: EngineProcess) -> None:
    side = 4096
    picture = own_engine.upload(PixelBuffer(Extent(side, side), PixelFormat.RGBA8, bytes(4 * side**2)))
    job = own_engine.submit(identity_request(foreground=picture, bounds=Bounds(0, 0, side, side)))
    own_engine.wait_for(job, JobState.DONE)
    read = lambda _: own_engine.http.get(f"/v1/jobs/{job}/layers/0", headers={"Accept": "image/png"})  # noqa: E731
    assert read(0).content.startswith(b"\x89PNG")
    before, most = memory(own_engine.process.pid), 0
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(read, number) for number in range(8)]
        while not all(answer.done() for answer in answers):
            most = max(most, memory(own_engine.process.pid))
            time.sleep(0.02)
    assert {answer.result().status_code for answer in answers} == {200}
    assert most - before < 4 * side**2, f"{(most - before) >> 20} MiB more"


def test_a_small_file_of_a_huge_picture_takes_what_was_reckoned_or_is_refused(own_engine: EngineProcess) -> None:
    side = 13000
    row = bytes(1 + side // 8)
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    body = png(chunk(b"IDAT", packed), END, side=side)
    assert len(body) < 100_000
    name = digest(body)
    assert own_engine.http.put(f"/v1/images/{name}", content=body).status_code == 201
    worker = own_engine.wait_ready()
    request = identity_request(foreground=name, bounds=Bounds(0, 0, 64, 64), context=Bounds(0, 0, side, side))
    before, most = memory(worker), 0
    job = own_engine.submit(request)
    while not own_engine.status(job).state.is_final:
        most = max(most, memory(own_engine.worker))
        time.sleep(0.02)
    status = own_engine.status(job)
    free = int(next(line.split()[1] for line in Path("/proc/meminfo").read_text().splitlines() if "MemAvail" in line))
    assert status.state is JobState.DONE or (status.problem is not None and status.problem.code == "out-of-memory")
    assert most - before < 8 * side**2, f"{(most - before) >> 20} MiB more, {free >> 10} MiB free"
