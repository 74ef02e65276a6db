"""Reading the data folder, licences, composition and synthetic translucency."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from acetate.protocol.errors import FileError
from acetate_engine.compositing.alpha import over, to_float
from acetate_engine.training.compose import place, vae_feed
from acetate_engine.training.config import read_config
from acetate_engine.training.datasets import load_pictures, load_training
from acetate_engine.training.licences import Licences
from acetate_engine.training.translucent.effects import EFFECTS
from acetate_engine.training.vae import VaeConfig


@pytest.fixture
def licences(workshop: Path) -> Licences:
    return Licences.read(workshop / "licences.json")


def test_a_picture_of_unresolved_licence_is_left_out(data: Path, licences: Licences) -> None:
    everything, kept = load_pictures(data, "fg", "train"), load_training(data, "fg", licences)
    assert (len(everything), len(kept)) == (8, 7)
    assert kept.counts("spdx") == {("MIT",): 7}
    assert load_training(data, "bg", licences).counts("spdx") == {("CC-BY-4.0",): 4}


def test_a_filter_that_leaves_nothing_says_so(data: Path, licences: Licences) -> None:
    with pytest.raises(ValueError, match="check styles and licences"):
        load_training(data, "fg", licences, styles=("woodcut",))


def test_the_projects_own_licence_table_names_only_spdx(request: pytest.FixtureRequest) -> None:
    table = json.loads((request.config.rootpath / "resources/presets/train/licences.json").read_text())
    names = {*table["statements"].values(), *table["photos"].values()}
    assert all(name and " " not in name and "/" not in name for name in names)


def test_an_unknown_key_or_a_missing_file_is_refused(workshop: Path) -> None:
    path = workshop / "wrong.yaml"
    path.write_text((workshop / "vae.yaml").read_text() + "\nlearning: fast\n")
    with pytest.raises(FileError, match="learning"):
        read_config(path, VaeConfig)
    path.write_text((workshop / "vae.yaml").read_text() + "\nstart: nowhere\n")
    with pytest.raises(FileError, match="nowhere is missing"):
        read_config(path, VaeConfig)


def test_the_feed_is_the_picture_over_mid_grey() -> None:
    rgba = np.random.default_rng(0).random((8, 8, 4), np.float32)
    grey = np.full((8, 8, 3), 0.5, np.float32)
    np.testing.assert_allclose((vae_feed(rgba) + 1) / 2, over(rgba, grey), atol=1e-6)


def test_placing_at_full_size_changes_nothing_visible() -> None:
    rgba = np.random.default_rng(0).integers(0, 256, (16, 16, 4), np.uint8)
    before, after = to_float(rgba), to_float(place(rgba, 1.0, 0.0, 0.0))
    np.testing.assert_allclose(after[..., 3], before[..., 3])
    np.testing.assert_allclose(after[..., :3] * after[..., 3:], before[..., :3] * before[..., 3:], atol=1 / 255)


def test_layer_over_equals_two_overs() -> None:
    rng = np.random.default_rng(0)
    top, bottom = rng.random((2, 6, 6, 4), np.float32)
    ground = rng.random((6, 6, 3), np.float32)
    np.testing.assert_allclose(over(over(top, bottom), ground), over(top, over(bottom, ground)), atol=1e-5)


@pytest.mark.parametrize("effect", EFFECTS)
def test_an_effect_gives_soft_alpha_in_range(effect: Any, data: Path) -> None:
    rgba = to_float(load_pictures(data, "fg", "train").pixels[1])
    for seed in range(5):
        made = effect(rgba, np.random.default_rng(seed))
        assert made.shape == rgba.shape
        assert made.min() >= 0 and made.max() <= 1
        assert ((made[..., 3] > 0.02) & (made[..., 3] < 0.98)).mean() > 0.02
