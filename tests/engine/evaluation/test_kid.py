from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from acetate_engine.evaluation.kid import kid, kid_difference


def cloud(count: int, shift: float, seed: int) -> Tensor:
    noise = torch.randn((count, 16), generator=torch.Generator().manual_seed(seed))
    return F.normalize(noise + torch.nn.functional.one_hot(torch.tensor(0), 16) * shift, dim=-1)


def test_one_distribution_is_no_distance() -> None:
    same = kid(cloud(150, 0, 1), cloud(200, 0, 2))
    assert same.low < 0 < same.high
    assert abs(same.value) < 0.02


def test_farther_is_more() -> None:
    real = cloud(200, 0, 0)
    near, far = kid(cloud(150, 0.5, 1), real), kid(cloud(150, 3, 2), real)
    assert near.low <= near.value <= near.high < far.low


def test_the_difference_names_the_nearer_one() -> None:
    real, near, far = cloud(200, 0, 0), cloud(150, 0.2, 1), cloud(150, 3, 2)
    difference = kid_difference(near, far, real)
    assert difference.low <= difference.value <= difference.high < 0
    assert kid_difference(far, near, real).low > 0
