"""Two Kritas with one engine, two windows each, two documents in one of them: every result in its own place.

Kritas of its own: Krita 5.1 may crash where documents are closed after a window was.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.krita.harness.display import Display
from tests.krita.harness.engine import Engine, is_alive
from tests.krita.harness.home import Home, install_plugin, new_home
from tests.krita.harness.process import KritaProcess, warm_up
from tests.krita.harness.waiting import wait_until

JOB_LIMIT = 180.0  # seconds
KILLED = 60.0  # seconds after which an engine whose Krita was killed is gone; it waits 15 for a word
# A second window, a document in each, and a copy of the first document: what a painter clicks together.
OPEN = """
def make(window, name):
    made = app.createDocument(64, 64, name, "RGBA", "U8", SRGB, 72.0)
    made.setName(name)
    made.setBatchmode(True)
    window.addView(made)
    made.waitForDone()
make(app.windows()[0], names[0])
app.openWindow()
bring_to_front(1)
make(app.windows()[1], names[1])
bring_to_front(0)
app.action("create_copy").trigger()
turn_the_event_loop(300)
app.activeDocument().setBatchmode(True)
app.activeDocument().setName(names[2])
[item.rootNode().uniqueId().toString() for item in app.documents()]
"""
LAYERS = "{item.name(): [node.name() for node in item.topLevelNodes()] for item in app.documents()}"
ASK = """
tabs = app.activeWindow().qwindow().centralWidget().findChild(QtWidgets.QMdiArea)
for tab in tabs.subWindowList():
    tabs.setActiveSubWindow(tab)
    turn_the_event_loop(50)
    if app.activeDocument().name() == document:
        break
assert app.activeDocument().name() == document
settings = front_dock().session.settings
settings.prompt.value, settings.seed.value, settings.random_seed.value = prompt, 7, False
turn_the_event_loop(QApplication.doubleClickInterval() + 50)
front_dock().findChild(QWidget, "acetate_generate").click()
"""
CLOSE_SECOND = """
for item in app.documents():
    item.setModified(False)
leave_unfinished()
QTimer.singleShot(0, app.windows()[1].qwindow().close)
turn_the_event_loop(1000)
bring_to_front(0)
"""
HISTORY = "len(front_dock().session.history.entries)"
PROMPTS = "[dock.findChild(QWidget, 'acetate_prompt').toPlainText() for dock in docks()]"


class Windows:
    """One of the Kritas."""

    def __init__(self, home: Home, display: Display, name: str) -> None:
        self.krita = KritaProcess(home, display)
        self.name = name
        self.first, self.second, self.copy = (f"{name} {what}" for what in ("first", "second", "copy"))
        self.ids = self.krita.run(OPEN, names=[self.first, self.second, self.copy])

    def ask(self, window: int, document: str) -> None:
        """For a layer with the name of its document, in the docker of the window that shows it."""
        self.krita.run("bring_to_front(window)", window=window)
        self.krita.run(ASK, document=document, prompt=document)

    def made(self) -> dict[str, list[str]]:
        """By document, what the layers that came were asked for."""
        found: dict[str, list[str]] = self.krita.run(LAYERS)
        return {
            name: [layer.partition(" · ")[0] for layer in layers if layer != "Background"]
            for name, layers in found.items()
        }

    def prompts(self) -> list[Any]:
        """What the dockers of all windows show."""
        found: list[Any] = self.krita.run(PROMPTS)
        return found

    def jobs(self) -> list[str]:
        found: list[str] = self.krita.run("[job.request.prompt for job in front_dock().session.jobs]")
        return found

    def wait(self) -> None:
        wait_until(lambda: not self.jobs(), "the end of all jobs", JOB_LIMIT, every=0.1)
        assert not self.krita.run("str(front_dock().session.message.value or '')")
        assert not self.krita.uncaught, "\n".join(self.krita.uncaught)


@pytest.fixture
def kritas(display: Display) -> Iterator[tuple[Windows, Windows]]:
    """Each with a profile and a screen of its own; they find one engine, because their runtime folder is the same."""
    one, two = (new_home(lambda fresh: warm_up(fresh, display)) for _ in range(2))
    install_plugin(one)
    install_plugin(two)
    beside = replace(two, variables=(("XDG_RUNTIME_DIR", str(one.runtime)),))
    with Display.virtual() as other:
        both = Windows(one, display, "one"), Windows(beside, other, "two")
        yield both
        for it in both:
            it.krita.kill()
    Engine(one).stop()
    one.remove()
    two.remove()


def test_every_result_in_its_own_place(kritas: tuple[Windows, Windows]) -> None:
    one, two = kritas
    engine = Engine(one.krita.home)
    assert len(set(one.ids)) == 2, "Krita gives a copy of a document the ids of the document"
    one.krita.run("front_dock().session.warm_up()")
    wait_until(lambda: (engine.health() or {}).get("worker") == "ready", "the engine", JOB_LIMIT)
    _all_six_at_once(one, two, engine)
    _a_window_is_closed(two, engine)
    _the_krita_that_started_the_engine_is_closed(one, two, engine)
    _the_last_krita_is_killed(two, engine)


def _all_six_at_once(one: Windows, two: Windows, engine: Engine) -> None:
    with engine.worker_held():
        for krita in (one, two):
            for window, document in ((0, krita.first), (1, krita.second), (0, krita.copy)):
                krita.ask(window, document)
        for krita in (one, two):
            assert krita.jobs() == [krita.first, krita.second, krita.copy]
            assert krita.krita.run("front_dock().session is docks()[1].session")
        wait_until(lambda: len(engine.jobs()) == 6, "six jobs in one engine")
        one.krita.run("bring_to_front(1)")
        assert one.prompts() == [one.second] * 2, "settings follow the document that comes to the front"
        one.krita.run("bring_to_front(0)")
        assert one.prompts() == [one.copy] * 2
    for krita in (one, two):
        krita.wait()
        assert krita.made() == {name: [name] for name in (krita.first, krita.second, krita.copy)}


def _a_window_is_closed(krita: Windows, engine: Engine) -> None:
    """Jobs of the other window go on, and what comes back for a document that went with its window is kept."""
    before = krita.krita.run(HISTORY)
    with engine.worker_held():
        krita.ask(0, krita.first)
        krita.ask(1, krita.second)
        krita.krita.run(CLOSE_SECOND)
        assert krita.krita.run("len(app.windows())") == 1
        assert krita.jobs() == [krita.first, krita.second]
    wait_until(lambda: not krita.jobs(), "the end of both jobs", JOB_LIMIT, every=0.1)
    assert krita.made() == {krita.first: [krita.first] * 2, krita.copy: [krita.copy]}
    assert krita.krita.run(HISTORY) == before + 2
    assert "closed" in krita.krita.run("str(front_dock().session.message.value)")
    assert not krita.krita.uncaught, "\n".join(krita.krita.uncaught)


def _the_krita_that_started_the_engine_is_closed(one: Windows, two: Windows, engine: Engine) -> None:
    running = engine.pid
    assert running is not None
    one.krita.quit()
    two.ask(0, two.copy)
    two.wait()
    assert two.made()[two.copy] == [two.copy] * 2
    assert engine.pid == running


def _the_last_krita_is_killed(krita: Windows, engine: Engine) -> None:
    running = engine.pid
    assert running is not None
    krita.krita.kill()
    wait_until(lambda: not is_alive(running), "the engine to notice that nobody uses it", KILLED, every=0.1)
    assert engine.connection is None
