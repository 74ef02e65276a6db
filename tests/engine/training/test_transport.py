"""Cut-outs in the look of others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from acetate_engine.models.networks.autoencoder import SpaceToDepthAutoencoder
from acetate_engine.paths import resources_dir
from acetate_engine.training.config import STAGES
from acetate_engine.training.diffusion import load_subset
from acetate_engine.training.transport import repainted, transport


def covariance(seed: int, channels: int = 5) -> Tensor:
    spread = torch.randn(channels, channels, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return spread @ spread.T + 0.1 * torch.eye(channels, dtype=torch.float64)


@given(st.integers(0, 1000), st.integers(1001, 2000))
def test_one_spread_becomes_the_other(first: int, second: int) -> None:
    own, other = covariance(first), covariance(second)
    matrix = transport(own, other, most_gain=1e9)
    assert torch.allclose(matrix, matrix.T, atol=1e-6)
    assert torch.allclose(matrix @ own @ matrix, other, rtol=1e-3, atol=1e-3)


@given(st.integers(0, 1000), st.integers(1001, 2000), st.floats(0.2, 3.0))
def test_nothing_grows_beyond_the_limit(first: int, second: int, limit: float) -> None:
    matrix = transport(covariance(first), covariance(second), limit)
    assert torch.linalg.eigvalsh(matrix).max() <= limit + 1e-6


@pytest.fixture(scope="module")
def vae() -> SpaceToDepthAutoencoder:
    return SpaceToDepthAutoencoder.from_pretrained(resources_dir() / "models" / "mini" / "vae").eval()


def clouds(colour: Any, count: int = 4, side: int = 128) -> NDArray[np.uint8]:
    """Round cut-outs, mottled around one colour."""
    rng = np.random.default_rng(0)
    small = np.clip(np.array(colour) + rng.normal(0, 40, (count, side // 8, side // 8, 3)), 0, 255)
    rgb = small.repeat(8, 1).repeat(8, 2)
    y, x = np.mgrid[:side, :side] - side / 2
    alpha = np.broadcast_to(255 * (np.hypot(x, y) < 0.45 * side), (count, side, side))
    return np.concatenate([rgb, alpha[..., None]], -1).astype(np.uint8)


def mean_colour(pictures: NDArray[np.uint8]) -> NDArray[np.floating[Any]]:
    return pictures[pictures[..., 3] == 255][:, :3].mean(0)


def test_colours_go_over_as_far_as_is_wanted_and_alpha_stays(vae: SpaceToDepthAutoencoder) -> None:
    red, blue = clouds((200, 60, 60)), clouds((60, 80, 160))
    distances = []
    for share in (0.0, 0.5, 1.0):
        moved = repainted(vae, red, blue, share, most_gain=1.5)
        assert (moved[..., 3] == red[..., 3]).all()
        distances.append(np.abs(mean_colour(moved) - mean_colour(blue)).mean())
    assert distances[0] > 70
    assert distances[1] == pytest.approx(distances[0] / 2, rel=0.2)
    assert distances[2] < 8


def test_too_little_to_know_a_look_by_is_refused(vae: SpaceToDepthAutoencoder) -> None:
    with pytest.raises(ValueError, match="too few opaque patches"):
        repainted(vae, clouds((200, 60, 60)), clouds((60, 80, 160), count=1, side=32), 1.0, 1.5)


def test_known_objects_are_taught_in_the_look_of_the_style(workshop: Path, data: Path) -> None:
    config = workshop / "carried.yaml"
    carried = "\nsubset: {styles: [3d emoji], repeat: {3d emoji: 2}}\ncarried_by: {styles: [3d emoji]}\n"
    config.write_text((workshop / "style.yaml").read_text() + carried)
    _, stage = STAGES["style"].build(config, data)
    own = load_subset(stage.config, data)
    assert stage.foregrounds.captions == own.captions * 2
    before, after = np.split(stage.foregrounds.pixels, 2)
    assert (before == own.pixels).all()
    assert (after[..., 3] == own.pixels[..., 3]).all()
    assert (after[..., :3] != own.pixels[..., :3]).any()
