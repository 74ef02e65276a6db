"""GET /v1/models, and what their prompts can name."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import JSONResponse

from acetate.protocol.codec import to_json
from acetate.protocol.events import ModelList
from acetate.protocol.requests import MAX_PROMPT
from acetate.protocol.words import Untaught, Vocabulary
from acetate_engine.models.families import describe_models, taught_by
from acetate_engine.paths import wildcards_dir
from acetate_engine.prompts.wildcards import wildcard_names

router = APIRouter()


@router.get("", response_model=ModelList)
async def list_models() -> JSONResponse:
    """Every model that a request can name, and whether its files are there."""
    return JSONResponse(to_json(ModelList(tuple(await asyncio.to_thread(describe_models)))))


@router.get("/{name:path}/words", response_model=Vocabulary)
async def list_words(name: str) -> JSONResponse:
    """What a prompt for that model can name: the things that a small model was taught, and wildcard files."""

    def look() -> Vocabulary:
        return Vocabulary(taught_by(name).things, tuple(wildcard_names(wildcards_dir())))

    return JSONResponse(to_json(await asyncio.to_thread(look)))


@router.get("/{name:path}/untaught", response_model=Untaught)
async def find_untaught(name: str, prompt: Annotated[str, Query(max_length=MAX_PROMPT)]) -> JSONResponse:
    """The first thing that the prompt names, where a small model was taught none of them, and what is near to it."""
    return JSONResponse(to_json(await asyncio.to_thread(lambda: taught_by(name).untaught(prompt))))
