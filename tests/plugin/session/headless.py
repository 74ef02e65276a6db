"""The smallest front end: a painting program of one page (paper.py), a session, and the engine's own process.

    python -m tests.plugin.session.headless "a red apple" out.png

The engine that is installed on this machine is started where none runs, and ends with this program.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

from acetate.client.launcher import Launcher
from acetate.protocol.geometry import Bounds
from acetate.protocol.tasks import Task
from acetate.session.session import Session
from acetate.session.views import Show, View
from tests.plugin.gui_thread import EventLoop
from tests.plugin.session.paper import Paper, array_of


def paint(prompt: str, out: Path, side: int = 96) -> str:
    """A layer from text on a white page, which is written to `out` as it is seen; what a painter would read."""
    events, paper, launcher = EventLoop(), Paper(), Launcher()
    session = Session(events.loop.post, paper, launcher)
    try:
        page = paper.new(side, side)
        session.settings.task.value = Task.FOREGROUND
        session.settings.prompt.value = prompt
        session.settings.steps.value = 2
        session.generate()
        events.run_until(lambda: not session.jobs)
        Image.fromarray(array_of(page.snapshot(View(Show.EVERYTHING)).read(Bounds.of(page.extent)))).save(out)
    finally:
        launcher.stop()
    names = ", ".join(layer.name for layer in page.layers())
    return str(session.message.value or f"{names}: {out}")


if __name__ == "__main__":
    print(paint(sys.argv[1], Path(sys.argv[2])))
