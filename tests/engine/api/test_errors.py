"""What FastAPI itself refuses is problem+json too."""

from __future__ import annotations

import pytest

from tests.engine.process import EngineProcess, problem_of

pytestmark = pytest.mark.engine


@pytest.mark.parametrize(
    "method, path, status",
    [
        ("GET", "/nothing", 404),
        ("GET", "/v1/../../etc/passwd", 404),
        ("PATCH", "/v1/jobs", 405),
        ("POST", "/health", 405),
    ],
)
def test_no_such_route(engine: EngineProcess, method: str, path: str, status: int) -> None:
    answer = engine.http.request(method, path)
    assert answer.status_code == status
    assert problem_of(answer)["code"] == "request"


@pytest.mark.parametrize("path", ["/v1/jobs?limit=x", "/v1/jobs?limit=1000000", "/v1/jobs/x/layers/one"])
def test_a_wrong_parameter_is_named(engine: EngineProcess, path: str) -> None:
    problem = problem_of(engine.http.get(path))
    assert problem["code"] == "invalid-request"
    assert "limit" in problem["detail"] or "index" in problem["detail"]
