"""The Python API: words or enums alike, here and on an engine that runs, and no field forgotten."""

from __future__ import annotations

import dataclasses
import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from acetate.protocol.errors import InvalidRequest
from acetate.protocol.geometry import Bounds
from acetate.protocol.pixels import PixelFormat
from acetate.protocol.requests import ControlKind, ControlMethod, GenerateRequest, Preset, Scheduler, Task
from acetate_engine.asking import Hint, RequestFields, with_enums
from acetate_engine.engine import Engine
from tests.engine.process import EngineProcess

PICTURE = np.random.default_rng(0).integers(0, 256, (40, 50, 4), dtype=np.uint8)
WORDS = {"task": "edges", "preset": "final", "scheduler": "unipc", "pixel_format": "RGBA16LE"}
ENUMS = {
    "task": Task.EDGES,
    "preset": Preset.FINAL,
    "scheduler": Scheduler.UNIPC,
    "pixel_format": PixelFormat.RGBA16,
}


@pytest.fixture(params=["here", "connected"])
def engine(request: pytest.FixtureRequest) -> Engine:
    if request.param == "here":
        return Engine()
    process: EngineProcess = request.getfixturevalue("own_engine")
    request.getfixturevalue("monkeypatch").setenv("XDG_RUNTIME_DIR", process.environment["XDG_RUNTIME_DIR"])
    return Engine.connect()


@pytest.mark.engine
def test_words_and_enums_are_the_same_request(engine: Engine) -> None:
    in_words, in_enums = (
        engine.generate(foreground=PICTURE, seed=1, hints=[Hint(kind, PICTURE, method=method)], **how)  # type: ignore[arg-type]
        for how, kind, method in (
            (WORDS, "depth", "controlnet"),
            (ENUMS, ControlKind.DEPTH, ControlMethod.CONTROLNET),
        )
    )
    assert in_words.request == in_enums.request
    assert isinstance(in_words.request.scheduler, Scheduler)
    assert (in_words.layers[0].pixels == in_enums.layers[0].pixels).all()
    assert in_words.layers[0].pixels.dtype == np.uint16


def test_a_request_made_of_words_runs_too() -> None:
    request = GenerateRequest("identity", Bounds(0, 0, 9, 9), 1, foreground="ab" * 32, preset="final")  # type: ignore[arg-type]
    assert with_enums(request).task is Task.IDENTITY
    layer = np.zeros((9, 9, 4), np.uint8)
    (made,) = Engine().run(request, {"ab" * 32: layer}).layers
    assert (made.pixels == layer).all()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda engine: engine.generate("x", task="painting"), "'painting' is no task"),
        (lambda engine: engine.generate("x", preset="quick"), "'quick' is no preset"),
        (lambda engine: engine.stack(["x"], scheduler="ddim"), "'ddim' is no scheduler"),
        (lambda engine: engine.generate("x", hints=[Hint("smell", PICTURE)]), "'smell' is no kind"),
    ],
)
def test_a_word_that_names_nothing_is_refused(call: Callable[[Engine], object], said: str) -> None:
    with pytest.raises(InvalidRequest, match=said) as raised:
        call(Engine())
    assert "Choose one of these" in raised.value.remedy


def test_every_field_of_a_request_is_an_argument() -> None:
    own = set(inspect.signature(Engine.generate).parameters)
    named_otherwise = {"bounds", "context", "control", "image_prompts", "layers"}  # region, size, hints, looks, stack
    fields = {field.name for field in dataclasses.fields(GenerateRequest)}
    assert fields - own - named_otherwise == set(RequestFields.__annotations__)


def test_libraries_say_nothing_to_a_users_terminal(tmp_path: Path) -> None:
    """The three lines of the README, in a process of their own."""
    code = (
        "from acetate_engine import Engine\n"
        "result = Engine().generate('a pear, 3d emoji', size=(64, 64), seed=7, steps=1)\n"
        f"result.layers[0].image.save({str(tmp_path / 'pear.png')!r})\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300)
    assert (done.stdout, done.stderr) == ("", "")
    assert (tmp_path / "pear.png").is_file()
