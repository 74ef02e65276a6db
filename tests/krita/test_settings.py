"""Presets and settings by real clicks and keys."""

from __future__ import annotations

import json
import re

import pytest

from tests.krita.harness.painter import Painter
from tests.krita.harness.waiting import wait_until

_WINDOW = (
    "next(w for w in QApplication.topLevelWidgets() if w.objectName() == 'acetate_settings_window' and w.isVisible())"
)
_FRESH = """
presets, title = _docker('acetate_dock').session.presets, widget('acetate_more')
for name in presets.names.value:
    presets.remove(name)
if not title.isChecked():
    title.click()
"""
_MENU = """
menu = QApplication.activePopupWidget()
found = [item for item in (menu.actions() if menu else []) if item.text().startswith(text)]
point = menu.mapToGlobal(menu.actionGeometry(found[0]).center()) if found else None
[point.x(), point.y()] if point else None
"""
_IN_WINDOW = f"""
item = {_WINDOW}.findChild(QWidget, name)
point = item.mapToGlobal(item.rect().center())
[point.x(), point.y()]
"""


@pytest.fixture
def docker(painter: Painter) -> Painter:
    painter.new_document(128, 128)
    painter.krita.run(_FRESH)
    return painter


def menu(docker: Painter, text: str) -> None:
    docker.hands.click("acetate_preset_more")
    docker.hands.click_at(*wait_until(lambda: docker.krita.run(_MENU, text=text), text))


def settings(docker: Painter) -> dict[str, object]:
    found: dict[str, object] = docker.krita.run(
        "s = _docker('acetate_dock').session.settings\n[s.steps.value, s.preset.value.value, s.guidance_scale.value]"
    )
    return found


def test_a_preset_is_saved_with_keys_and_chosen_with_a_click(docker: Painter) -> None:
    docker.choose("acetate_preset", "final")
    docker.krita.run("widget('acetate_steps').setValue(33)")
    menu(docker, "Save")
    docker.hands.type_text("Slow and fine")
    docker.hands.keys("Return")
    wait_until(lambda: docker.krita.run("has_widget('acetate_preset_choice')"), "the choice to be back")
    assert docker.krita.run("widget('acetate_preset_choice').currentText()") == "Slow and fine"
    docker.choose("acetate_preset", "draft")
    docker.krita.run("widget('acetate_steps').setValue(0)")
    assert docker.krita.run("widget('acetate_preset_choice').currentData()") == ""
    docker.choose("acetate_preset_choice", "Slow and fine")
    assert settings(docker) == [33, "final", None]
    (file,) = (docker.krita.home.root / "data/acetate/presets").iterdir()
    assert json.loads(file.read_text())["values"]["steps"] == 33


def test_escape_leaves_the_name_and_nothing_is_saved(docker: Painter) -> None:
    menu(docker, "Save")
    docker.hands.type_text("No")
    docker.hands.keys("Escape")
    wait_until(lambda: docker.krita.run("has_widget('acetate_preset_choice')"), "the choice to be back")
    assert docker.krita.run("list(_docker('acetate_dock').session.presets.names.value)") == []


def test_a_preset_that_is_removed_is_had_back_with_a_click(docker: Painter) -> None:
    """Whatever it is called."""
    name, names = "<b>Ink</b> & wash", "list(_docker('acetate_dock').session.presets.names.value)"
    docker.krita.run("widget('acetate_steps').setValue(33)")
    docker.krita.run("_docker('acetate_dock').session.presets.save(name)", name=name)
    menu(docker, "Remove “<b>Ink</b> && wash”")
    wait_until(lambda: docker.krita.run(names) == [], "it to go")
    docker.wait_for_message("A preset is removed", name)
    docker.take_offer()
    wait_until(lambda: docker.krita.run(names) == [name], "it to be back")
    assert docker.krita.run("widget('acetate_preset_choice').currentText()") == name and docker.message() == ""


def test_the_limits_of_what_is_kept_are_shown_and_set(docker: Painter) -> None:
    docker.hands.click("acetate_settings")
    wait_until(lambda: docker.krita.run(f"{_WINDOW}.isVisible()"), "the settings")
    docker.krita.run(f"{_WINDOW}.findChild(QtWidgets.QTabWidget).setCurrentIndex(1)")
    enabled = f"{_WINDOW}.findChild(QWidget, 'acetate_storage_days').isEnabled()"
    wait_until(lambda: docker.krita.run(enabled), "the engine to tell what it keeps")
    docker.hands.click_at(*docker.krita.run(_IN_WINDOW, name="acetate_storage_days"))
    docker.hands.keys("ctrl+a")
    docker.hands.type_text("12")
    docker.hands.keys("Tab")
    days = "_docker('acetate_dock').session.storing.storage.value.days"
    wait_until(lambda: docker.krita.run(days) == 12, "the engine to have taken it")


def test_diagnostics_are_copied_without_the_token(docker: Painter) -> None:
    docker.krita.run("_docker('acetate_dock')._settings_window.open(); QApplication.clipboard().clear()")
    docker.krita.run(f"{_WINDOW}.findChild(QtWidgets.QTabWidget).setCurrentIndex(0)")
    docker.hands.click_at(*docker.krita.run(_IN_WINDOW, name="acetate_diagnostics"))
    text = wait_until(lambda: docker.krita.run("QApplication.clipboard().text()"), "something to be copied")
    assert re.search(r"krita: [56]\.", text) and "[versions]" in text and "mini: installed" in text
    assert str(docker.krita.home.root) not in text
    docker.krita.run(f"{_WINDOW}.close()")
