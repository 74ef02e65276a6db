"""`/docs` in a browser: nothing of another host, nothing without the token."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest

from tests.engine.process import EngineProcess

pytestmark = pytest.mark.engine


@pytest.fixture
def page(engine: EngineProcess) -> str:
    answer = engine.http.get("/docs", params={"token": engine.connection.token}, headers={"Authorization": ""})
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["referrer-policy"] == "no-referrer"
    return answer.text


def loaded(page: str) -> list[str]:
    """Addresses that a browser asks for by itself."""
    found = re.findall(r"""(?:src|href)=["']([^"']+)|url: ["']([^"']+)""", page)
    return [source or url for source, url in found]


def test_all_that_the_page_loads_is_there(engine: EngineProcess, page: str) -> None:
    addresses = loaded(page)
    assert {urlsplit(address).path for address in addresses} == {
        "/docs/swagger-ui-bundle.js",
        "/docs/swagger-ui.css",
        "/docs/favicon.png",
        "/openapi.json",
    }
    for address in addresses:
        answer = engine.http.get(address, headers={"Authorization": ""})
        assert answer.status_code == 200, address
        assert len(answer.content) > 1000
        assert engine.http.get(urlsplit(address).path, headers={"Authorization": ""}).status_code == 401


def test_no_other_host_is_asked(page: str) -> None:
    assert not any(urlsplit(address).netloc for address in loaded(page))


def test_nothing_else_lies_below(engine: EngineProcess) -> None:
    for path in ("/docs/..%2f__init__.py", "/docs/%2e%2e/core.py", "/docs/core.py", "/docs/"):
        assert engine.http.get(path).status_code in (404, 405), path
