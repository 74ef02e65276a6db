"""Canvas actions, in the menu Tools → Scripts; acetate.action makes their shortcuts assignable."""

from __future__ import annotations

from krita import Extension, Window

from acetate.model.session import Session
from acetate.ui.dock import AcetateDock


class AcetateActions(Extension):
    def setup(self) -> None:
        """Krita wants it; there is nothing to set up."""

    def createActions(self, window: Window) -> None:
        generate = window.createAction("acetate_generate_layer", "Generate layer here", "tools/scripts")
        generate.triggered.connect(lambda: _session(window).generate())
        cancel = window.createAction("acetate_cancel_job", "Cancel generating", "tools/scripts")
        cancel.triggered.connect(lambda: _session(window).cancel())


def _session(window: Window) -> Session:
    """The session of the docker in `window`, which shows what comes of it."""
    dock = window.qwindow().findChild(AcetateDock, "acetate_dock")
    assert dock is not None  # Krita makes every docker in every window
    dock.show()
    dock.raise_()
    return dock.session
