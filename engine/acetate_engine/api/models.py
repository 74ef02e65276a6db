"""GET /v1/models."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from starlette.responses import JSONResponse

from acetate.protocol.codec import to_json
from acetate.protocol.events import ModelList
from acetate_engine.models.families import describe_models

router = APIRouter()


@router.get("", response_model=ModelList)
async def list_models() -> JSONResponse:
    """Every model that a request can name, and whether its files are there."""
    return JSONResponse(to_json(ModelList(tuple(await asyncio.to_thread(describe_models)))))
