"""Where a picture's subject is, by one network and by more opinions than one."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from acetate_engine.models.parts.shelf import read_part
from acetate_engine.paths import resources_dir
from acetate_engine.pictures.salience import networks
from acetate_engine.pictures.subject import Hints, by_colour, find
from tests.engine.pictures.scenes import scene, toy


def _put_large(data: Path, resources: Path) -> None:
    """The small network once more, listed and lying where the large one does."""
    content = read_part("u2netp")["u2netp.onnx"]
    listed = json.loads((resources_dir() / "models.json").read_text(encoding="utf-8"))
    parts = {part["name"]: part for part in listed["parts"]}
    parts["u2net"]["members"][0]["sha256"] = parts["u2netp"]["members"][0]["sha256"]
    resources.mkdir()
    (resources / "models.json").write_text(json.dumps(listed), encoding="utf-8")
    for name in ("u2netp", "u2net"):
        folder = data / "acetate" / "models" / "parts" / name
        folder.mkdir(parents=True)
        (folder / f"{name}.onnx").write_bytes(content)


@pytest.mark.usefixtures("parts")
def test_two_networks_that_agree_are_not_overruled_by_colour(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    picture = cv2.resize(scene(toy(0.3, 0.4)), (640, 560))  # larger than colour is asked at, and not square
    alone = find(picture, Hints(), lambda note: None)
    _put_large(tmp_path / "data", tmp_path / "resources")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("ACETATE_RESOURCES", str(tmp_path / "resources"))
    assert [part.name for part in networks()] == ["u2netp", "u2net"]
    notes: list[str] = []
    together = find(picture, Hints(), notes.append)
    assert not notes and np.allclose(together, alone, atol=1e-3)
    colour = by_colour(np.ascontiguousarray(picture[..., :3]), Hints())
    assert np.abs(colour - alone).mean() > 0.01  # so that it could have been
