"""The routes of the engine, as functions of a connection. Blocking; each raises an AcetateError."""

from __future__ import annotations

import http.client
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from acetate.client.http import Body, ask, exchange, proves, read_capped
from acetate.client.sse import Parser
from acetate.picture import Picture, row_strips
from acetate.protocol.codec import from_answer, to_json
from acetate.protocol.connection import Connection
from acetate.protocol.errors import AccessError, JsonValue, MalformedMessage, VersionMismatch
from acetate.protocol.events import (
    EVENTS,
    Accepted,
    Event,
    Health,
    JobState,
    JobStatus,
    ModelInfo,
    Problem,
    Storage,
    Use,
    decode_event,
)
from acetate.protocol.filing import Filing, Refiling
from acetate.protocol.geometry import Bounds
from acetate.protocol.pixels import MEDIA_TYPE, read_header
from acetate.protocol.requests import GenerateRequest
from acetate.protocol.version import PROTOCOL_VERSION, __version__
from acetate.protocol.words import Untaught, Vocabulary

ANSWER = 10.0  # seconds that an answer may take
HEALTH = 1.0
SILENCE = 20.0  # seconds without an event or a keep-alive (every 5 s) before the stream is opened again
_HEADER_BYTES = 64
_PIECE = 1 << 14


@dataclass(frozen=True)
class Numbered:
    """An event and its number in the job: what `Last-Event-ID` takes up again."""

    id: str
    event: Event


def health(connection: Connection) -> Health:
    """Of the engine that has the connection's token.

    Raises EngineUnreachable, VersionMismatch where the engine speaks another protocol (it proves itself, or is the one
    that the connection file tells of: old ones have no proof), MalformedMessage or AccessError where another program
    answers.
    """
    challenge = secrets.token_hex(16)
    answer = ask(connection, f"/health?challenge={challenge}", HEALTH)
    data = parsed(answer)
    if not isinstance(data, dict) or data.get("name") != "acetate":
        raise MalformedMessage(f"another program answers at {connection.url}", "Start the engine again.")
    is_proven = proves(answer, connection, challenge)
    if data.get("protocol") != PROTOCOL_VERSION and (is_proven or data.get("protocol") == connection.protocol):
        raise VersionMismatch(
            f"the engine with process id {connection.pid} is {connection.version} (protocol {data.get('protocol')}), "
            f"this plugin is {__version__} (protocol {PROTOCOL_VERSION})",
            "Stop that engine, run `acetate install-plugin` from the version you want, and restart Krita.",
        )
    if not is_proven:
        raise AccessError(f"what answers at {connection.url} does not have its token", "Start the engine again.")
    return from_answer(Health, data)


def use(connection: Connection, user: str) -> Use:
    """Says that this program uses the engine; to be said again within `Use.seconds`."""
    with exchange(connection, "PUT", f"/v1/users/{user}", timeout=ANSWER) as response:
        return from_answer(Use, _json(response))


def leave(connection: Connection, user: str) -> Use:
    """Says that it does not any more."""
    with exchange(connection, "DELETE", f"/v1/users/{user}", timeout=HEALTH) as response:
        return from_answer(Use, _json(response))


def models(connection: Connection) -> tuple[ModelInfo, ...]:
    with exchange(connection, "GET", "/v1/models", timeout=ANSWER) as response:
        return tuple(_model(data) for data in _list(_json(response), "models"))


def words(connection: Connection, model: str) -> Vocabulary:
    """What a prompt for that model can name."""
    with exchange(connection, "GET", f"/v1/models/{quote(model, safe='')}/words", timeout=ANSWER) as response:
        return from_answer(Vocabulary, _json(response))


def untaught(connection: Connection, model: str, prompt: str) -> Untaught:
    """What of the prompt that model was not taught."""
    path = f"/v1/models/{quote(model, safe='')}/untaught?{urlencode({'prompt': prompt})}"
    with exchange(connection, "GET", path, timeout=ANSWER) as response:
        return from_answer(Untaught, _json(response))


def _model(data: JsonValue) -> ModelInfo:
    """One that cannot be understood hides no other: it is not installed, and says why."""
    try:
        return from_answer(ModelInfo, data)
    except MalformedMessage as error:
        name = str(data.get("name", "")) if isinstance(data, dict) else ""
        reason = f"what the engine says of it is not understood ({error.detail}): update the plugin"
        return ModelInfo(name or "unknown", name or "Unknown model", "", (), 0, installed=False, reason=reason)


def storage(connection: Connection) -> Storage:
    with exchange(connection, "GET", "/v1/storage", timeout=ANSWER) as response:
        return from_answer(Storage, _json(response))


def set_storage(connection: Connection, limit: int, days: float) -> Storage:
    """At most `limit` bytes, for `days`."""
    body = Body.of_json({"limit": limit, "days": days})
    with exchange(connection, "PUT", "/v1/storage", body=body, timeout=ANSWER) as response:
        return from_answer(Storage, _json(response))


def put_image(connection: Connection, picture: Picture) -> None:
    put_body(connection, picture.digest, Body(picture.body(), picture.length, MEDIA_TYPE))


def put_body(connection: Connection, digest: str, body: Body) -> None:
    with exchange(connection, "PUT", f"/v1/images/{digest}", body=body, timeout=ANSWER) as response:
        read_capped(response)


def post_job(connection: Connection, request: GenerateRequest, key: str, filing: Filing = Filing()) -> Accepted:  # noqa: B008  # frozen
    """Posting again with the same `key` gives the same job: safe to repeat when the answer was lost."""
    body, headers = Body.of_json(to_json(request)), {"Idempotency-Key": key}
    query = {"document": filing.document, "priority": filing.priority, "listed": str(filing.listed).lower()}
    path = f"/v1/jobs?{urlencode(query)}"
    with exchange(connection, "POST", path, body=body, headers=headers, timeout=ANSWER) as response:
        return from_answer(Accepted, _json(response))


def refile(connection: Connection, job: str, change: Refiling) -> None:
    body = Body.of_json(to_json(change))
    with exchange(connection, "PATCH", f"/v1/jobs/{job}", body=body, timeout=ANSWER) as response:
        read_capped(response)


def recent(connection: Connection, limit: int, before: str = "") -> tuple[JobStatus, ...]:
    """The newest jobs first, ended ones too, of those that are listed; those older than job `before`."""
    query = {"limit": limit, "before": before, "listed": "true"}
    with exchange(connection, "GET", f"/v1/jobs?{urlencode(query)}", timeout=ANSWER) as response:
        return tuple(_status(data) for data in _list(_json(response), "jobs"))


def _status(data: JsonValue) -> JobStatus:
    """One that cannot be understood hides no other: it counts as failed, and says why."""
    try:
        return from_answer(JobStatus, data)
    except MalformedMessage as error:
        name = str(data.get("id", "")) if isinstance(data, dict) else ""
        return JobStatus(name, JobState.FAILED, problem=Problem.of(error))


def cancel(connection: Connection, job: str) -> None:
    with exchange(connection, "DELETE", f"/v1/jobs/{job}", timeout=ANSWER) as response:
        read_capped(response)


def events(connection: Connection, job: str, after: str) -> Iterator[Numbered]:
    """What the job reports behind event `after` (all of it where that is empty), until the stream ends."""
    headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": after} if after else {})
    parser = Parser()
    with exchange(connection, "GET", f"/v1/jobs/{job}/events", headers=headers, timeout=SILENCE) as response:
        while piece := response.read1(_PIECE):
            for message in parser.feed(piece):
                if message.event not in EVENTS:  # of a newer engine: what it tells besides
                    continue
                yield Numbered(message.id, decode_event(message.event, message.data))


def layer(connection: Connection, job: str, index: int, longest: int | None = None) -> Picture:
    """The pixels of a finished layer; where `longest` is told, about as many as that on its longer side.

    An older engine gives all of them.
    """
    path = f"/v1/jobs/{job}/layers/{index}" + (f"?longest={longest}" if longest else "")
    with exchange(connection, "GET", path, headers={"Accept": MEDIA_TYPE}, timeout=ANSWER) as response:
        return _read_picture(response)


def _read_picture(response: http.client.HTTPResponse) -> Picture:
    extent, pixel_format, _ = read_header(response.readline(_HEADER_BYTES))
    strips = []
    for strip in row_strips(Bounds.of(extent), pixel_format.bytes_per_pixel):
        wanted = strip.width * strip.height * pixel_format.bytes_per_pixel
        strips.append(response.read(wanted))
        if len(strips[-1]) != wanted:
            raise MalformedMessage(f"the layer of {extent} ended early", "Insert it again from the history.")
    return Picture(extent, pixel_format, tuple(strips))


def _list(answer: JsonValue, name: str) -> list[JsonValue]:
    found = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(found, list):
        raise MalformedMessage(f"the engine's answer has no list of {name}", "Restart the engine.")
    return found


def _json(response: http.client.HTTPResponse) -> JsonValue:
    return parsed(read_capped(response))


def parsed(answer: bytes) -> JsonValue:
    try:
        value: JsonValue = json.loads(answer)
    except (ValueError, RecursionError) as error:
        raise MalformedMessage(f"the engine's answer is not JSON: {error}", "Restart the engine.") from error
    return value
