from __future__ import annotations

from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from acetate_engine.cli import app
from acetate_engine.paths import models_dir
from tests.engine.models import official


def test_every_file_is_named_with_what_it_is_or_why_it_cannot_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    (models_dir() / "loras").mkdir(parents=True)
    official.save({"x.lora_down.weight": torch.zeros(2, 2)}, models_dir() / "loras" / "ink.safetensors")
    (models_dir() / "loras" / "old.pt").write_bytes(b"\x80\x04")
    result = CliRunner().invoke(app, ["models"], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    assert "ink.safetensors" in result.output and "style LoRA" in result.output
    assert "old.pt" in result.output and "pickle" in result.output


def test_paths_with_blanks_are_not_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "all the pictures of Jane Doe"))
    name = "My second model of the year, with a long name of many words (final) v2.safetensors"
    (models_dir() / "checkpoints").mkdir(parents=True)
    (models_dir() / "checkpoints" / name).write_bytes(b"<html>")
    result = CliRunner().invoke(app, ["models"], env={"COLUMNS": "80"})
    lines = result.output.splitlines()
    assert str(models_dir() / "checkpoints" / name) in lines
    assert any(line.strip().startswith(f"{name} is not a safetensors file") or line.strip() == name for line in lines)
    assert sum(str(models_dir() / "checkpoints") in line for line in lines) >= 3  # two families say where
