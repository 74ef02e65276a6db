"""Pictures of the docker in Krita's own default workspace, to be looked at: `make shots`. They go to out/shots.

Each state is made by what a painter does: typed, clicked, waited for.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

from acetate.protocol.requests import Task
from tests.krita.harness.display import Display
from tests.krita.harness.engine import Engine
from tests.krita.harness.home import REPOSITORY, install_plugin, new_home
from tests.krita.harness.painter import Painter
from tests.krita.harness.process import KritaProcess, warm_up
from tests.krita.harness.scenes import paint_document
from tests.krita.harness.waiting import wait_until

OUT = REPOSITORY / "out" / "shots"
DEFAULT = (1920, 1080)  # screen pixels
SETTLED = 1.0  # seconds until Krita has drawn what it shows
_WORKSPACE = """
window = app.activeWindow().qwindow()
window.showNormal(); window.setGeometry(QtWidgets.QApplication.primaryScreen().geometry())
dock = _docker('acetate_dock')
dock.setVisible(True); dock.raise_()
"""
_WIDTH = """
window = app.activeWindow().qwindow()
dock = _docker('acetate_dock')
dock.setFloating(False)
window.resizeDocks([dock], [width], QtCore.Qt.Horizontal)
window.resizeDocks([dock], [height], QtCore.Qt.Vertical)
[dock.width(), dock.height()]
"""
_ROOM = """
window = app.activeWindow().qwindow()
for docker in app.dockers():
    if docker.objectName() in hidden:
        docker.setVisible(False)
"""
_BOX = """
box = _docker('acetate_dock')
corner = box.mapToGlobal(QtCore.QPoint(0, 0))
[corner.x(), corner.y(), box.width(), box.height()]
"""
_UNDER_WAY = """
jobs = _docker('acetate_dock').session.jobs
bool(jobs) and jobs[0].fraction.value > 0.3
"""
LONG = (
    "a very long prompt that goes on and on about a hot air balloon, red and white stripes, over a lake at sunset, "
    "3d emoji, with a small basket under it and clouds around"
)
COLOURS = "ColorSelectorNg SpecificColorSelector PresetDocker sharedtooldocker OverviewDocker BrushHudDocker History"


class Studio:
    """One Krita, and the pictures of it."""

    def __init__(self, krita: KritaProcess) -> None:
        self.painter = Painter(krita)
        self.krita = krita
        self.engine = Engine(krita.home)

    def shoot(self, name: str) -> None:
        time.sleep(SETTLED)
        path = self.krita.display.screenshot(OUT / f"{name}.png")
        x, y, width, height = self.krita.run(_BOX)
        crop = f"{width + 8}x{height + 8}+{max(0, x - 4)}+{max(0, y - 4)}"
        subprocess.run(["convert", str(path), "-crop", crop, "+repage", str(OUT / f"{name}-docker.png")], check=True)
        print(f"{name}: docker {width}×{height}")

    def size(self, width: int, height: int) -> None:
        self.krita.run(_WIDTH, width=width, height=height)


def first_start(studio: Studio) -> None:
    studio.krita.run(_WORKSPACE)
    studio.shoot("01-default-workspace")


def narrow(studio: Studio) -> None:
    paint_document(studio.painter, 800, 600)
    studio.krita.run(_ROOM, hidden=COLOURS.split())
    studio.size(240, 700)
    studio.painter.hands.type_into("acetate_prompt", "a red apple, 3d emoji")
    studio.shoot("02-narrow")


def refine(studio: Studio) -> None:
    studio.painter.activate("tree")
    studio.painter.choose("acetate_task", Task.REFINE.value)
    studio.painter.hands.click("acetate_prompt")
    studio.shoot("03-refine")
    studio.painter.choose("acetate_task", Task.FOREGROUND.value)


def queue_of_five(studio: Studio) -> None:
    for prompt in ("a red apple", "a green pear", "a lemon", "a hot air balloon", "a blue cup"):
        studio.painter.hands.type_into("acetate_prompt", f"{prompt}, 3d emoji")
        studio.painter.press_generate()
    wait_until(lambda: studio.krita.run(_UNDER_WAY), "a job to be under way", 120)
    studio.shoot("04-queue")
    studio.painter.hands.click("acetate_cancel_all")
    wait_until(lambda: studio.krita.run("len(_docker('acetate_dock').session.jobs)") == 0, "the jobs to end", 120)


def results(studio: Studio) -> None:
    for prompt in ("a red apple", "a hot air balloon"):
        before = studio.painter.layer_ids()
        studio.painter.hands.type_into("acetate_prompt", f"{prompt}, 3d emoji")
        studio.painter.press_generate()
        studio.painter.wait_for_layer(before)
    studio.krita.run("scroll_to(widget('acetate_history'))")
    studio.shoot("05-results")


def errors(studio: Studio) -> None:
    studio.painter.hands.type_into("acetate_prompt", "")
    studio.painter.press_generate()
    studio.painter.wait_for_message("prompt is empty")
    studio.shoot("06-error")


def wide(studio: Studio) -> None:
    studio.size(420, 800)
    studio.painter.hands.type_into("acetate_prompt", LONG)
    studio.shoot("07-wide-long-prompt")


def stack(studio: Studio) -> None:
    studio.painter.hands.click("acetate_build_stack")
    studio.shoot("08-stack")


STATES: tuple[Callable[[Studio], None], ...] = (
    *(first_start, narrow, refine, queue_of_five),
    *(results, errors, wide, stack),
)


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    for old in OUT.glob("*.png"):
        old.unlink()
    with Display.virtual(*DEFAULT) as display:
        home = new_home(lambda fresh: warm_up(fresh, display))
        install_plugin(home)
        krita = KritaProcess(home, display)
        try:
            _shoot_all(Studio(krita))
        finally:
            krita.quit()
            Engine(home).stop()
            home.remove()


def _shoot_all(studio: Studio) -> None:
    wanted = sys.argv[1:]
    for state in STATES:
        if not wanted or state.__name__ in wanted or state in (first_start, narrow):
            state(studio)


if __name__ == "__main__":
    main()
