"""One engine for the tests of a file."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import Task
from tests.engine.process import private_environment
from tests.plugin.client.test_launcher import install
from tests.plugin.gui_thread import EventLoop
from tests.plugin.session.brush import Brush
from tests.plugin.session.paper import PaperDocument
from tests.plugin.session.studio import AREA, BLUE, RED, Studio


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """One engine for all of them."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in private_environment(tmp_path_factory.mktemp("home")).items():
            patch.setenv(name, value)
        install([sys.executable, "-m", "acetate_engine", "serve"])
        studio = Studio(EventLoop())
        yield studio
        studio.session.engine.stop()


@pytest.fixture
def studio(running: Studio) -> Studio:
    running.session.settings.restore(type(running.session.settings)().saved())
    running.session.message.value = None
    running.session.settings.task.value = Task.IDENTITY
    return running


@pytest.fixture
def document(studio: Studio) -> PaperDocument:
    """Background, "tree" and "sky"; "tree" is active. Its painter does not stop to paint."""
    document = studio.paper.new(48, 32)
    document.brush = Brush(lambda: studio.events.turns)
    tree = document.add("tree", AREA, RED)
    document.add("sky", Bounds(0, 0, 48, 4), BLUE)
    document.activate(tree)
    document.steps.clear()
    studio.session.enter_document()  # as a program does when a document comes to the front
    studio.session.settings.task.value = Task.IDENTITY
    return document
