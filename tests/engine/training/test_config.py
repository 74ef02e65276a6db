"""Files of configurations that are none: an error that names the file and the reason, whatever is in them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from acetate.protocol.errors import FileError
from acetate_engine.cli import app
from acetate_engine.training.config import STAGES
from acetate_engine.training.gather import read_gather_config
from acetate_engine.training.plan import read_plan

READERS: dict[str, Callable[[Path], object]] = {
    "stage": lambda path: STAGES["vae"].build(path, path.parent),
    "plan": read_plan,
    "gather": read_gather_config,
}
ODD = {
    "empty": (b"", "no names"),
    "a list": (b"- 1", "no names"),
    "bytes": (b"\xff\xfe\x00", "no YAML"),
    "a deep list": (b"[" * 5000, "no YAML"),
    "an object of Python": (b'!!python/object/apply:os.system ["true"]', "no YAML"),
    "an anchor in itself": (b"a: &a [*a]", "a: "),
    "keys that are no words": (b"{1: 2, 2026-01-01: 4}", "no names"),
    "half of it": (b"steps: [", "no YAML"),
    "a number": (b"{steps: 3, schedule: 3, packages: 3}", "3"),
    "nothing": (b"{steps: null, schedule: null, packages: null}", "cannot be used"),
    "an escape": (b'{"\\e[2J": 1}', "cannot be used"),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("odd", ODD)
def test_what_is_no_configuration_is_named(odd: str, reader: str, tmp_path: Path) -> None:
    data, said = ODD[odd]
    path = tmp_path / "odd.yaml"
    path.write_bytes(data)
    with pytest.raises(FileError, match=r"odd\.yaml") as caught:
        READERS[reader](path)
    assert said in caught.value.detail or "cannot be used" in caught.value.detail


@pytest.mark.parametrize("reader", READERS)
def test_what_is_no_file_is_named(reader: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    for path, said in ((tmp_path / "pipe.yaml", "a pipe"), (tmp_path, "a folder"), (tmp_path / "no.yaml", "No such")):
        with pytest.raises(FileError, match=said):
            READERS[reader](path)


@pytest.mark.parametrize("include", ["3", "[no.yaml]", "[odd.yaml/]", "{a: b}"])
def test_what_includes_something_odd_is_named(include: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.yaml"
    path.write_text(f"include: {include}")
    with pytest.raises(FileError):
        READERS["stage"](path)


def test_the_command_says_it_without_a_traceback(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text("keep: {new: old}\nsteps: []\n")
    ended = CliRunner().invoke(app, ["train", "all", "--plan", str(path), "--data", str(tmp_path), "--cpu"])
    assert ended.exit_code == 1
    assert "old, which is no folder" in ended.output
