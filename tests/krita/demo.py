"""`make demo`: what Acetate is for, in one run of the real Krita, typed and clicked in the docker.

    .venv/bin/python -m tests.krita.demo

A background behind a cut-out; something in front of a painting, made for what lies below it; a stack of three in it.
Writes out/demo.kra, demo.psd, demo.png (the painting), demo-behind.png and demo-screenshot.png. Uses the display there
is, or Xvfb.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path

import platformdirs
from rich.console import Console

from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import Preset, Task
from tests.krita.harness.builder import Builder
from tests.krita.harness.display import Display
from tests.krita.harness.engine import Engine
from tests.krita.harness.home import REPOSITORY, Home, install_plugin, new_home, template_path
from tests.krita.harness.painter import Painter
from tests.krita.harness.process import KritaProcess, warm_up

OUT = REPOSITORY / "out"
DOCKERS = {"acetate_dock": 600, "KisLayerBox": 300}  # screen pixels high
DOCKER_WIDTH = 400  # screen pixels
JOB_LIMIT = 400.0  # seconds
SETTLE = 1.0  # seconds; Krita lays its window out, and draws, in later turns of its event loop
SIDE_BY_SIDE = """
area = app.activeWindow().qwindow().findChild(QtWidgets.QMdiArea)
area.setViewMode(QtWidgets.QMdiArea.ViewMode.SubWindowView)
small, large = area.subWindowList(QtWidgets.QMdiArea.WindowOrder.CreationOrder)
width, height = area.width(), area.height()
for window, left, right in ((large, 0, 0.7), (small, 0.7, 1)):
    window.showNormal()
    window.setGeometry(int(left * width), 0, int((right - left) * width), height)
    area.setActiveSubWindow(window)
    turn_the_event_loop(300)
area.setActiveSubWindow(large)
"""


@dataclass(frozen=True)
class Wish:
    """What is to appear where, and what is there already: both are captions that the model was taught."""

    prompt: str
    region: Bounds  # canvas pixels
    task: Task = Task.FOREGROUND
    beside: tuple[str, str] | None = None  # the field for what is there already, and the words
    seed: int = 1


PAINTING = "dawn_lake.png"  # in resources/samples
CARD = Bounds(0, 0, 384, 384)  # a document of its own
CUT_OUT = Wish("a castle, 3d emoji", CARD, seed=2)
BEHIND = Wish(
    "a green meadow under a blue sky",
    CARD,
    Task.BACKGROUND_BEHIND_FOREGROUND,
    ("acetate_foreground_prompt", CUT_OUT.prompt),
)
IN_FRONT = Wish(
    "a hot air balloon, photo",
    Bounds(300, 80, 192, 192),
    Task.FOREGROUND_ON_BACKGROUND,
    ("acetate_background_prompt", "mountains at sunset"),
)
STACK = (  # bottom to top
    Wish("a swan, 3d emoji", Bounds(790, 480, 96, 96)),
    Wish("a swan, 3d emoji", Bounds(330, 500, 128, 128)),
    Wish("a campfire, translucent", Bounds(60, 540, 176, 176)),
)


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
    lend_models(home)
    return home


def lend_models(home: Home) -> None:
    """What `make setup` has downloaded; without a network, nothing."""
    there, here = (
        Path(data) / "models" for data in (platformdirs.user_data_dir("acetate"), home.root / "data/acetate")
    )
    if there.is_dir():
        here.parent.mkdir(parents=True, exist_ok=True)
        here.symlink_to(there)


def perform(painter: Painter, report: Report) -> None:
    painter.krita.run("fill_screen(); show_dockers(sizes, width)", sizes=DOCKERS, width=DOCKER_WIDTH)
    with report.step("made a document for a cut-out"):
        painter.new_document(CARD.width, CARD.height)
        painter.choose("acetate_preset", Preset.FINAL.value)
    make(painter, CUT_OUT, report)
    make(painter, BEHIND, report)
    painter.krita.run("trigger('deselect')")
    export(painter, "demo-behind.png", report)
    with report.step(f"opened {PAINTING}"):
        painter.krita.run("open_file(path)", path=str(REPOSITORY / "resources" / "samples" / PAINTING))
        time.sleep(SETTLE)
        painter.choose("acetate_preset", Preset.FINAL.value)
    make(painter, IN_FRONT, report)
    build_stack(painter, report)
    show(painter)
    for suffix in (".kra", ".psd", ".png"):
        export(painter, f"demo{suffix}", report)


def make(painter: Painter, wish: Wish, report: Report) -> None:
    """From the words typed to the layer in its place, in one undo step."""
    with report.step(f"{wish.task.traits.label}: “{wish.prompt}”"):
        painter.krita.run("select(*region)", region=astuple(wish.region))
        painter.set_up(wish.prompt, wish.task, wish.seed)
        if wish.beside:
            painter.hands.type_into(*wish.beside)
        before = painter.layer_ids()
        painter.press_generate()
        painter.wait_for_layer(before, JOB_LIMIT)


def build_stack(painter: Painter, report: Report) -> None:
    """Each layer belongs to those below it; the whole is a group, in one undo step."""
    with report.step(f"Stack of {len(STACK)}: " + ", ".join(f"“{wish.prompt}”" for wish in STACK)):
        builder = Builder(painter)
        builder.open()
        for index, wish in enumerate(STACK):
            if index:
                builder.press("acetate_stack_add")
            builder.describe(wish.prompt, wish.region)
        builder.generate(timeout=JOB_LIMIT)
        builder.close()


def show(painter: Painter) -> None:
    """Both documents beside each other, and what the painter sees of them."""
    painter.krita.run("trigger('deselect')")
    painter.krita.run(SIDE_BY_SIDE)
    time.sleep(SETTLE)
    painter.krita.run("grab_window(path)", path=str(OUT / "demo-screenshot.png"))


def export(painter: Painter, name: str, report: Report) -> None:
    """As Krita and Photoshop read it, or flat."""
    file = OUT / name
    painter.krita.run("export(path)", path=str(file), timeout=120)
    report.say(f"{file.relative_to(REPOSITORY)}  {file.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
