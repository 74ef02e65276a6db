from __future__ import annotations

import numpy as np

from acetate_engine.evaluation import matte
from acetate_engine.evaluation.alpha import alpha_mae, alpha_of
from tests.engine.evaluation.test_alpha import discs


def test_a_disc_over_grey_is_cut_out() -> None:
    true = discs(3, 1)
    cut = matte.matted_pictures(matte.each_over(true, np.full((1, 48, 48, 3), 128, np.uint8)))
    assert alpha_mae(alpha_of(cut), alpha_of(true)) < 0.02


def test_a_disc_over_a_picture_is_cut_out_with_its_true_trimap() -> None:
    true = discs(3, 2)
    ramp = np.broadcast_to(np.linspace(0, 90, 48).astype(np.uint8)[:, None, None], (1, 48, 48, 3))
    cut = np.stack(list(matte.matted_over(true, ramp)))
    assert alpha_mae(alpha_of(cut), alpha_of(true)) < 0.01


def test_the_trimap_is_unknown_around_edges_only() -> None:
    alpha = alpha_of(discs(2, 1))[0]
    trimap = matte.trimap_of(alpha)
    assert trimap[24, 24] == 1
    assert trimap[0, 0] == 0
    assert (trimap[(alpha > 0.02) & (alpha < 0.98)] == 0.5).all()


def test_an_empty_picture_is_cut_out_as_nothing() -> None:
    assert not matte.matted_pictures(np.full((1, 32, 32, 3), 128, np.uint8))[..., 3].any()
