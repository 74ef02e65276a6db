"""Shadows lie where they must, and fade as they must."""

from __future__ import annotations

import numpy as np
import pytest

from acetate_engine.compositing.pixels import Floats
from acetate_engine.pictures.shadows import cast_shadow, contact_shadow, reflection


def post() -> Floats:
    """(120, 160, 4): a red post, 20 wide and 50 high, that stands on row 80."""
    layer = np.zeros((120, 160, 4), np.float32)
    layer[30:80, 70:90] = (0.9, 0.1, 0.1, 1.0)
    return layer


def middle(alpha: Floats) -> tuple[float, float]:
    """x and y of its centre."""
    y, x = np.indices(alpha.shape)
    return float((x * alpha).sum() / alpha.sum()), float((y * alpha).sum() / alpha.sum())


def test_a_contact_shadow_lies_dark_and_flat_around_the_foot() -> None:
    made = contact_shadow(post(), 0.4, 0.5)
    x, y = middle(made[..., 3])
    assert abs(x - 79.5) < 1 and abs(y - 80) < 4
    assert not made[..., :3].any() and made[..., 3].max() == pytest.approx(0.5, abs=0.01)
    assert np.ptp(np.flatnonzero((made[..., 3] > 0.1).any(axis=0))) > np.ptp(
        np.flatnonzero((made[..., 3] > 0.1).any(axis=1))
    )


@pytest.mark.parametrize(("angle", "side"), [(20, 1), (160, -1)])
def test_a_cast_shadow_falls_where_the_angle_says(angle: float, side: int) -> None:
    made = cast_shadow(post(), angle, 1.0, 0.3, 0.6)
    x, y = middle(made[..., 3])
    assert side * (x - 79.5) > 10 and y > 80
    assert made[..., 3].max() <= 0.6


def test_a_cast_shadow_is_softer_far_from_the_foot() -> None:
    made = cast_shadow(post(), 90, 1.0, 1.0, 0.6)[..., 3]
    near, far = made[84], made[104]
    assert (near > 0.01).sum() < (far > 0.01).sum() and near.max() > far.max()


def test_a_reflection_is_the_layer_upside_down_and_fades() -> None:
    made = reflection(post(), 0.5, 0.0, 0.6)
    assert not made[:80].any()
    assert made[81, 80, 3] > made[95, 80, 3] > 0 and made[106, 80, 3] == 0
    assert np.allclose(made[85, 80, :3], (0.9, 0.1, 0.1), atol=1e-3)


def test_an_empty_layer_has_none() -> None:
    empty = np.zeros((20, 30, 4), np.float32)
    for made in (contact_shadow(empty, 0.5, 0.5), cast_shadow(empty, 0, 1, 0.5, 0.5), reflection(empty, 1, 0, 1)):
        assert not made.any()
