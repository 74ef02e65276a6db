"""What routes ask for."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from acetate_engine.api.service import Service


def _engine(request: Request) -> Service:
    engine: Service = request.app.state.engine
    return engine


EngineOf = Annotated[Service, Depends(_engine)]
