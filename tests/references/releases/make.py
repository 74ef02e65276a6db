"""What a release keeps on a painter's disk: made once by that release's own code, and opened by tests ever after.

    cd CHECKOUT_OF_THE_RELEASE && .venv/bin/python …/tests/references/releases/make.py data OUT
    cd CHECKOUT_OF_THE_RELEASE && .venv/bin/python …/tests/references/releases/make.py document OUT

`data` writes OUT/home: an engine's data, runtime and config folders after a job of every task, with one job under way
and two waiting. `document` drives that release's plugin in the real Krita and writes OUT/document.kra. Only what the
release itself has is imported: its protocol, and the harness of its tests.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, ".")  # the tests of the release

SIDE = 64  # pixels


def make_data(out: Path) -> None:
    root = Path(tempfile.mkdtemp(prefix="acetate-release-"))
    from tests.engine.process import EngineProcess

    engine = EngineProcess(root)
    try:
        _fill(engine)
    finally:
        engine.kill()
    for name in ("data", "run"):
        shutil.copytree(root / name, out / "home" / name)
    (out / "home" / "data" / "acetate" / "engine.lock").unlink(missing_ok=True)
    _write_engine_command(out / "home" / "config" / "acetate" / "engine.json")
    shutil.rmtree(root)


def _fill(engine: Any) -> None:  # type: ignore[no-untyped-def]
    from acetate.protocol.events import JobState
    from acetate.protocol.requests import Task

    for request in _requests(engine):
        engine.wait_for(engine.submit(request), JobState.DONE)
    worker = engine.pause_worker()
    swept, cancelled, under_way, *_ = [engine.submit(_plain(engine, f"job {index}", index)) for index in range(3)]
    last = [engine.submit(_plain(engine, f"a lemon {index}", 90 + index)) for index in range(2)]
    engine.http.delete(f"/v1/jobs/{cancelled}")
    os.kill(worker, signal.SIGCONT)
    engine.wait_for(swept, JobState.DONE)
    engine.wait_for(under_way, JobState.RUNNING)
    engine.pause_worker()
    assert [engine.status(job).state for job in last] == [JobState.QUEUED] * 2
    assert all(task for task in Task)


def _plain(engine: Any, prompt: str, seed: int) -> Any:  # type: ignore[no-untyped-def]
    from acetate.protocol.geometry import Bounds
    from acetate.protocol.requests import GenerateRequest, Task

    return GenerateRequest(Task.FOREGROUND, Bounds(3, 4, SIDE, SIDE), seed, prompt=prompt, steps=3)


def _requests(engine: Any) -> Iterator[Any]:  # type: ignore[no-untyped-def]
    """One a task, with most fields that a painter can set."""
    from acetate.protocol.geometry import Bounds, Extent
    from acetate.protocol.pixels import PixelBuffer, PixelFormat
    from acetate.protocol.requests import GenerateRequest, StackLayer, Task

    area, extent = Bounds(-8, 16, SIDE, SIDE), Extent(SIDE, SIDE)
    ground = engine.upload(PixelBuffer(extent, PixelFormat.RGBA8, bytes((200, 140, 60, 255)) * extent.area))
    shape = engine.upload(PixelBuffer(extent, PixelFormat.RGBA8, (bytes((30, 90, 200, 255)) * 32 + bytes(128)) * SIDE))
    mask = engine.upload(PixelBuffer(extent, PixelFormat.A8, (bytes(16) + b"\xff" * 32 + bytes(16)) * SIDE))
    for task in Task:
        request = {"task": task, "bounds": area, "seed": 11, "steps": 3}
        if task.needs_model and task is not Task.STACK:
            request |= {"prompt": "a green pear", "negative_prompt": "a cup"}
        if task.needs_background:
            request |= {"background": ground}
        if task.needs_foreground:
            request |= {"foreground": shape}
        if task.needs_mask:
            request |= {"mask": mask, "strength": 0.5}
        if task is Task.STACK:
            layers = (
                StackLayer("a red apple", Bounds(0, 20, 48, 48), 5),
                StackLayer("a lemon", strength=0.5, picture=shape),
            )
            request |= {"layers": layers, "background": ground}
        yield GenerateRequest(**request)


def _write_engine_command(path: Path) -> None:
    """As `acetate install-plugin` does, but for a place that no machine has."""
    from acetate.protocol.codec import to_json
    from acetate.protocol.connection import EngineCommand
    from acetate.protocol.version import __version__

    path.parent.mkdir(parents=True)
    command = EngineCommand(("/opt/acetate/bin/python", "-m", "acetate_engine", "serve"), __version__)
    path.write_text(json.dumps(to_json(command), indent=2) + "\n")


def make_document(out: Path) -> None:
    from acetate.protocol.geometry import Bounds
    from acetate.protocol.requests import Task
    from tests.krita.harness.builder import Builder
    from tests.krita.harness.display import Display
    from tests.krita.harness.engine import Engine
    from tests.krita.harness.home import install_plugin, new_home
    from tests.krita.harness.painter import Painter
    from tests.krita.harness.process import KritaProcess, warm_up

    with Display.virtual() as display:
        home = new_home(lambda fresh: warm_up(fresh, display))
        install_plugin(home)
        krita = KritaProcess(home, display)
        try:
            painter = Painter(krita)
            painter.show_docker()
            painter.new_document(128, 96)
            krita.run("add_paint_layer('sky', 0, 0, 128, 96, bytes([200, 140, 60, 255]))")
            painter.activate("sky")
            painter.choose("acetate_task", Task.FOREGROUND_ON_BACKGROUND.value)
            painter.choose("acetate_background", "canvas")
            krita.run("select(8, 8, 64, 64)")
            painter.generate("a green pear", Task.FOREGROUND_ON_BACKGROUND, seed=5)
            krita.run("trigger('deselect')")
            painter.choose("acetate_background", "below")
            builder = Builder(painter)
            builder.open()
            for index, (prompt, place) in enumerate((("a red apple", (4, 4, 64, 64)), ("a lemon", (48, 24, 64, 64)))):
                if index:
                    builder.press("acetate_stack_add")
                builder.describe(prompt, Bounds(*place))
            builder.generate()
            builder.close()
            krita.run("document().waitForDone(); document().saveAs(path)", path=str(out / "document.kra"))
        finally:
            krita.quit()
            Engine(home).stop()
            home.remove()


if __name__ == "__main__":
    what, where = sys.argv[1], Path(sys.argv[2]).resolve()
    where.mkdir(parents=True, exist_ok=True)
    {"data": make_data, "document": make_document}[what](where)
