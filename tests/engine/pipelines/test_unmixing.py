"""Colour from a picture over grey, with a known alpha; haze goes, and what is thin or soft stays."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from acetate_engine.pipelines.stages.unmixing import (
    coloured,
    defringed,
    made_from_noise,
    solid,
    unmixed,
    without_haze,
)

Floats = NDArray[np.float32]


def ramp(colour: tuple[float, float, float]) -> tuple[Floats, Floats]:
    """Alpha 0..1 from left to right, (8, 64), and that colour over mid-grey."""
    alpha = np.tile(np.linspace(0, 1, 64, dtype=np.float32), (8, 1))
    return alpha, alpha[..., None] * np.float32(colour) + (1 - alpha[..., None]) * np.float32(0.5)


def test_an_exact_picture_gives_back_its_colour() -> None:
    alpha, picture = ramp((0.9, 0.2, 0.1))
    truth = np.broadcast_to(np.float32([0.9, 0.2, 0.1]), picture.shape)
    np.testing.assert_allclose(unmixed(picture, alpha[..., None], truth), truth, atol=1e-4)
    wrong = np.full_like(picture, 0.6)
    found = unmixed(picture, alpha[..., None], wrong)
    np.testing.assert_allclose(found[:, -1], truth[:, -1], atol=1e-4)  # where it is opaque, the base decides
    np.testing.assert_allclose(found[:, 0], wrong[:, 0], atol=1e-3)  # where there is nothing, the layer's own
    errors = np.abs(found - truth).mean((0, 2))
    assert (np.diff(errors) < 1e-4).all(), "the denser, the nearer"


def test_noise_is_not_made_larger_by_thin_alpha() -> None:
    alpha, picture = ramp((0.9, 0.2, 0.1))
    truth = np.broadcast_to(np.float32([0.9, 0.2, 0.1]), picture.shape)
    noisy = (picture + np.random.default_rng(0).normal(0, 0.05, picture.shape)).astype(np.float32)
    thin = (alpha > 0.02) & (alpha < 0.3)
    divided = ((noisy - 0.5 * (1 - alpha[..., None])) / np.maximum(alpha[..., None], 1e-3)).clip(0, 1)
    assert (
        np.abs(unmixed(noisy, alpha[..., None], truth) - truth)[thin].mean()
        < 0.3 * np.abs(divided - truth)[thin].mean()
    )


def body() -> Floats:
    y, x = np.mgrid[:64, :64]
    return np.clip(16 - np.hypot(x - 32, y - 36), 0, 1).astype(np.float32)


def test_specks_of_haze_go_and_the_body_stays_bit_for_bit() -> None:
    alpha = body()
    hazy = alpha.copy()
    hazy[2:5, 3:7], hazy[60, 60] = 0.2, 0.4
    np.testing.assert_array_equal(without_haze(hazy), alpha)


@pytest.mark.parametrize("name", ["hair", "spark", "halo", "steam", "smoke alone", "nothing"])
def test_what_is_thin_or_soft_stays(name: str) -> None:
    alpha = body()
    if name == "hair":
        alpha[4:24, 32] = np.linspace(0.05, 0.6, 20)  # joined to the body
    elif name == "spark":
        alpha[4, 4] = 0.9  # small, but bright
    elif name == "halo":
        y, x = np.mgrid[:64, :64]
        alpha = np.maximum(alpha, 0.3 * np.exp(-((np.hypot(x - 32, y - 36) / 30) ** 2))).astype(np.float32)
    elif name == "steam":
        alpha[2:18, 20:44] = 0.15  # apart from the body, faint, but much of what is to be seen
    elif name == "smoke alone":
        alpha = (0.35 * alpha).astype(np.float32)
    else:
        alpha[...] = 0
    np.testing.assert_array_equal(without_haze(alpha), alpha)


def test_a_layer_takes_the_colour_of_the_picture_and_keeps_its_alpha() -> None:
    alpha = body()
    layer = np.dstack([np.full((64, 64, 3), 0.3, np.float32), alpha])
    picture = np.where(alpha[..., None] > 0, np.float32([0.8, 0.1, 0.1]), np.float32(0.5)).astype(np.float32)
    result = coloured(layer, picture)
    np.testing.assert_array_equal(result[..., 3], alpha)
    np.testing.assert_allclose(result[36, 32, :3], [0.8, 0.1, 0.1], atol=1e-4)
    beside = (alpha == 0) & (np.roll(alpha, 2, 0) > 0)
    assert (result[beside, 0] > 0.5).all(), "no grey contour where it is scaled later"


def test_a_nearly_opaque_core_becomes_opaque_and_edges_stay_soft() -> None:
    alpha = np.zeros((64, 64), np.float32)
    alpha[8:56, 8:56] = 0.85
    alpha[8, 8:56] = 0.3
    solidified = solid(alpha)
    assert (solidified[12:52, 12:52] == 1).all()
    assert 0.3 <= solidified[8, 20] < 0.4
    assert not solidified[:8].any()


@pytest.mark.parametrize("level", [0.0, 0.4, 0.7])
def test_what_is_translucent_stays_so(level: float) -> None:
    alpha = np.zeros((64, 64), np.float32)
    alpha[8:56, 8:56] = level
    assert (solid(alpha) == alpha).all()


def test_a_thing_with_a_translucent_part_keeps_it() -> None:
    alpha = np.zeros((64, 64), np.float32)
    alpha[8:56, 8:56] = 0.95
    alpha[16:32, 8:56] = 0.6
    assert (solid(alpha) == alpha).all()


RED, GREY = np.float32([0.9, 0.1, 0.1]), np.float32([0.5, 0.5, 0.5])


def half_painted(colour: Floats) -> tuple[Floats, Floats]:
    """A body of one colour, and the base's picture of it, whose right half shows nothing."""
    layer = np.dstack([np.broadcast_to(colour, (64, 64, 3)), body()]).astype(np.float32)
    picture = np.where(layer[..., 3:] > 0, colour, GREY).astype(np.float32)
    picture[:, 32:] = 0.5
    return layer, picture


def test_where_the_base_shows_its_bare_ground_there_is_nothing() -> None:
    layer, picture = half_painted(RED)
    alpha = made_from_noise(layer, picture)[..., 3]
    np.testing.assert_array_equal(alpha[:, :29], layer[:, :29, 3])
    assert alpha[:, 37:].max() == 0


def test_grey_things_stay() -> None:
    layer, picture = half_painted(np.float32([0.56, 0.54, 0.55]))
    np.testing.assert_allclose(made_from_noise(layer, picture)[..., 3], layer[..., 3], atol=0.05)


def test_an_edge_has_the_colour_of_its_inside_and_not_a_line_of_grey() -> None:
    """The picture is smaller than alpha by a pixel, as the base's is that goes on alone."""
    layer = np.dstack([np.broadcast_to(RED, (64, 64, 3)), body()]).astype(np.float32)
    smaller = cv2.erode(layer[..., 3], np.ones((3, 3)))[..., None]
    picture = np.where(smaller > 0.5, RED, GREY).astype(np.float32)
    edge = (layer[..., 3] > 0.5) & (picture == GREY).all(-1)
    fringed = coloured(layer, picture)
    assert edge.sum() > 40
    assert np.abs(fringed[edge, :3] - RED).max() > 0.3
    assert np.abs(defringed(fringed)[edge, :3] - RED).max() < 0.1


def test_what_has_no_inside_keeps_its_colours() -> None:
    layer = np.random.default_rng(0).random((32, 32, 4), np.float32)
    layer[..., 3] *= 0.8
    layer[10, :, 3] = 1.0  # a hair
    np.testing.assert_array_equal(defringed(layer), layer)
