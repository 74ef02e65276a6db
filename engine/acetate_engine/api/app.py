"""The FastAPI application."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.responses import JSONResponse

from acetate.protocol.codec import to_json
from acetate.protocol.events import Health
from acetate.protocol.version import __version__
from acetate_engine.api import images, jobs, models
from acetate_engine.api.engine import Engine
from acetate_engine.api.problems import add_handlers
from acetate_engine.api.schema import DESCRIPTION, describe


def create_app(engine: Engine) -> FastAPI:
    """Every route; `app.state.engine` is what they work on."""
    app = FastAPI(title="Acetate", version=__version__, description=DESCRIPTION, redoc_url=None)
    app.state.engine = engine
    add_handlers(app)
    app.include_router(images.router, prefix="/v1/images", tags=["images"])
    app.include_router(jobs.router, prefix="/v1/jobs", tags=["jobs"])
    app.include_router(models.router, prefix="/v1/models", tags=["models"])

    @app.get("/health", response_model=Health, tags=["engine"], summary="Is it there, and is it the right one?")
    async def health() -> JSONResponse:
        return JSONResponse(to_json(engine.health()))

    describe(app)
    return app
