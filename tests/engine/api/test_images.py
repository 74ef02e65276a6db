"""Images in and out, by digest."""

from __future__ import annotations

import io
import struct
import zlib

import httpx
import numpy as np
import pytest
from PIL import Image

from acetate.protocol.pixels import MEDIA_TYPE, digest
from tests.engine.process import PATIENCE, PIXELS, EngineProcess, problem_of

pytestmark = pytest.mark.engine

BODY = PIXELS.encode()


def put(engine: EngineProcess, body: bytes, name: str | None = None) -> httpx.Response:
    return engine.http.put(f"/v1/images/{name or digest(body)}", content=body)


def png(width: int, height: int) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.zeros((height, width, 4), np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def test_a_body_comes_back_byte_for_byte(engine: EngineProcess) -> None:
    body = BODY.replace(b"\x01", b"\x02")
    name = digest(body)
    assert engine.http.head(f"/v1/images/{name}").status_code == 404
    assert put(engine, body).status_code == 201
    assert put(engine, body).status_code == 200
    assert engine.http.head(f"/v1/images/{name}").status_code == 200
    answer = engine.http.get(f"/v1/images/{name}")
    assert answer.content == body
    assert answer.headers["content-type"] == MEDIA_TYPE


def test_png_is_taken_too(engine: EngineProcess) -> None:
    body = png(7, 3)
    assert put(engine, body).status_code == 201
    answer = engine.http.get(f"/v1/images/{digest(body)}")
    assert (answer.content, answer.headers["content-type"]) == (body, "image/png")


def test_a_body_of_unknown_length_is_taken(engine: EngineProcess) -> None:
    body = BODY.replace(b"\x03", b"\x04")
    answer = engine.http.put(f"/v1/images/{digest(body)}", content=(body[i : i + 7] for i in range(0, len(body), 7)))
    assert answer.status_code == 201


def test_another_digest_is_refused_and_nothing_is_kept(engine: EngineProcess) -> None:
    answer = put(engine, BODY, "0" * 64)
    assert answer.status_code == 400
    assert problem_of(answer)["code"] == "malformed-message"
    assert engine.http.head("/v1/images/" + "0" * 64).status_code == 404
    assert not list((engine.root / "data" / "acetate" / "images").glob(".partial-*"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        BODY[:-1],
        BODY + b"\0",
        b"ACETATE1 RGBA8 -1 3\n",
        png(4, 4)[:-20],
        b"\x89PNG\r\n\x1a\n",
        b"\0" * 5000,
    ],
)
def test_what_is_no_image_is_refused(engine: EngineProcess, body: bytes) -> None:
    answer = put(engine, body)
    assert answer.status_code == 400
    assert problem_of(answer)["code"] == "malformed-message"


def test_what_is_too_large_is_refused_before_it_is_read(engine: EngineProcess) -> None:
    head = f"PUT /v1/images/{'0' * 64} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999999\r\n"
    import socket

    with socket.create_connection((engine.connection.host, engine.connection.port), PATIENCE) as client:
        client.sendall(f"{head}Authorization: Bearer {engine.connection.token}\r\n\r\n".encode())
        assert client.recv(4096).startswith(b"HTTP/1.1 413")


def test_a_header_of_too_many_pixels_is_refused(engine: EngineProcess) -> None:
    assert put(engine, b"ACETATE1 RGBA8 99999 99999\n").status_code == 400


def test_a_png_bomb_is_refused(engine: EngineProcess) -> None:
    """A few bytes that say 60,000×60,000."""
    body = bytearray(png(1, 1))
    body[16:24] = struct.pack(">II", 60_000, 60_000)
    body[29:33] = struct.pack(">I", zlib.crc32(body[12:29]))
    answer = put(engine, bytes(body))
    assert answer.status_code == 413
    assert problem_of(answer)["code"] == "payload-too-large"


@pytest.mark.parametrize("name", ["..%2F..%2Fjobs.sqlite", "A" * 64, "0" * 63, "%00" * 64, "x", "0" * 65, "é" * 64])
@pytest.mark.parametrize("method", ["PUT", "GET", "HEAD"])
def test_no_name_leads_out_of_the_store(engine: EngineProcess, name: str, method: str) -> None:
    answer = engine.http.request(method, f"/v1/images/{name}", content=BODY if method == "PUT" else None)
    assert answer.status_code in (404, 422)
    assert method == "HEAD" or problem_of(answer)
