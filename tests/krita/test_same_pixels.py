"""One request: from the docker in the real Krita, over HTTP, and in this process. Bytes are kept, sums are rounded."""

from __future__ import annotations

import json
import sqlite3

import numpy as np
import pytest

from acetate.protocol.geometry import Bounds
from acetate.protocol.kept import from_record
from acetate.protocol.requests import GenerateRequest
from acetate_engine import Engine
from tests.engine.rounding import ROUNDED, apart
from tests.krita.harness.engine import Engine as RunningEngine
from tests.krita.harness.painter import Painter
from tests.krita.harness.scenes import PROMPT, bgra


@pytest.mark.timeout(600)  # three engines load the model
def test_equal_pixels_from_krita_over_http_and_in_process(painter: Painter, engine: RunningEngine) -> None:
    painter.new_document(96, 80)
    painter.set_up(PROMPT, seed=5)
    before = painter.layer_ids()
    painter.press_generate()
    layer = painter.wait_for_layer(before, timeout=300.0)
    request = request_of(engine, engine.newest())
    made = engine.picture(engine.newest(), 0)
    assert painter.node_pixels(layer, Bounds.of(made.extent)) == bgra(made.data)
    in_krita = np.frombuffer(made.data, np.uint8).reshape(made.extent.height, made.extent.width, 4)
    for generator in (Engine(), Engine.connect(engine.connection_file)):
        (again,) = generator.run(request, {}).layers
        assert apart(again.pixels, in_krita) < ROUNDED


def request_of(engine: RunningEngine, job: str) -> GenerateRequest:
    """As the plugin sent it."""
    (store,) = engine.connection_file.parents[2].rglob("jobs.sqlite")
    with sqlite3.connect(store) as database:
        (text,) = database.execute("SELECT request FROM jobs WHERE id = ?", (job,)).fetchone()
    return from_record(GenerateRequest, json.loads(text))
