"""Canvas actions, in the menu Tools → Scripts; acetate.action makes their shortcuts assignable."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from krita import Extension, Krita, Window

from acetate.language import mark, tr
from acetate.protocol.labels import label_of
from acetate.protocol.tasks import Task
from acetate.qt import QtWidgets
from acetate.session.session import Session
from acetate.ui.dock import AcetateDock
from acetate.ui.shared import shared
from acetate.ui.tasks import icon_of

TASK_ACTIONS: Mapping[str, Task] = {  # in the order of the list
    "acetate_generate_layer": Task.FOREGROUND,
    "acetate_put_in_front": Task.FOREGROUND_ON_BACKGROUND,
    "acetate_paint_behind": Task.BACKGROUND_BEHIND_FOREGROUND,
    "acetate_generate_both": Task.JOINT,
    "acetate_blend_layers": Task.BLEND,
    "acetate_refine_layer": Task.REFINE,
    "acetate_repaint_selection": Task.INPAINT,
    "acetate_cut_out": Task.EXTRACT,
    "acetate_select_subject": Task.SELECT,
    "acetate_remove_subject": Task.REMOVE,
    "acetate_split_layer": Task.DECOMPOSE,
    "acetate_expand_canvas": Task.EXPAND,
    "acetate_contact_shadow": Task.CONTACT_SHADOW,
    "acetate_cast_shadow": Task.CAST_SHADOW,
    "acetate_reflect_layer": Task.REFLECTION,
    "acetate_match_light": Task.MATCH_LIGHT,
    "acetate_enlarge_layer": Task.UPSCALE,
    "acetate_build_stack": Task.STACK,
}
"""Called as in the docker's list. Each works at once, on the selection where there is one."""

ACTIONS: tuple[tuple[str, str, Callable[[Session], None]], ...] = (
    ("acetate_mask_layers", mark("Transparency of new layers as a mask, on or off"), lambda s: s.toggle_mask()),
    ("acetate_regenerate_layer", mark("Regenerate layer"), lambda session: session.regenerate(is_varied=False)),
    ("acetate_vary_layer", mark("Vary layer"), lambda session: session.regenerate(is_varied=True)),
    ("acetate_copy_layer_settings", mark("Copy settings of layer"), lambda session: session.copy_settings()),
    ("acetate_write_prompt", mark("Write the prompt"), lambda session: session.prompt_wanted.emit(None)),
    ("acetate_cancel_job", mark("Cancel generating"), lambda session: session.cancel()),
)
"""Id, text, and what it does."""


class AcetateActions(Extension):
    def setup(self) -> None:
        """Krita wants it; there is nothing to set up."""

    def createActions(self, window: Window) -> None:
        shared().leaving.watch(window.qwindow())
        for name, task in TASK_ACTIONS.items():
            _add(window, name, _called(task), partial(_begin, task)).setIcon(icon_of(task))
        for name, text, work in ACTIONS:
            _add(window, name, tr(text), work)


def _called(task: Task) -> str:
    """Three dots where a window opens first."""
    return tr(label_of(task)) + ("…" if task is Task.STACK else "")


def _begin(task: Task, session: Session) -> None:
    if task is Task.STACK:
        session.stack.open()
    else:
        session.do(task)


def _add(window: Window, name: str, text: str, work: Callable[[Session], None]) -> QtWidgets.QAction:
    action = window.createAction(name, text, "tools/scripts")
    action.setAutoRepeat(False)  # a key that is held down is one press
    action.triggered.connect(partial(_do, work))
    return action


def _do(work: Callable[[Session], None], _is_checked: bool = False) -> None:
    work(_dock().session)


def _dock() -> AcetateDock:
    """The docker in the window of the painter, which shows what comes of it."""
    window = Krita.instance().activeWindow()  # the one that the action was made in is a wrapper that is gone by now
    assert window is not None  # somebody chose the action in it
    dock = window.qwindow().findChild(AcetateDock, "acetate_dock")
    assert dock is not None  # Krita makes every docker in every window
    dock.show()
    dock.raise_()
    return dock
