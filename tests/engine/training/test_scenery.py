"""Painted backdrops: what their captions say is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from acetate.protocol.errors import FileError
from acetate_engine.training.config import STAGES
from acetate_engine.training.datasets import PictureSet
from acetate_engine.training.scenery import KINDS, LANDS, LIGHTS, paint_scenery
from acetate_engine.training.scenes import load_backgrounds, training_scenes


@pytest.fixture(scope="module")
def scenery() -> PictureSet:
    return paint_scenery(2 * len(KINDS), 36, np.random.default_rng(0))


def of(scenery: PictureSet, caption: str) -> list[NDArray[np.uint8]]:
    return [pixels for pixels, said in zip(scenery.pixels, scenery.captions, strict=True) if said == caption]


def test_every_kind_comes_equally_often_and_hardly_ever_twice_the_same(scenery: PictureSet) -> None:
    assert scenery.pixels.shape == (2 * len(KINDS), 36, 36, 3) and scenery.pixels.dtype == np.uint8
    assert {caption: len(of(scenery, caption)) for caption in scenery.captions} == dict.fromkeys(KINDS, 2)
    assert len({pixels.tobytes() for pixels in scenery.pixels}) > 1.9 * len(KINDS)


def test_the_same_seed_paints_the_same(scenery: PictureSet) -> None:
    again = paint_scenery(2 * len(KINDS), 36, np.random.default_rng(0))
    np.testing.assert_array_equal(again.pixels, scenery.pixels)


@pytest.mark.parametrize("land", LANDS)
def test_the_light_is_on_all_of_a_land(scenery: PictureSet, land: str) -> None:
    """By day it is brighter than at night, and a sunset is redder than both, above and below."""

    def halves(light: str) -> tuple[Any, Any]:
        picture = np.mean(of(scenery, f"{land} {light}"), 0)
        return picture[:12].mean((0, 1)), picture[-8:].mean((0, 1))

    for day, evening, night in zip(*(halves(light) for light in LIGHTS if "grey" not in light), strict=True):
        assert day.mean() > evening.mean() > night.mean()
        assert evening[0] / evening[2] > max(day[0] / day[2], night[0] / night[2])


def test_a_wall_has_the_colour_that_is_said(scenery: PictureSet) -> None:
    for colour, strongest in {"red": 0, "green": 1, "blue": 2}.items():
        for caption in (f"a wooden table before a {colour} wall", f"a {colour} studio backdrop"):
            assert all(picture[:12].mean((0, 1)).argmax() == strongest for picture in of(scenery, caption)), caption


def test_scenes_are_composed_over_scenery_where_it_is_wanted(workshop: Path, data: Path) -> None:
    config = workshop / "painted.yaml"
    config.write_text((workshop / "joint.yaml").read_text() + f"\nscenery: {len(KINDS)}\nphotographs: false\n")
    settings, _ = STAGES["joint"].build(config, data)
    scenes = training_scenes(settings, data)
    painted = paint_scenery(len(KINDS), len(scenes[0].layers.background), np.random.default_rng(settings.schedule.seed))
    for scene in scenes:
        behind = np.round(scene.layers.background * 255)
        candidates = of(painted, scene.captions.background)
        assert any((behind == picture).all() for picture in candidates)


def test_photographs_and_scenery_come_together_or_it_is_said_that_nothing_comes(workshop: Path, data: Path) -> None:
    config = workshop / "both.yaml"
    config.write_text((workshop / "joint.yaml").read_text() + f"\nscenery: {len(KINDS)}\n")
    settings, _ = STAGES["joint"].build(config, data)
    captions = set(load_backgrounds(settings, data, 32).captions)
    assert len(captions) == len(KINDS) + 1 and "hills" in captions  # the one photograph that has a caption
    config.write_text((workshop / "joint.yaml").read_text() + "\nphotographs: false\n")
    with pytest.raises(FileError, match="no backgrounds"):
        STAGES["joint"].build(config, data)
