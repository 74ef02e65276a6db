"""Canvas actions, in the menu Tools → Scripts; acetate.action makes their shortcuts assignable."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from krita import Extension, Krita, Window

from acetate.language import mark, tr
from acetate.protocol.requests import Task
from acetate.session.session import Session
from acetate.ui.dock import AcetateDock
from acetate.ui.shared import shared

ACTIONS: tuple[tuple[str, str, Callable[[Session], None]], ...] = (
    ("acetate_generate_layer", mark("Generate layer here"), lambda session: session.do(Task.FOREGROUND)),
    ("acetate_put_in_front", mark("Put something in front"), lambda session: session.do(Task.FOREGROUND_ON_BACKGROUND)),
    ("acetate_paint_behind", mark("Paint the background behind"), lambda s: s.do(Task.BACKGROUND_BEHIND_FOREGROUND)),
    ("acetate_generate_both", mark("Generate foreground and background"), lambda session: session.do(Task.JOINT)),
    ("acetate_build_stack", mark("Build stack…"), lambda session: session.stack.open()),
    ("acetate_refine_layer", mark("Refine layer"), lambda session: session.do(Task.REFINE)),
    ("acetate_repaint_selection", mark("Repaint inside selection"), lambda session: session.do(Task.INPAINT)),
    ("acetate_cut_out", mark("Cut out the subject"), lambda session: session.do(Task.EXTRACT)),
    ("acetate_select_subject", mark("Select the subject"), lambda session: session.do(Task.SELECT)),
    ("acetate_remove_subject", mark("Remove the subject and fill behind"), lambda session: session.do(Task.REMOVE)),
    ("acetate_split_layer", mark("Split into layers"), lambda session: session.do(Task.DECOMPOSE)),
    ("acetate_expand_canvas", mark("Paint beyond the canvas"), lambda session: session.do(Task.EXPAND)),
    ("acetate_contact_shadow", mark("Shadow where it stands"), lambda session: session.do(Task.CONTACT_SHADOW)),
    ("acetate_cast_shadow", mark("Cast a shadow"), lambda session: session.do(Task.CAST_SHADOW)),
    ("acetate_reflect_layer", mark("Reflect the layer"), lambda session: session.do(Task.REFLECTION)),
    ("acetate_match_light", mark("Match the light"), lambda session: session.do(Task.MATCH_LIGHT)),
    ("acetate_enlarge_layer", mark("Enlarge the layer"), lambda session: session.do(Task.UPSCALE)),
    ("acetate_mask_layers", mark("Transparency of new layers as a mask, on or off"), lambda s: s.toggle_mask()),
    ("acetate_regenerate_layer", mark("Regenerate layer"), lambda session: session.regenerate(is_varied=False)),
    ("acetate_vary_layer", mark("Vary layer"), lambda session: session.regenerate(is_varied=True)),
    ("acetate_copy_layer_settings", mark("Copy settings of layer"), lambda session: session.copy_settings()),
    ("acetate_write_prompt", mark("Write the prompt"), lambda session: session.prompt_wanted.emit(None)),
    ("acetate_cancel_job", mark("Cancel generating"), lambda session: session.cancel()),
)
"""Id, text, and what it does. Each works at once, on the selection where there is one."""


class AcetateActions(Extension):
    def setup(self) -> None:
        """Krita wants it; there is nothing to set up."""

    def createActions(self, window: Window) -> None:
        shared().leaving.watch(window.qwindow())
        for name, text, work in ACTIONS:
            action = window.createAction(name, tr(text), "tools/scripts")
            action.setAutoRepeat(False)  # a key that is held down is one press
            action.triggered.connect(partial(_do, work))


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
