"""The embedded model's pixels, beside those that were kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from acetate.protocol.errors import FileError
from acetate.protocol.tasks import Task
from acetate_engine.cli import app
from acetate_engine.verification.pixels import ALLOWED, References, digest_of, fixed_requests, save

KEPT = Path(__file__).parents[2] / "references" / "pixels" / "mini.safetensors"


def test_every_task_of_a_model_is_among_the_requests() -> None:
    requests = fixed_requests()
    assert len(requests) == 20
    assert {request.task for request in requests.values()} >= {task for task in Task if task.needs_model}


def test_the_embedded_model_gives_the_pixels_that_were_kept(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["pixels", "--compare", str(KEPT), "--save", str(tmp_path / "now.safetensors")])
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert [line.split("  ")[1] for line in lines] == list(fixed_requests())
    made = References.read(tmp_path / "now.safetensors")
    for line in lines:
        digest, name, _ = line.split("  ")
        layers = [made.layers[key] for key in sorted(made.layers) if key.rpartition("/")[0] == name]
        assert digest_of(layers) == digest


def test_a_pixel_that_is_another_is_found(tmp_path: Path) -> None:
    layer = np.full((4, 5, 4), 200, np.uint8)
    save(tmp_path / "kept", "one", [layer])
    kept = References.read(tmp_path / "kept")
    assert kept.difference("one", [layer]) == 0
    other = layer.copy()
    other[2, 3, 3] -= 2
    assert kept.difference("one", [other]) <= ALLOWED
    other[2, 3, 3] -= 1
    assert kept.difference("one", [other]) > ALLOWED
    assert kept.difference("one", [layer, layer]) > ALLOWED
    assert kept.difference("another", [layer]) > ALLOWED


def test_colour_that_cannot_be_seen_does_not_count(tmp_path: Path) -> None:
    layer = np.zeros((4, 5, 4), np.uint8)
    save(tmp_path / "kept", "one", [layer])
    assert References.read(tmp_path / "kept").difference("one", [layer + np.array([99, 0, 0, 0], np.uint8)]) == 0


def test_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="nothing"):
        References.read(tmp_path / "nothing")
    (tmp_path / "there").touch()
    assert CliRunner().invoke(app, ["pixels", "--save", str(tmp_path / "there")]).exit_code == 1
