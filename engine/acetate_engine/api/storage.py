"""GET and PUT /v1/storage."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body
from starlette.responses import JSONResponse

from acetate.protocol.codec import to_json
from acetate.protocol.events import Storage
from acetate_engine.api.dependencies import EngineOf

router = APIRouter()


@router.get("", response_model=Storage)
async def get_storage(engine: EngineOf) -> JSONResponse:
    """What jobs and pictures take on the disk, and how much that may be."""
    return JSONResponse(to_json(engine.storage.describe()))


@router.put("", response_model=Storage)
async def set_storage(engine: EngineOf, limit: Annotated[int, Body()], days: Annotated[float, Body()]) -> JSONResponse:
    """Sets the limits. Beyond `limit` bytes the oldest ended jobs go, and those that are older than `days`."""
    await engine.set_limits(limit, days)
    return JSONResponse(to_json(engine.storage.describe()))
