"""Layers out of pictures on the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from acetate_engine.engine import Engine, Task
from tests.engine.commands.conftest import Acetate, write
from tests.engine.pictures.scenes import SIDE, pixels, scene, toy

pytestmark = pytest.mark.usefixtures("parts")


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    return write(tmp_path / "picture.png", pixels(scene()))


def alpha(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)[..., 3] / 255


def test_a_subject_is_cut_out_by_box_and_clicks(acetate: Acetate, picture: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    acetate("extract", picture, "--click", "128,140", "--not", "4,4", "-o", out)
    assert np.abs(alpha(out) - toy()[..., 3]).mean() < 0.02
    acetate("select", picture, "--box", "67,80,125x125", "-o", out)
    assert np.abs(alpha(out) - toy()[..., 3]).mean() < 0.02


def test_split_layers_lie_in_the_document_and_look_like_the_picture(
    acetate: Acetate, picture: Path, tmp_path: Path
) -> None:
    report = acetate("split", picture, "-o", tmp_path / "layers.psd", "--json")
    assert [layer["role"] for layer in report["layers"]] == ["background", "foreground"]
    acetate("split", picture, "-o", tmp_path / "flat.png")
    with Image.open(tmp_path / "flat.png") as image:
        assert np.abs(np.asarray(image).astype(int) - pixels(scene())).max() <= 1


def test_a_mask_says_what_is_removed(acetate: Acetate, picture: Path, tmp_path: Path) -> None:
    mask = np.zeros((SIDE, SIDE, 4), np.uint8)
    mask[80:200, 60:200] = 255
    acetate("remove", picture, "--mask", write(tmp_path / "mask.png", mask), "-o", tmp_path / "out.png")
    with Image.open(tmp_path / "out.png") as image:
        made = np.asarray(image)
    assert made[140, 128, 0] < 150 < pixels(scene())[140, 128, 0]


def test_an_enlarged_picture_is_as_large_as_that(acetate: Acetate, cutout: Path, tmp_path: Path) -> None:
    acetate("upscale", cutout, "--factor", 4, "-o", tmp_path / "out.png")
    with Image.open(tmp_path / "out.png") as image:
        assert image.size == (192, 160)


def test_what_cannot_be_is_said(acetate: Acetate, picture: Path, tmp_path: Path) -> None:
    assert "120,80" in acetate("extract", picture, "--click", "here", "-o", tmp_path / "x.png", status=1)
    assert "Choose 2 or 4" in acetate("upscale", picture, "--factor", 3, "-o", tmp_path / "x.png", status=1)


def test_the_python_interface_does_the_same() -> None:
    result = Engine().generate(task=Task.EXTRACT, foreground=pixels(scene()), seed=0)
    assert np.abs(result.layers[0].pixels[..., 3] / 255 - toy()[..., 3]).mean() < 0.02
