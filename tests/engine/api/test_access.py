"""Who may ask: loopback names, no foreign pages, the token."""

from __future__ import annotations

import pytest

from tests.engine.process import EngineProcess, problem_of

pytestmark = pytest.mark.engine

ROUTES = ["/v1/jobs", "/v1/models", "/v1/images/" + "0" * 64, "/openapi.json", "/docs", "/", "/nothing"]


def test_health_needs_no_token(engine: EngineProcess) -> None:
    answer = engine.http.get("/health", headers={"Authorization": ""})
    assert answer.status_code == 200
    assert answer.json()["name"] == "acetate"


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("given", ["", "Bearer", "Bearer wrong", "Bearer ä", "Basic {token}", "Bearer {token}x"])
def test_everything_else_needs_the_token(engine: EngineProcess, path: str, given: str) -> None:
    header = given.format(token=engine.connection.token).encode("latin-1")
    answer = engine.http.get(path, headers={b"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "connection file" in problem_of(answer)["remedy"]


def test_a_browser_may_give_it_in_the_address_of_the_documentation_only(engine: EngineProcess) -> None:
    token = {"token": engine.connection.token}
    for path in ("/docs", "/openapi.json"):
        assert engine.http.get(path, params=token, headers={"Authorization": ""}).status_code == 200
        assert engine.http.get(path, params={"token": "x"}, headers={"Authorization": ""}).status_code == 401
    assert engine.http.get("/v1/jobs", params=token, headers={"Authorization": ""}).status_code == 401


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "[::2]", "[", ""])
def test_a_name_that_was_resolved_to_us_is_refused(engine: EngineProcess, host: str) -> None:
    for path in ("/health", "/v1/jobs"):
        answer = engine.http.get(path, headers={"Host": host})
        assert answer.status_code == 403
        assert problem_of(answer)["code"] == "forbidden-origin"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:1234", "[::1]:99"])
def test_loopback_names_are_served(engine: EngineProcess, host: str) -> None:
    assert engine.http.get("/v1/jobs", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example", ""])
def test_foreign_pages_are_refused(engine: EngineProcess, origin: str) -> None:
    answer = engine.http.get("/v1/jobs", headers={"Origin": origin})
    assert answer.status_code == 403
    assert problem_of(answer)["code"] == "forbidden-origin"


def test_pages_of_this_machine_are_served(engine: EngineProcess) -> None:
    assert engine.http.get("/v1/jobs", headers={"Origin": "http://localhost:3000"}).status_code == 200
