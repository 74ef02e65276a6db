from __future__ import annotations

import numpy as np
import pytest

from acetate_engine.evaluation import alpha as measure


def discs(softness: float, count: int = 2) -> np.ndarray:
    y, x = np.mgrid[:48, :48]
    alpha = np.clip((16 - np.hypot(x - 24, y - 24)) / softness + 0.5, 0, 1)
    rgba = np.zeros((count, 48, 48, 4), np.uint8)
    rgba[..., 0], rgba[..., 3] = 200, (alpha * 255 + 0.5).astype(np.uint8)
    return rgba


def test_nothing_differs_from_itself() -> None:
    true = discs(4)
    alpha = measure.alpha_of(true)
    assert measure.alpha_mae(alpha, alpha) == measure.alpha_sad(alpha, alpha) == measure.alpha_grad(alpha, alpha) == 0
    assert measure.composite_psnr(true, true) == pytest.approx(100)
    assert measure.composite_ssim(true, true) == pytest.approx(1)


def test_known_differences() -> None:
    true = measure.alpha_of(discs(4))
    made = np.where((true > 0.02) & (true < 0.98), true + np.float32(0.25), true)
    soft = float(((true > 0.02) & (true < 0.98)).mean())
    assert measure.soft_alpha_mae(made, true) == pytest.approx(0.25, abs=1e-4)
    assert measure.alpha_mae(made, true) == pytest.approx(0.25 * soft, abs=1e-4)
    assert measure.alpha_sad(made, true) == pytest.approx(0.25 * soft * 48 * 48 / 1000, abs=1e-4)


def test_blurred_edges_have_another_gradient() -> None:
    sharp, soft, softer = (measure.alpha_of(discs(width)) for width in (2, 4, 12))
    assert measure.alpha_grad(soft, sharp) < measure.alpha_grad(softer, sharp)


def test_colour_under_alpha_0_does_not_show() -> None:
    true, other = discs(1), discs(1)
    other[other[..., 3] == 0] = (9, 99, 199, 0)
    assert measure.composite_psnr(other, true) == pytest.approx(100)


def test_cores_and_borders() -> None:
    solid, glassy, spilt = discs(2), discs(2), discs(2)
    glassy[..., 3] //= 2
    spilt[:, :, 0, 3] = 255
    assert measure.opaque_core_share(solid) == measure.clean_border_share(solid) == 1
    assert measure.opaque_core_share(glassy) == 0
    assert measure.clean_border_share(spilt) == 0
