"""PUT and DELETE /v1/users/{user}."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import JSONResponse

from acetate.protocol.codec import to_json
from acetate.protocol.events import Use
from acetate_engine.api.dependencies import EngineOf
from acetate_engine.api.leases import LEASE, LOOK

router = APIRouter()
User = Annotated[str, Path(pattern="^[A-Za-z0-9_-]{1,64}$", description="Any name that the program gives itself.")]


@router.put("/{user}", response_model=Use)
async def hold(user: User, engine: EngineOf) -> JSONResponse:
    """This program uses the engine, for as long as the answer says; one that is ending already ends."""
    engine.leases.hold(user)
    return JSONResponse(to_json(Use(LEASE * LOOK, ends=engine.ends_unused and engine.leases.has_ended)))


@router.delete("/{user}", response_model=Use)
async def leave(user: User, engine: EngineOf) -> JSONResponse:
    """It does not any more. The engine may end with its last user."""
    engine.leases.leave(user)
    return JSONResponse(to_json(Use(0.0, ends=engine.ends_unused and engine.leases.end_if_unused())))
