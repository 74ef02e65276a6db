"""The models page in the real Krita: downloads from a hub on this machine, files dropped, folders used."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.models.library.hub import Hub, running
from tests.engine.models.library.test_library import NAME, lora
from tests.krita.harness.display import Display
from tests.krita.harness.engine import Engine
from tests.krita.harness.home import Home, install_plugin, new_home
from tests.krita.harness.painter import Painter
from tests.krita.harness.process import KritaProcess, warm_up
from tests.krita.harness.waiting import wait_until

_WINDOW = "next(w for w in QApplication.topLevelWidgets() if w.objectName() == 'acetate_settings_window')"
_OPEN = f"""
_docker('acetate_dock').findChild(QWidget, 'acetate_settings').click()
{_WINDOW}.findChild(QtWidgets.QTabWidget).setCurrentIndex(2)
"""
_SHELVES = "_docker('acetate_dock').session.library.shelves.value"
_CHOOSE = f"""
tree = {_WINDOW}.findChild(QtWidgets.QTreeWidget)
found = tree.findItems(text, QtCore.Qt.MatchFlag.MatchExactly | QtCore.Qt.MatchFlag.MatchRecursive, 0)
if found:
    tree.setCurrentItem(found[-1])  # the list of files, behind what is on its way
{_WINDOW}.findChild(QWidget, 'acetate_model_detail').text() if found else ''
"""
_PLACE = f"""
item = {_WINDOW}.findChild(QWidget, name)
point = item.mapToGlobal(item.rect().center())
[point.x(), point.y()] if item.isEnabled() else None
"""
_DROP = f"""
from acetate.qt import QtGui
page = {_WINDOW}.findChild(QtWidgets.QTreeWidget).parentWidget()
data = QtCore.QMimeData()
data.setUrls([QtCore.QUrl.fromLocalFile(path)])
at, action = QPoint(20, 20), Qt.DropAction.CopyAction
button, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
enter = QtGui.QDragEnterEvent(at, action, data, button, keys)
QApplication.sendEvent(page, enter)
if enter.isAccepted():
    QApplication.sendEvent(page, QtGui.QDropEvent(QtCore.QPointF(at), action, data, button, keys))
enter.isAccepted()
"""


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running() as found:
        found.files[NAME] = os.urandom(200_000)
        yield found


@pytest.fixture
def page(display: Display, hub: Hub) -> Iterator[Painter]:
    """Open, in a Krita whose engine asks that hub."""
    made = new_home(lambda each: warm_up(each, display))
    home = Home(made.root, (("HF_ENDPOINT", hub.url),))
    install_plugin(home)
    krita = KritaProcess(home, display)
    painter = Painter(krita)
    painter.show_docker()
    painter.new_document(64, 64)
    krita.run(_OPEN)
    wait_until(lambda: krita.run(f"{_SHELVES} is not None"), "the engine to tell what there is")
    yield painter
    krita.quit()
    Engine(home).stop()
    home.remove()


def choose(page: Painter, text: str) -> str:
    detail: str = wait_until(lambda: page.krita.run(_CHOOSE, text=text), text)
    return detail


def click(page: Painter, name: str) -> None:
    page.hands.click_at(*wait_until(lambda: page.krita.run(_PLACE, name=name), f"{name} to be enabled"))


def test_what_is_missing_comes_by_a_click_and_is_checked(page: Painter, hub: Hub) -> None:
    detail = choose(page, NAME)
    assert "for SD 1.5: joint" in detail and "OpenRAIL-M" in detail and "LayerDiffusion/layerdiffusion-v1" in detail
    click(page, "acetate_model_fetch")
    file = page.krita.home.root / "data/acetate/models/layerdiffuse" / NAME
    wait_until(file.exists, "the file")
    assert file.read_bytes() == hub.files[NAME]
    there = f"{_SHELVES}.downloads[0].state.value"
    wait_until(lambda: page.krita.run(there) == "done", "the page to know it")


def test_a_dropped_file_is_taken_and_what_is_none_is_refused_with_the_reason(page: Painter, tmp_path: Path) -> None:
    krita = page.krita
    assert krita.run(_DROP, path=str(lora(tmp_path / "chalk.safetensors")))
    wait_until(lambda: krita.run(f"any(each.name == 'chalk.safetensors' for each in {_SHELVES}.files)"), "it")
    assert "LoRA" in choose(page, "chalk.safetensors")
    (tmp_path / "notes.txt").write_text("no model")
    krita.run(_DROP, path=str(tmp_path / "notes.txt"))
    page.wait_for_message("notes.txt is no safetensors file", "others may run code")


def test_a_folder_of_another_program_is_used_and_forgotten(page: Painter, tmp_path: Path) -> None:
    lora(tmp_path / "models" / "Lora" / "wash.safetensors")
    session = "_docker('acetate_dock').session"
    page.krita.run(f"{session}.run({session}.library.use_folders([folder]))", folder=str(tmp_path))
    wait_until(lambda: page.krita.run(f"len({_SHELVES}.folders)"), "the folder")
    assert "LoRA" in choose(page, "wash.safetensors")
    choose(page, str(tmp_path))
    click(page, "acetate_models_forget")
    wait_until(lambda: page.krita.run(f"not {_SHELVES}.folders"), "it to be forgotten")
