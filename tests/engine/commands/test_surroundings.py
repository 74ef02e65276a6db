"""What lies beyond a picture, and the light of a background, on the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from psd_tools import PSDImage

from acetate.protocol.errors import InvalidRequest
from acetate_engine.commands.surroundings import margins
from tests.engine.commands.conftest import Acetate, write
from tests.engine.pictures.scenes import SIDE, pixels, scene, toy


def test_a_picture_grows_by_as_much_as_is_asked_for(acetate: Acetate, tmp_path: Path) -> None:
    source = write(tmp_path / "in.png", pixels(scene()))
    acetate("expand", source, "--by", "40,0,10%,20", "-o", tmp_path / "out.png")
    with Image.open(tmp_path / "out.png") as image:
        assert image.size == (SIDE + 40 + round(0.1 * SIDE), SIDE + 20)
        kept = np.asarray(image)[:SIDE, 40 : 40 + SIDE].astype(int)
        assert np.asarray(image)[..., 3].min() == 255
    assert np.abs(kept - pixels(scene()))[12:-12, 12:-12].max() == 0
    acetate("expand", source, "--by", "40,0,10%,20", "-o", tmp_path / "out.psd")
    old, beyond = PSDImage.open(tmp_path / "out.psd")
    assert (old.name, old.left, old.top) == ("in", 40, 0) and beyond.size == image.size


@pytest.mark.parametrize(
    ("text", "found"),
    [("25%", (50, 25, 50, 25)), ("8, 10%", (8, 10, 8, 10)), ("1,2,3,4", (1, 2, 3, 4)), ("0,50%,0,0", (0, 50, 0, 0))],
)
def test_margins_are_pixels_or_per_cent(text: str, found: tuple[int, ...]) -> None:
    assert margins(text, 200, 100) == found


@pytest.mark.parametrize("text", ["", "a", "1,2,3", "-5", "1%%"])
def test_what_are_no_margins_is_said(text: str) -> None:
    with pytest.raises(InvalidRequest, match="margins"):
        margins(text, 200, 100)


def test_the_light_is_clipped_to_the_layer_which_stays(acetate: Acetate, tmp_path: Path) -> None:
    layer, ground = write(tmp_path / "toy.png", pixels(toy())), write(tmp_path / "lake.png", pixels(scene()))
    acetate("light", layer, "--background", ground, "--amount", 1.0, "-o", tmp_path / "lit.psd")
    lake, front, light = PSDImage.open(tmp_path / "lit.psd")
    assert [each.name for each in (lake, front, light)] == ["lake", "toy", "Light"]
    assert (lake.clipping, front.clipping, light.clipping) == (False, False, True)
    left, top, right, bottom = front.bbox
    assert np.array_equal(np.asarray(front.topil())[..., 3], pixels(toy())[top:bottom, left:right, 3])
