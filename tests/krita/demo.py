"""`make demo`: the main job in the real Krita, from a prompt typed into the docker to a layer in a saved document.

    .venv/bin/python -m tests.krita.demo

Writes out/demo.kra, demo.psd, demo.png and demo-screenshot.png. Uses the display there is, or Xvfb.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path

from rich.console import Console

from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import Preset, Task
from tests.krita.harness.display import Display
from tests.krita.harness.engine import Engine
from tests.krita.harness.home import REPOSITORY, Home, install_plugin, new_home, template_path
from tests.krita.harness.painter import Painter
from tests.krita.harness.process import KritaProcess, warm_up

OUT = REPOSITORY / "out"
DOCKER_WIDTH = 400  # screen pixels
JOB_LIMIT = 400.0  # seconds
SETTLE = 1.0  # seconds; Krita lays its window out, and draws, in later turns of its event loop


@dataclass(frozen=True)
class Scene:
    """A sample painting, and what is to appear where in it."""

    painting: str  # in resources/samples
    prompt: str
    region: Bounds  # canvas pixels
    task: Task = Task.FOREGROUND
    seed: int = 1


SCENE = Scene("dawn_lake.png", "a hot air balloon, photo", Bounds(300, 80, 192, 192))


class Report:
    """What is being done, with the seconds since the start."""

    def __init__(self) -> None:
        self._console = Console()
        self._start = time.monotonic()

    def say(self, text: str) -> None:
        self._console.print(f"[dim]{time.monotonic() - self._start:5.1f} s[/dim]  {text}", soft_wrap=True)

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        with self._console.status(text):
            yield
        self.say(text)


def main() -> None:
    report = Report()
    OUT.mkdir(exist_ok=True)
    with Display.of_user_or_virtual() as display:
        home = prepare(display, report)
        with report.step("started Krita"):
            krita = KritaProcess(home, display)
        try:
            perform(Painter(krita), report)
        finally:
            krita.quit()
            Engine(home).stop()
            home.remove()


def prepare(display: Display, report: Report) -> Home:
    """A private HOME with the plugin in it: the painter's own Krita settings are left alone."""
    first = "" if template_path().exists() else " (once per Krita version: about 20 s)"
    with report.step(f"prepared a home for Krita{first}"):
        home = new_home(lambda fresh: warm_up(fresh, display))
    with report.step("installed the plugin"):
        install_plugin(home)
    return home


def perform(painter: Painter, report: Report) -> None:
    with report.step(f"opened {SCENE.painting}"):
        open_painting(painter, REPOSITORY / "resources" / "samples" / SCENE.painting)
    with report.step(f"typed “{SCENE.prompt}”"):
        painter.set_up(SCENE.prompt, SCENE.task, SCENE.seed)
        painter.choose("acetate_preset", Preset.FINAL.value)
    with report.step("generated a transparent layer"):
        before = painter.layer_ids()
        painter.press_generate()
        layer = painter.wait_for_layer(before, JOB_LIMIT)
    report.say(f"inserted “{layer['name']}” above the active layer, in one undo step")
    with report.step("saved"):
        files = save(painter)
    for file in files:
        report.say(f"{file.relative_to(REPOSITORY)}  {file.stat().st_size / 1024:.0f} KiB")


def open_painting(painter: Painter, painting: Path) -> None:
    code = """
fill_screen()
show_dockers({'acetate_dock': 640, 'KisLayerBox': 260}, width)
open_file(path)
"""
    painter.krita.run(code, path=str(painting), width=DOCKER_WIDTH)
    time.sleep(SETTLE)
    painter.krita.run("select(*region)", region=astuple(SCENE.region))


def save(painter: Painter) -> list[Path]:
    """The document as Krita and Photoshop read it, the flat picture, and what the painter sees."""
    painter.krita.run("trigger('deselect')")
    time.sleep(SETTLE)
    files = [OUT / f"demo{suffix}" for suffix in (".kra", ".psd", ".png", "-screenshot.png")]
    *documents, screenshot = files
    painter.krita.run("grab_window(path)", path=str(screenshot))
    for document in documents:
        painter.krita.run("export(path)", path=str(document), timeout=120)
    if missing := [file.name for file in files if not file.exists()]:
        sys.exit(f"Krita did not write {', '.join(missing)}")
    return files


if __name__ == "__main__":
    main()
