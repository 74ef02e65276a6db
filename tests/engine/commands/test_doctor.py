"""`acetate doctor`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from acetate.protocol.version import __version__
from tests.engine.process import EngineProcess, private_environment

pytestmark = pytest.mark.engine


def doctor(root: Path, *options: str, encoding: str = "utf-8") -> str:
    result = subprocess.run(
        [sys.executable, "-m", "acetate_engine", "doctor", *options],
        env={**private_environment(root), "http_proxy": "http://127.0.0.1:9", "PYTHONIOENCODING": encoding},
        capture_output=True,
        encoding=encoding,
        timeout=200,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def report(root: Path) -> dict[str, Any]:
    return json.loads(doctor(root, "--json"))


def test_with_an_engine(engine: EngineProcess) -> None:
    found = report(engine.root)
    assert found["versions"]["acetate"] == __version__
    assert found["versions"]["torch"] != "not installed"
    assert found["engine"]["state"] == "running"
    assert found["engine"]["process"] == str(engine.process.pid)
    assert found["places"]["data"] == str(engine.root / "data" / "acetate")
    assert "mini" in found["models"]
    assert engine.connection.token not in json.dumps(found)


def test_without_one(tmp_path: Path) -> None:
    found = report(tmp_path)
    assert found["engine"] == {"state": "not running"}
    assert found["places"]["data"].endswith("(not there)")
    assert not list(tmp_path.iterdir())


def test_behind_a_crash_it_says_what_to_do(own_engine: EngineProcess) -> None:
    own_engine.kill()
    state = report(own_engine.root)["engine"]["state"]
    assert "does not answer" in state and "delete" in state


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "ascii"])
def test_for_people(tmp_path: Path, encoding: str) -> None:
    """On any terminal: its tables are drawn with characters that not every one has."""
    text = doctor(tmp_path, encoding=encoding)
    assert __version__ in text and "not running" in text
