"""A browser and an engine for all tests here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engine.process import EngineProcess
from tests.pages.browser import CHROMIUM, DRIVER, Browser


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    webdriver = pytest.importorskip("selenium.webdriver")
    if CHROMIUM is None or DRIVER is None:
        pytest.skip("no Chromium with its driver here (Debian: apt-get install chromium chromium-driver)")
    browser = Browser(webdriver)
    yield browser
    browser.driver.quit()


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    process = EngineProcess(tmp_path_factory.mktemp("engine"))
    yield process
    process.stop()
