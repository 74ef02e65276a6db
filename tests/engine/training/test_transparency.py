"""What the losses of latent transparency count."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from acetate_engine.training.config import STAGES
from acetate_engine.training.transparency import alpha_error, half_noisy


@pytest.fixture
def stage(workshop: Path, data: Path) -> Any:
    return STAGES["transparency"].build(workshop / "transparency.yaml", data)[1]


def _alpha_error(alpha: list[float]) -> float:
    return alpha_error(torch.tensor(alpha), torch.tensor([0.0, 1.0, 0.5]), soft_weight=2.0).item()


def test_what_is_clipped_anyway_hardly_counts() -> None:
    exact, beyond, short = ([0.0, 1.0, 0.5], [-0.5, 1.5, 0.5], [0.05, 0.95, 0.5])
    errors = [_alpha_error(alpha) for alpha in (exact, beyond, short)]
    assert errors == sorted(errors)
    assert 0 == errors[0] < errors[1] < errors[2] / 2


def test_an_error_counts_most_where_alpha_is_soft() -> None:
    assert _alpha_error([0.0, 1.0, 0.6]) > 2 * _alpha_error([0.1, 1.0, 0.5])


def test_half_of_the_latents_that_are_learnt_from_stay_exact(stage: Any) -> None:
    torch.manual_seed(0)
    latent = torch.zeros(400, 4, 2, 2)
    levels = half_noisy(latent, stage.config.latent_noise).std((1, 2, 3))
    assert 0.4 < (levels == 0).float().mean() < 0.6
    assert levels.max() > stage.config.latent_noise / 2
