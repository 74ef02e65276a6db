"""What routes ask for."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from acetate_engine.api.service import Service


async def _engine(request: Request) -> Service:
    # async, because FastAPI calls all others in a thread, and each request would wait for one
    engine: Service = request.app.state.engine
    return engine


EngineOf = Annotated[Service, Depends(_engine)]
