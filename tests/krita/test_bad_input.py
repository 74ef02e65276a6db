"""Each thing that can go wrong has a message in the docker that names the remedy."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

from acetate.protocol.connection import write_connection
from acetate.protocol.requests import MAX_PROMPT, Task
from tests.krita.conftest import Studio
from tests.krita.harness.engine import Engine
from tests.krita.harness.painter import Painter
from tests.krita.harness.scenes import PROMPT, paint_document, untouched
from tests.krita.harness.waiting import wait_until


def test_empty_prompt(painter: Painter) -> None:
    painter.new_document(64, 64)
    painter.set_up("")
    painter.press_generate()
    painter.wait_for_message("prompt is empty", "type what")
    assert len(painter.layers()) == 1


def test_prompt_of_100000_characters(painter: Painter) -> None:
    """Pasted, as nobody types that; the text field stays usable."""
    painter.new_document(64, 64)
    painter.set_up("")
    painter.krita.run("QtWidgets.QApplication.clipboard().setText('apple ' * 16667)")
    painter.hands.keys("ctrl+v")
    wait_until(lambda: len(painter.krita.run("text('acetate_prompt')")) >= 100_000, "the text to be pasted")
    painter.press_generate()
    painter.wait_for_message("characters", "shorten", str(MAX_PROMPT))
    painter.generate(PROMPT)


def test_no_background_where_one_is_needed(painter: Painter) -> None:
    painter.new_document(64, 64)
    painter.set_up(PROMPT, Task.FOREGROUND_ON_BACKGROUND)
    painter.choose("acetate_background", "none")
    painter.press_generate()
    painter.wait_for_message("background", "choose")


def test_wrong_token(painter: Painter, engine: Engine) -> None:
    """A connection file that was spoilt, beside an engine that the plugin did not start."""
    painter.restart_krita()
    with engine.started_by_hand() as right:
        write_connection(engine.connection_file, replace(right, token="wrong"))
        painter.new_document(64, 64)
        painter.set_up(PROMPT)
        painter.press_generate()
        painter.wait_for_message("token", "engine")
        write_connection(engine.connection_file, right)
        painter.generate(PROMPT)


def test_engine_killed_in_the_middle_of_a_job(painter: Painter, engine: Engine) -> None:
    """The plugin says so, starts another engine, and the accepted job still brings its layer."""
    paint_document(painter)
    before, ids, steps = painter.fingerprint(), painter.layer_ids(), painter.undo_steps()
    painter.set_up(PROMPT)
    job = engine.new_job(painter.press_generate)
    engine.wait_for(job, "running")
    first = engine.kill()
    painter.wait_for_message("engine")
    painter.wait_for_layer(ids)
    assert engine.pid not in (None, first)
    assert untouched(before, painter.fingerprint())
    assert len(painter.undo_steps()) == len(steps) + 1


def test_worker_killed_in_the_middle_of_a_job(painter: Painter, engine: Engine) -> None:
    """Costs the job a retry, and nobody has to do anything."""
    paint_document(painter)
    ids = painter.layer_ids()
    painter.set_up(PROMPT)
    job = engine.new_job(painter.press_generate)
    engine.wait_for(job, "running")
    pid = engine.pid
    engine.kill_worker()
    painter.wait_for_layer(ids)
    assert engine.pid == pid


def test_engine_port_taken(painter: Painter, engine: Engine, studio: Studio) -> None:
    """The command that starts the engine names a port that another program holds."""
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        with engine_arguments(studio, "--port", str(port)):
            engine.stop()
            painter.new_document(64, 64)
            painter.set_up(PROMPT)
            painter.press_generate()
            painter.wait_for_message(str(port), "port")
    painter.generate(PROMPT)


def test_engine_not_installed(painter: Painter, engine: Engine, studio: Studio) -> None:
    file = studio.home.config / "acetate" / "engine.json"
    hidden = file.with_suffix(".hidden")
    file.rename(hidden)
    engine.stop()
    try:
        painter.new_document(64, 64)
        painter.set_up(PROMPT)
        painter.press_generate()
        painter.wait_for_message("acetate install-plugin")
    finally:
        hidden.rename(file)


def test_cancel_is_not_an_error(painter: Painter, engine: Engine) -> None:
    painter.new_document(256, 256)
    before = painter.fingerprint()
    painter.set_up(PROMPT)
    job = engine.new_job(painter.press_generate)
    engine.wait_for(job, "running")
    painter.hands.click("acetate_cancel")
    engine.wait_for(job, "cancelled")
    assert "wrong" not in painter.message().lower()
    assert "failed" not in painter.message().lower()
    assert painter.fingerprint() == before
    painter.generate(PROMPT)


@contextmanager
def engine_arguments(studio: Studio, *arguments: str) -> Iterator[None]:
    """These arguments more in the command that starts the engine."""
    file = studio.home.config / "acetate" / "engine.json"
    text = file.read_text()
    command = json.loads(text)
    command["command"] += arguments
    file.write_text(json.dumps(command))
    try:
        yield
    finally:
        file.write_text(text)
