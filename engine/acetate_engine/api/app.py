"""The FastAPI application."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.responses import JSONResponse

from acetate.protocol.codec import to_json
from acetate.protocol.events import Health
from acetate.protocol.version import __version__
from acetate_engine.api import images, jobs, library, models, storage, users
from acetate_engine.api.dependencies import EngineOf
from acetate_engine.api.pages import add_pages
from acetate_engine.api.problems import add_handlers
from acetate_engine.api.schema import DESCRIPTION, Schema, describe


class Api(FastAPI):
    """FastAPI with a document that says what all routes have in common."""

    def openapi(self) -> Schema:
        if self.openapi_schema is None:
            self.openapi_schema = describe(self)
        return self.openapi_schema


def create_app() -> FastAPI:
    """Every route; whoever serves it sets `app.state.engine`, which they work on."""
    app = Api(
        title="Acetate",
        version=__version__,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    add_handlers(app)
    app.include_router(images.router, prefix="/v1/images", tags=["images"])
    app.include_router(jobs.router, prefix="/v1/jobs", tags=["jobs"])
    app.include_router(models.router, prefix="/v1/models", tags=["models"])
    app.include_router(library.router, prefix="/v1/library", tags=["models"])
    app.include_router(storage.router, prefix="/v1/storage", tags=["engine"])
    app.include_router(users.router, prefix="/v1/users", tags=["engine"])

    @app.get("/health", response_model=Health, tags=["engine"], summary="Is it there, and is it the right one?")
    async def health(engine: EngineOf, challenge: str = "") -> JSONResponse:
        """With a `challenge`, the answer has the proof that this engine has the token of its connection file: the
        HMAC-SHA256 of "acetate", a space and the challenge, with the token as key, in hexadecimal.
        """
        return JSONResponse(to_json(engine.health()))

    add_pages(app)
    return app
