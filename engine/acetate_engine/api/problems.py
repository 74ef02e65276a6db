"""Errors as problem+json (RFC 9457), FastAPI's own included."""

from __future__ import annotations

import sqlite3

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from acetate.protocol.errors import AcetateError, InvalidRequest, RequestError
from acetate_engine.jobs.trouble import of_store, of_system
from acetate_engine.paths import log_file

MEDIA_TYPE = "application/problem+json"


def problem(error: AcetateError, status: int | None = None) -> JSONResponse:
    """The answer that `error` is; `status` where the class's own does not fit the method."""
    status = status or error.status
    return JSONResponse({**error.to_problem(), "status": status}, status, media_type=MEDIA_TYPE)


def add_handlers(app: FastAPI) -> None:
    @app.exception_handler(AcetateError)
    async def ours(_: Request, error: AcetateError) -> JSONResponse:
        return problem(error)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return problem(InvalidRequest(f"{where}: {first['msg']}", "Correct it."))

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        detail = f"{request.method} {request.url.path[:200]}: {error.detail}"
        answer = problem(RequestError(detail, "See /openapi.json for what there is."), error.status_code)
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(sqlite3.Error)
    async def store(_: Request, error: sqlite3.Error) -> JSONResponse:
        return problem(of_store(error))

    @app.exception_handler(OSError)
    async def system(_: Request, error: OSError) -> JSONResponse:
        return problem(of_system(error))

    @app.exception_handler(Exception)
    async def unexpected(_: Request, error: Exception) -> JSONResponse:
        remedy = f"Try again. The log says more: {log_file()}"
        return problem(AcetateError(f"{type(error).__name__}: {str(error)[:300]}", remedy))
