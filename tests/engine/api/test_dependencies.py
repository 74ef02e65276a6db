"""What routes ask for costs them no thread."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from acetate_engine.api.app import create_app


def asked(dependant: Dependant) -> Iterator[Dependant]:
    for one in dependant.dependencies:
        yield one
        yield from asked(one)


def test_none_waits_for_a_thread() -> None:
    """FastAPI calls what is no coroutine function in one."""
    routes = [route for route in create_app().routes if isinstance(route, APIRoute)]
    calls = {one.call for route in routes for one in asked(route.dependant)}
    assert calls
    assert [call for call in calls if not asyncio.iscoroutinefunction(call)] == []
