"""The blind study as a person takes it: by click and by keyboard, with a pause in between."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from acetate_engine.evaluation.ab import Pair, study, study_key, study_page, verdict
from tests.engine.evaluation.test_alpha import discs
from tests.pages.browser import Browser

by = pytest.importorskip("selenium.webdriver.common.by").By
chains = pytest.importorskip("selenium.webdriver.common.action_chains").ActionChains
waiting = pytest.importorskip("selenium.webdriver.support.wait")
keys = pytest.importorskip("selenium.webdriver.common.keys").Keys
LIMIT = 60  # seconds


@pytest.fixture
def pairs(request: pytest.FixtureRequest) -> list[Pair]:
    """Of every test its own: a browser keeps choices by the study, and writes and forgets them when it likes."""
    return study([f"thing {number} of {request.node.name}" for number in range(6)], seed=1)


@pytest.fixture
def page(browser: Browser, pairs: list[Pair], tmp_path: Path) -> Browser:
    file = tmp_path / "study.html"
    file.write_text(study_page(pairs, discs(2, 6), discs(8, 6)), encoding="utf-8")
    browser.hosts()
    browser.complaints()
    browser.driver.get(file.as_uri())
    return browser


def prompt(page: Browser) -> str:
    return page.driver.find_element(by.ID, "prompt").text


def wait(page: Browser, condition: Callable[[], bool]) -> None:
    """A page handles a key, and fills itself, in a turn of its own."""
    waiting.WebDriverWait(page.driver, LIMIT).until(lambda _: condition())


def wait_for_prompt(page: Browser, start: str) -> None:
    wait(page, lambda: prompt(page).startswith(start))


def opened_again(page: Browser) -> str:
    """Its prompt then; what was kept may come a moment later."""
    page.driver.refresh()
    return prompt(page)


def press(page: Browser, key: str) -> None:
    chains(page.driver).send_keys(key).perform()


def test_it_is_taken_with_clicks_and_keys_and_the_choices_count(page: Browser, pairs: list[Pair]) -> None:
    wanted = []
    for number, pair in enumerate(pairs):
        wait_for_prompt(page, f"{number + 1} of {len(pairs)}: “{pair.prompt}”")
        answer = ("left", "right", "none")[number % 3]
        wanted.append(answer)
        if number % 2:
            press(page, {"left": keys.ARROW_LEFT, "right": keys.ARROW_RIGHT, "none": keys.ARROW_DOWN}[answer])
        elif answer == "none":
            page.driver.find_element(by.ID, "none").click()
        else:
            page.driver.find_elements(by.CSS_SELECTOR, "button.side")[answer == "right"].click()
    wait(page, page.driver.find_element(by.ID, "end").is_displayed)
    told = json.loads(page.driver.find_element(by.ID, "text").get_attribute("value"))
    assert told["choices"] == wanted
    assert verdict(study_key(pairs, "mini", "draft"), told).controls == 8
    assert not page.hosts()
    assert not page.complaints()


def test_what_was_chosen_is_there_after_a_pause_and_can_be_forgotten(page: Browser, pairs: list[Pair]) -> None:
    press(page, keys.ARROW_LEFT)
    wait_for_prompt(page, "2 of ")
    press(page, keys.ARROW_DOWN)
    wait_for_prompt(page, "3 of ")
    wait(page, lambda: opened_again(page).startswith("3 of "))
    for number in range(2, len(pairs)):
        wait_for_prompt(page, f"{number + 1} of ")
        press(page, keys.ARROW_RIGHT)
    press(page, keys.ARROW_RIGHT)  # one too many
    wait(page, lambda: not page.driver.find_element(by.ID, "none").is_displayed())
    page.driver.find_element(by.ID, "again").click()
    wait_for_prompt(page, "1 of ")


def test_all_of_it_is_reached_with_the_keyboard(page: Browser) -> None:
    """Tab to the pictures and the button; the ground by its number, also behind a click on it."""
    reached = []
    for _ in range(5):
        press(page, keys.TAB)
        focused = page.driver.switch_to.active_element
        reached.append(focused.get_attribute("id") or focused.get_attribute("class") or focused.get_attribute("name"))
    assert reached[:4] == ["ground", "side", "side", "none"]
    page.driver.find_element(by.CSS_SELECTOR, "input[value=light]").click()
    press(page, "3")
    wait(page, lambda: page.driver.find_element(by.ID, "pair").get_attribute("class") == "pair dark")
    assert page.driver.find_element(by.CSS_SELECTOR, "input[value=dark]").is_selected()
    side = page.driver.find_element(by.CSS_SELECTOR, "button.side")
    side.send_keys(keys.ENTER)
    wait_for_prompt(page, "2 of ")


def test_the_choices_are_saved_as_a_file(page: Browser, pairs: list[Pair], browser: Browser) -> None:
    for number, _ in enumerate(pairs):
        wait_for_prompt(page, f"{number + 1} of ")
        press(page, keys.ARROW_DOWN)
    wait(page, page.driver.find_element(by.ID, "end").is_displayed)
    link = page.driver.execute_script(
        "let saved; const click = HTMLAnchorElement.prototype.click;"
        "HTMLAnchorElement.prototype.click = function() { saved = [this.download, decodeURIComponent(this.href)]; };"
        "document.getElementById('save').click(); HTMLAnchorElement.prototype.click = click; return saved"
    )
    assert link[0] == "choices.json"
    assert json.loads(link[1].partition(",")[2])["choices"] == ["none"] * len(pairs)
