"""The routes under /v1/jobs."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Body, Header, Query, Request
from pydantic import Field
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response, StreamingResponse

from acetate.protocol.codec import from_json, to_json
from acetate.protocol.errors import InvalidRequest, MalformedMessage, UnknownImage
from acetate.protocol.events import Accepted, JobList, JobStatus
from acetate.protocol.filing import MAX_DOCUMENT, MAX_PRIORITY, Filing, Refiling
from acetate.protocol.pixels import MEDIA_TYPE
from acetate.protocol.requests import MAX_IMAGES, GenerateRequest
from acetate_engine.api.dependencies import EngineOf
from acetate_engine.api.pixels import pixels
from acetate_engine.api.png import as_png
from acetate_engine.api.schema import REQUEST_BODY
from acetate_engine.api.service import Service
from acetate_engine.models.families import model_for
from acetate_engine.models.families.base import Model
from acetate_engine.provenance import packet

_HEARTBEAT = 5  # seconds
_Image = Annotated[int, Field(ge=0, lt=MAX_IMAGES)]  # index of an alternative
_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")

router = APIRouter()


@router.post("", status_code=202, response_model=Accepted, openapi_extra=REQUEST_BODY)
async def submit(
    request: Request,
    engine: EngineOf,
    idempotency_key: Annotated[str | None, Header()] = None,
    document: Annotated[str, Query(max_length=MAX_DOCUMENT)] = "",
    priority: Annotated[int, Query(ge=-MAX_PRIORITY, le=MAX_PRIORITY)] = 0,
    listed: bool = True,
) -> JSONResponse:
    """Accepts a job. It is on the disk before the answer is sent, and survives the death of any process.

    With an Idempotency-Key, sending it again gives the job that the first one made; another request is refused.
    `document` is the sender's name of what it is for; of those that wait, the one of the highest `priority` goes first;
    one that is not `listed` is a sketch that nobody will look for later.
    """
    if idempotency_key is not None and not _KEY.fullmatch(idempotency_key):
        raise InvalidRequest("the Idempotency-Key is not a key", "Use 1 to 64 letters, digits, - and _.")
    try:
        body = await request.body()
    except ClientDisconnect:
        return JSONResponse({}, 400)  # nobody is there to read it
    wanted = parse_request(body)
    filing = Filing(document, priority, listed=listed)
    accepted = await engine.queue.submit(wanted, idempotency_key, filing, lambda: _checked(wanted, engine))
    return JSONResponse(to_json(accepted), 202, {"Location": f"/v1/jobs/{accepted.id}"})


def parse_request(body: bytes) -> GenerateRequest:
    """Raises MalformedMessage, InvalidRequest."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedMessage(f"the request is not JSON: {error}", "Send a GenerateRequest.") from error
    request = from_json(GenerateRequest, data)
    request.validate()
    return request


def _checked(request: GenerateRequest, engine: Service) -> Model | None:
    """The model that the request wants, where it wants one. Raises as `model_for`, UnknownImage."""
    model = model_for(request) if request.task.needs_model else None
    for picture in request.pictures:
        if picture.digest not in engine.images:
            raise UnknownImage(
                f"the {picture.slot.label} ({picture.digest}) was never uploaded", "Upload it, then send the job again."
            )
    return model


@router.get("", response_model=JobList)
async def recent(
    engine: EngineOf,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    before: Annotated[str, Query(max_length=64)] = "",
    listed: bool = False,
) -> JSONResponse:
    """The newest jobs first, ended ones too; those older than job `before`; only those that are `listed`."""
    found = await asyncio.to_thread(engine.store.recent, limit, before, listed=listed)
    return JSONResponse(to_json(JobList(tuple(_with_followers(engine, status) for status in found))))


@router.get("/{job}", response_model=JobStatus)
async def status(job: str, engine: EngineOf) -> JSONResponse:
    return JSONResponse(to_json(_with_followers(engine, await asyncio.to_thread(engine.store.status, job))))


def _with_followers(engine: Service, status: JobStatus) -> JobStatus:
    return replace(status, followed=engine.queue.followed[status.id] > 0)


@router.patch("/{job}", response_model=JobStatus)
async def refile(
    job: str,
    engine: EngineOf,
    priority: Annotated[int | None, Body(ge=-MAX_PRIORITY, le=MAX_PRIORITY)] = None,
    listed: Annotated[bool | None, Body()] = None,
    starred: Annotated[list[_Image] | None, Body(max_length=MAX_IMAGES)] = None,
    discarded: Annotated[list[_Image] | None, Body(max_length=MAX_IMAGES)] = None,
    applied: Annotated[list[_Image] | None, Body(max_length=MAX_IMAGES)] = None,
) -> JSONResponse:
    """Its turn among those that wait; whether it is listed; which alternatives are starred, which thrown away, and
    which were put into a document.

    When room is made, what is not listed goes first, then what was put into a document or has no result, then results
    that were not, and a job with a star last.
    """
    change = Refiling(priority, listed, _images(starred), _images(discarded), _images(applied))
    return JSONResponse(to_json(await engine.queue.refile(job, change)))


def _images(found: list[int] | None) -> tuple[int, ...] | None:
    return None if found is None else tuple(found)


@router.delete("/{job}", response_model=JobStatus)
async def cancel(job: str, engine: EngineOf) -> JSONResponse:
    """A waiting job is cancelled at once, a running one at its next step, an ended one stays as it is."""
    return JSONResponse(to_json(await engine.queue.cancel(job)))


@router.get(
    "/{job}/events",
    response_class=EventSourceResponse,
    responses={200: {"description": "Server-sent events", "content": {"text/event-stream": {}}}},
)
async def events(
    job: str, engine: EngineOf, last_event_id: Annotated[str | None, Header()] = None
) -> EventSourceResponse:
    """What happens to the job, from its beginning or behind Last-Event-ID, up to the event that ends it."""
    seq = _sequence_number(last_event_id)
    await asyncio.to_thread(engine.store.status, job)  # UnknownJob is an answer, not a broken stream
    return EventSourceResponse(_messages(engine, job, seq), ping=_HEARTBEAT, sep="\n")


def _sequence_number(last_event_id: str | None) -> int:
    if not last_event_id:
        return 0
    if not re.fullmatch(r"[0-9]{1,9}", last_event_id):
        raise InvalidRequest("the Last-Event-ID is not a number", "Send the id of the last event that came.")
    return int(last_event_id)


async def _messages(engine: Service, job: str, seq: int) -> AsyncGenerator[ServerSentEvent, None]:
    async for event in engine.queue.follow(job, seq):
        yield ServerSentEvent(event.data, event=event.name, id=str(event.seq))


@router.get(
    "/{job}/layers/{index}",
    response_class=Response,
    responses={200: {"description": "The pixels", "content": {MEDIA_TYPE: {}, "image/png": {}}}},
)
async def layer(
    job: str,
    index: int,
    engine: EngineOf,
    accept: Annotated[str, Header()] = MEDIA_TYPE,
    *,
    provenance: Annotated[bool, Query(description="Whether a PNG says in XMP how it was made")] = True,
    longest: Annotated[int | None, Query(ge=1, description="Pixels of a side at most: every n-th (raw only)")] = None,
) -> Response:
    """The pixels of a layer: raw, or PNG by Accept (8 bits a channel only)."""
    if "image/png" not in accept:
        return await asyncio.to_thread(lambda: pixels(_verified(engine, job, index), MEDIA_TYPE, longest))
    path = await asyncio.to_thread(_verified, engine, job, index)
    request = (await asyncio.to_thread(engine.store.status, job)).request if provenance else None
    xmp = b"" if request is None else packet(request, has_others=False)
    return StreamingResponse(await asyncio.to_thread(as_png, path, xmp), media_type="image/png")


def _verified(engine: Service, job: str, index: int) -> Path:
    return engine.images.verified(engine.store.layer(job, index).digest)
