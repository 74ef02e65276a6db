"""The routes of model files, as functions of a connection. Blocking; each raises an AcetateError."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from acetate.client.api import ANSWER, parsed
from acetate.client.http import Body, exchange, read_capped
from acetate.protocol.codec import from_answer
from acetate.protocol.connection import Connection
from acetate.protocol.errors import JsonValue
from acetate.protocol.library import Download, Library

_SLOW = 60.0  # seconds: headers of many files may have to be read from a slow disk


def library(connection: Connection) -> Library:
    with exchange(connection, "GET", "/v1/library", timeout=_SLOW) as response:
        return from_answer(Library, parsed(read_capped(response)))


def fetch(connection: Connection, name: str) -> Download:
    return _post(connection, "/v1/library/downloads", {"name": name})


def add_file(connection: Connection, path: str, *, as_link: bool) -> Download:
    return _post(connection, "/v1/library/files", {"path": path, "link": as_link})


def cancel_download(connection: Connection, name: str) -> None:
    path = f"/v1/library/downloads/{quote(name, safe='')}"
    with exchange(connection, "DELETE", path, timeout=ANSWER) as response:
        read_capped(response)


def set_folders(connection: Connection, folders: Sequence[str]) -> Library:
    body = Body.of_json({"folders": list(folders)})
    with exchange(connection, "PUT", "/v1/library/folders", body=body, timeout=_SLOW) as response:
        return from_answer(Library, parsed(read_capped(response)))


def _post(connection: Connection, path: str, value: JsonValue) -> Download:
    with exchange(connection, "POST", path, body=Body.of_json(value), timeout=_SLOW) as response:
        return from_answer(Download, parsed(read_capped(response)))
