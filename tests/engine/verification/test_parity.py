from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from acetate.protocol.errors import FileError
from acetate_engine.cli import app
from acetate_engine.verification.comparison import Comparison
from acetate_engine.verification.golden_runs import FILE
from acetate_engine.verification.parity import compare

REFERENCES = Path(__file__).parents[2] / "references"


def copy(folder: Path, *modules: str, salt: int = 0) -> Path:
    """The vectors of some modules of `parameters.json`."""
    description = json.loads((REFERENCES / "parameters.json").read_text())
    description["salt"] = salt
    description["parameters"] = {name: description["parameters"][name] for name in modules}
    (folder / "parameters.json").write_text(json.dumps(description))
    for path in {*REFERENCES.glob("*.safetensors")} - {REFERENCES / FILE}:
        shutil.copyfile(path, folder / path.name)
    return folder


def test_every_vector_and_every_latent_of_whole_jobs_agrees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")  # a name a line
    result = CliRunner().invoke(app, ["parity", str(REFERENCES)])
    assert result.exit_code == 0, result.output
    assert result.output.count(" ok ") == 30
    with safe_open(REFERENCES / FILE, "pt") as file:
        lines = {name: next(line for line in result.output.splitlines() if name in line) for name in file.keys()}  # noqa: SIM118
    assert len(lines) == 22 and all("absolute" in line and " 1e-03 " in line for line in lines.values())
    for path in {*REFERENCES.glob("*.safetensors")} - {REFERENCES / FILE}:
        assert path.stem[:12] in result.output


def test_a_difference_is_found(tmp_path: Path) -> None:
    path = copy(tmp_path, "offset_encoder") / "offset_encoder.safetensors"
    result = CliRunner().invoke(app, ["parity", str(tmp_path)])
    assert result.exit_code == 0
    assert "whole jobs are not compared" in result.output
    tensors = load_file(path)
    tensors["offset"].view(-1)[7] += 2e-4
    save_file(tensors, path)
    assert [row.passed for row in compare(tmp_path)] == [False]
    assert CliRunner().invoke(app, ["parity", str(tmp_path)]).exit_code == 1


def test_the_latent_is_compared_relatively(tmp_path: Path) -> None:
    path = copy(tmp_path, "offset_encoder", "vae") / "transparent_encoder.safetensors"
    tensors = load_file(path)
    tensors["latent"].view(-1)[7] += 2e-4 * tensors["latent"].abs().max()
    tensors["padded_rgb"].view(-1)[7] += 1e-3  # is allowed
    save_file(tensors, path)
    rows = {row.output: row for row in compare(tmp_path)}
    assert rows["latent"].relative
    assert not rows["latent"].passed
    assert rows["padded RGB"].passed


def test_what_is_not_a_number_differs() -> None:
    assert not Comparison("vector", "output", float("nan"), 1.0).passed


def test_the_salt_is_read(tmp_path: Path) -> None:
    copy(tmp_path, "offset_encoder", salt=1)
    assert [row.passed for row in compare(tmp_path)] == [False]


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"parameters\.json"):
        list(compare(tmp_path))
    (copy(tmp_path, "sharing_unet", "sharing_joint") / "attention_sharing_joint.safetensors").unlink()
    with pytest.raises(FileError, match="attention_sharing_joint"):
        list(compare(tmp_path))
