"""`/docs`, opened, clicked and used by keyboard."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.engine.process import EngineProcess
from tests.pages.browser import Browser

by = pytest.importorskip("selenium.webdriver.common.by").By
keys = pytest.importorskip("selenium.webdriver.common.keys").Keys
wait = pytest.importorskip("selenium.webdriver.support.ui").WebDriverWait
pytestmark = pytest.mark.engine
LIMIT = 60  # seconds


@pytest.fixture
def page(browser: Browser, engine: EngineProcess) -> Browser:
    browser.hosts()
    browser.complaints()
    browser.driver.get(f"{engine.connection.url}/docs?token={engine.connection.token}")
    wait(browser.driver, LIMIT).until(lambda it: it.find_elements(by.CSS_SELECTOR, ".opblock"))
    return browser


def test_it_lists_every_route_and_asks_no_other_host(page: Browser, engine: EngineProcess) -> None:
    paths = engine.http.get("/openapi.json").json()["paths"]
    shown = page.driver.find_elements(by.CSS_SELECTOR, ".opblock")
    assert len(shown) == sum(map(len, paths.values()))
    assert page.hosts() == {"127.0.0.1"}
    assert not page.complaints()


def test_a_route_is_tried_with_clicks(page: Browser, engine: EngineProcess) -> None:
    _authorize(page, engine.connection.token)
    block = page.driver.find_element(
        by.XPATH, "//*[@data-path='/v1/models']/ancestor::div[contains(concat(@class, ' '), 'opblock ')][1]"
    )
    page.driver.execute_script("arguments[0].scrollIntoView()", block)
    block.find_element(by.CSS_SELECTOR, ".opblock-summary-control").click()
    for button in (".try-out__btn", ".execute"):
        _found(page, block, button).click()
    status = _found(page, block, ".live-responses-table tbody .response-col_status")
    assert status.text.split()[0] == "200"
    answer = block.find_element(by.CSS_SELECTOR, ".live-responses-table tbody .highlight-code").text
    assert "mini" in answer
    assert page.hosts() == {"127.0.0.1"}


def test_a_route_is_opened_with_the_keyboard(page: Browser) -> None:
    summary = page.driver.find_element(by.XPATH, "//*[@data-path='/health']/ancestor::button")
    page.driver.execute_script("arguments[0].focus()", summary)
    assert summary.get_attribute("aria-expanded") == "false"
    page.driver.switch_to.active_element.send_keys(keys.ENTER)
    wait(page.driver, LIMIT).until(lambda _: summary.get_attribute("aria-expanded") == "true")
    page.driver.switch_to.active_element.send_keys(keys.TAB)
    assert page.driver.switch_to.active_element != summary


def test_without_the_token_nothing_is_shown(browser: Browser, engine: EngineProcess) -> None:
    browser.driver.get(f"{engine.connection.url}/docs")
    problem = json.loads(browser.driver.find_element(by.TAG_NAME, "body").text)
    assert problem["status"] == 401
    assert "connection file" in problem["remedy"]


def _authorize(page: Browser, token: str) -> None:
    page.driver.find_element(by.CSS_SELECTOR, ".btn.authorize").click()
    field = wait(page.driver, LIMIT).until(lambda it: it.find_element(by.CSS_SELECTOR, ".auth-container input"))
    field.send_keys(token, keys.ENTER)
    page.driver.find_element(by.CSS_SELECTOR, ".btn-done").click()


def _found(page: Browser, block: Any, selector: str) -> Any:
    return wait(page.driver, LIMIT).until(lambda _: block.find_element(by.CSS_SELECTOR, selector))
