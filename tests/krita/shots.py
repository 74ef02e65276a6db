"""Pictures of the docker in Krita's own default workspace, to be looked at: `make shots`. They go to out/shots.

Each state is made by what a painter does: typed, clicked, waited for.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from acetate.protocol.requests import Task
from tests.krita.harness.display import Display
from tests.krita.harness.engine import Engine
from tests.krita.harness.home import REPOSITORY, Home, install_plugin, new_home
from tests.krita.harness.painter import Painter
from tests.krita.harness.process import KritaProcess, warm_up
from tests.krita.harness.scenes import paint_document
from tests.krita.harness.waiting import wait_until
from tests.krita.test_live import SHOWN
from tests.krita.test_results import choose
from tests.krita.test_words import OFFERED

OUT = REPOSITORY / "out" / "shots"
DEFAULT = (1920, 1080)  # screen pixels
SETTLED = 1.0  # seconds until Krita has drawn what it shows
SLOW = 600  # seconds for a layer: pictures are made on any machine
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
window.resizeDocks([dock], [width], QtCore.Qt.Orientation.Horizontal)
window.resizeDocks([dock], [height], QtCore.Qt.Orientation.Vertical)
[dock.width(), dock.height()]
"""
_ROOM = """
window = app.activeWindow().qwindow()
for docker in app.dockers():
    if docker.objectName() in hidden:
        docker.setVisible(False)
"""
_BOX = """
box = next(item for item in QApplication.allWidgets() if item.objectName() == of and item.isVisible())
corner, scale = box.mapToGlobal(QtCore.QPoint(0, 0)), box.devicePixelRatioF()
[round(scale * length) for length in (corner.x(), corner.y(), box.width(), box.height())]
"""
_FLOAT = """
dock = _docker('acetate_dock')
dock.setFloating(True)
dock.setGeometry(300, 120, width, height)
"""
_SETTINGS = """
window = next(item for item in QApplication.topLevelWidgets() if item.objectName() == 'acetate_settings_window')
window.open()
window.findChild(QtWidgets.QTabWidget).setCurrentIndex(page)
tree = window.findChild(QtWidgets.QTreeWidget)
if page == 2 and tree.topLevelItemCount() > 2:
    tree.setCurrentItem(tree.topLevelItem(2).child(2))
"""
_CLOSE = (
    "[item.close() for item in QApplication.topLevelWidgets() if item.objectName() == 'acetate_settings_window']\nNone"
)
_THEME = """
for action in app.activeWindow().qwindow().findChildren(QtWidgets.QAction):
    if action.text().replace('&', '') == theme:
        action.trigger()
"""
_OPEN_ALL = """
for name in ('acetate_more', 'acetate_styles'):
    title = _docker('acetate_dock').findChild(QtWidgets.QToolButton, name)
    if title.isVisible() and not title.isChecked():
        title.click()
"""
_UNDER_WAY = """
jobs = _docker('acetate_dock').session.jobs
bool(jobs) and jobs[0].fraction.value > 0.3
"""
_TAUGHT = "len(_docker('acetate_dock').session.words.vocabulary.value.things) > 0"
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

    def shoot(self, name: str, of: str = "acetate_dock") -> None:
        """The screen, and the docker or window of this object name out of it."""
        time.sleep(SETTLED)
        path = self.krita.display.screenshot(OUT / f"{name}.png")
        x, y, width, height = self.krita.run(_BOX, of=of)
        crop = f"{width + 8}x{height + 8}+{max(0, x - 4)}+{max(0, y - 4)}"
        subprocess.run(["convert", str(path), "-crop", crop, "+repage", str(OUT / f"{name}-docker.png")], check=True)
        print(f"{name}: docker {width}×{height}")

    def size(self, width: int, height: int) -> None:
        self.krita.run(_WIDTH, width=width, height=height)


def first_start(studio: Studio) -> None:
    studio.krita.run(_WORKSPACE)
    studio.shoot("01-default-workspace")


def at_work(studio: Studio) -> None:
    """No picture: what the later ones begin from."""
    studio.krita.run(_WORKSPACE)
    paint_document(studio.painter, 800, 600)
    studio.krita.run(_ROOM, hidden=COLOURS.split())
    studio.size(240, 700)


def narrow(studio: Studio) -> None:
    studio.painter.hands.type_into("acetate_prompt", "a red apple, 3d emoji")
    studio.shoot("02-narrow")


def tasks(studio: Studio) -> None:
    """All of them, in the open list."""
    studio.painter.hands.click("acetate_task")
    studio.shoot("26-tasks")
    studio.painter.hands.keys("Escape")


def words(studio: Studio) -> None:
    """Those that are offered while a prompt is typed."""
    studio.krita.run("_docker('acetate_dock').session.warm_up()")
    wait_until(lambda: studio.krita.run(_TAUGHT), "the words of the model", SLOW)
    studio.painter.hands.type_into("acetate_prompt", "a st")
    wait_until(lambda: studio.krita.run(OFFERED), "words to be offered", SLOW)
    studio.shoot("24-words")
    studio.painter.hands.keys("Escape")


def cut_out(studio: Studio) -> None:
    """Where the subject is, said with the keyboard."""
    studio.painter.activate("tree")
    studio.painter.choose("acetate_task", Task.EXTRACT.value)
    wait_until(lambda: studio.krita.run("not widget('acetate_subject')._image.isNull()"), "the layer to be shown")
    studio.krita.run("widget('acetate_most').setFocus()")
    studio.painter.hands.keys("Tab", "space", "Down", "Down", "Right", "shift+space")
    studio.shoot("25-cut-out")
    studio.painter.hands.keys("Delete", "Delete")
    studio.painter.choose("acetate_task", Task.FOREGROUND.value)


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
        time.sleep(SETTLED)  # or it is half a double click
    wait_until(lambda: studio.krita.run(_UNDER_WAY), "a job to be under way", SLOW)
    studio.shoot("04-queue")
    studio.painter.hands.click("acetate_cancel_all")
    wait_until(lambda: studio.krita.run("len(_docker('acetate_dock').session.jobs)") == 0, "the jobs to end", SLOW)


def make(studio: Studio, prompt: str, left: int) -> None:
    """As large as the model works best: it takes long beside much else."""
    studio.krita.run("select(left, 220, 128, 128)", left=left)
    before = studio.painter.layer_ids()
    studio.painter.hands.type_into("acetate_prompt", f"{prompt}, 3d emoji")
    studio.painter.press_generate()
    studio.painter.wait_for_layer(before, SLOW)


def results(studio: Studio) -> None:
    for prompt, left in (("a red apple", 120), ("a hot air balloon", 420)):
        make(studio, prompt, left)
    studio.krita.run("scroll_to(widget('acetate_history'))")
    studio.shoot("05-results")


def chosen(studio: Studio) -> None:
    """One of a batch of three, first alone over the canvas, then beside the others."""
    painter = studio.painter
    studio.krita.run("_docker('acetate_dock').session.settings.images.value = 3")
    make(studio, "a red apple", 120)
    studio.krita.run("trigger('deselect'); scroll_to(widget('acetate_history'))")
    choose(painter, 1)
    studio.shoot("21-chosen")
    painter.hands.click("acetate_result_beside")
    studio.shoot("22-side-by-side")
    painter.hands.click("acetate_result_beside")
    painter.hands.click("acetate_results_look")
    studio.krita.run("_docker('acetate_dock').session.settings.images.value = 1")


def live(studio: Studio) -> None:
    studio.krita.run("select(420, 220, 128, 128)")
    studio.painter.hands.click("acetate_live")
    wait_until(lambda: studio.krita.run(SHOWN), "a draft over the canvas", SLOW)
    studio.shoot("23-live")
    studio.painter.hands.click("acetate_live")


def errors(studio: Studio) -> None:
    studio.painter.hands.type_into("acetate_prompt", "")
    studio.painter.press_generate()
    studio.painter.wait_for_message("prompt is empty")
    studio.shoot("06-error")


def wide(studio: Studio) -> None:
    studio.krita.run("_docker('acetate_dock').session.message.value = None")
    studio.size(420, 800)
    studio.painter.hands.type_into("acetate_prompt", LONG)
    studio.shoot("07-wide-long-prompt")


def stack(studio: Studio) -> None:
    studio.painter.hands.click("acetate_build_stack")
    studio.shoot("08-stack")


def two_columns(studio: Studio) -> None:
    studio.krita.run(_CLOSE)
    studio.krita.run(_FLOAT, width=800, height=560)
    studio.krita.run(_OPEN_ALL)
    studio.shoot("09-two-columns")


def narrowest(studio: Studio) -> None:
    studio.krita.run(_FLOAT, width=220, height=860)
    studio.shoot("10-narrowest")


def settings(studio: Studio) -> None:
    studio.krita.run(_SETTINGS, page=2)  # which asks the engine for it
    wait_until(lambda: studio.krita.run(_KNOWN), "the engine to tell what there is", SLOW)
    for page, name in enumerate(("11-settings", "12-storage", "13-models")):
        studio.krita.run(_SETTINGS, page=page)
        studio.shoot(name, "acetate_settings_window")
    studio.krita.run(_CLOSE)


def light(studio: Studio) -> None:
    studio.krita.run(_THEME, theme="Krita bright")
    studio.krita.run(_FLOAT, width=258, height=860)
    studio.shoot("14-light")
    studio.krita.run(_THEME, theme="Krita dark")


def in_words(studio: Studio, first: int, code: str) -> None:
    """Narrow, and the windows, in another language."""
    studio.krita.run(_WORKSPACE)
    paint_document(studio.painter, 800, 600)
    studio.krita.run(_FLOAT, width=220, height=900)
    studio.painter.activate("tree")
    studio.painter.choose("acetate_task", Task.INPAINT.value)
    studio.krita.run(_OPEN_ALL)
    studio.painter.press_generate()
    wait_until(studio.painter.message, "the docker to say what is missing")
    studio.shoot(f"{first}-{code}-narrow")
    studio.krita.run(_SETTINGS, page=2)
    wait_until(lambda: studio.krita.run(_KNOWN), "the engine to tell what there is", SLOW)
    studio.krita.run(_SETTINGS, page=2)
    studio.shoot(f"{first + 1}-{code}-models", "acetate_settings_window")


def chinese(studio: Studio) -> None:
    in_words(studio, 15, "zh_CN")


def german(studio: Studio) -> None:
    in_words(studio, 17, "de")


def twice_as_large(studio: Studio) -> None:
    studio.krita.run(_WORKSPACE)
    studio.krita.run(_FLOAT, width=300, height=480)
    studio.krita.run("_docker('acetate_dock').session.settings.prompt.value = 'a red apple, 3d emoji'")
    studio.shoot("19-200-percent")


def without_engine(studio: Studio) -> None:
    studio.krita.run(_WORKSPACE)
    studio.shoot("20-no-engine")


_KNOWN = """
session = _docker('acetate_dock').session
session.library.shelves.value is not None and session.storing.storage.value is not None
"""


@dataclass(frozen=True)
class Sitting:
    """The states of one Krita."""

    states: tuple[Callable[[Studio], None], ...]
    language: str = "en"
    variables: tuple[tuple[str, str], ...] = ()
    has_engine: bool = True


STATES = (
    first_start,
    at_work,
    narrow,
    tasks,
    words,
    cut_out,
    refine,
    queue_of_five,
    results,
    chosen,
    live,
    errors,
    wide,
    stack,
    two_columns,
    narrowest,
)
SITTINGS = (
    Sitting((*STATES, settings, light)),
    Sitting((chinese,), "zh_CN"),
    Sitting((german,), "de"),
    Sitting((twice_as_large,), variables=(("QT_SCALE_FACTOR", "2"),)),
    Sitting((without_engine,), has_engine=False),
)


def main() -> None:
    """All, or the named states alone."""
    OUT.mkdir(parents=True, exist_ok=True)
    wanted = set(sys.argv[1:]) or {state.__name__ for sitting in SITTINGS for state in sitting.states}
    for sitting in SITTINGS:
        states = tuple(state for state in sitting.states if state is at_work or state.__name__ in wanted)
        if states not in ((), (at_work,)):
            _sit(replace(sitting, states=states))


def _sit(sitting: Sitting) -> None:
    with Display.virtual(*DEFAULT) as display:
        made = new_home(lambda fresh: warm_up(fresh, display))
        home = Home(made.root, sitting.variables)
        install_plugin(home)
        (home.config / "klanguageoverridesrc").write_text(f"[Language]\nkrita={sitting.language}\n")
        if not sitting.has_engine:
            (home.config / "acetate" / "engine.json").unlink()
        krita = KritaProcess(home, display)
        try:
            studio = Studio(krita)
            for state in sitting.states:
                state(studio)
        except Exception:
            display.screenshot(OUT / "failed.png")
            raise
        finally:
            krita.quit()
            Engine(home).stop()
            home.remove()


if __name__ == "__main__":
    main()
