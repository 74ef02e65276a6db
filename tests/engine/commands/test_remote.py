"""The same request in this process and on a running engine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.engine.commands.conftest import Acetate, all_add_ons
from tests.engine.commands.test_generate import pixels_of
from tests.engine.process import EngineProcess
from tests.engine.rounding import ROUNDED, apart

pytestmark = pytest.mark.engine


@pytest.fixture
def running(added: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EngineProcess:
    """An engine with the tiny model, found by its connection file."""
    process = EngineProcess(tmp_path)
    monkeypatch.setenv("XDG_RUNTIME_DIR", process.environment["XDG_RUNTIME_DIR"])
    yield process
    process.stop()


def as_process(*arguments: object) -> dict[str, Any]:
    """The report of `acetate` in a process of its own, as people run it: this one is full of other tests' state."""
    command = [sys.executable, "-m", "acetate_engine", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True, timeout=200)
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_the_same_pixels_over_http(running: EngineProcess, photo: Path, cutout: Path, tmp_path: Path) -> None:
    """With all that may go with a model, too."""
    common = ("generate", "--task", "foreground_on_background", "--background", photo, "-p", "a cat", "--seed", 4,
              "--steps", 2, "--json", *all_add_ons(photo, cutout))  # fmt: skip
    here = as_process(*common, "-o", tmp_path / "here.psd")
    there = as_process(*common, "--engine", "-o", tmp_path / "there.psd")
    assert here["layers"] == there["layers"]
    assert apart(pixels_of(tmp_path / "here.psd"), pixels_of(tmp_path / "there.psd")) < ROUNDED


def test_errors_of_the_engine_arrive(acetate: Acetate, running: EngineProcess, tmp_path: Path) -> None:
    problem = acetate("generate", "-p", "a", "--model", "none", "--size", "64x64", "--engine", "--json",
                      "-o", tmp_path / "x.png", status=1)  # fmt: skip
    assert problem["code"] == "unknown-model"


def test_no_engine_is_named(acetate: Acetate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "nothing"))
    said = acetate("generate", "-p", "a", "--size", "64x64", "--engine", "-o", tmp_path / "x.png", status=1)
    assert "acetate serve" in said


def test_a_killed_engine_is_named(acetate: Acetate, running: EngineProcess, tmp_path: Path) -> None:
    running.kill()
    said = acetate("generate", "-p", "a", "--size", "64x64", "--engine", "-o", tmp_path / "x.png", status=1)
    assert "does not answer" in said
