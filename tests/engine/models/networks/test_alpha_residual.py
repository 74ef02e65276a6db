from __future__ import annotations

import pytest
import torch
from torch import Tensor

from acetate_engine.models.networks.alpha_residual import AlphaResidual


@pytest.fixture
def residual() -> AlphaResidual:
    torch.manual_seed(0)
    return AlphaResidual(factor=16, channels=6, width=8)


def some_alpha(height: int, width: int, seed: int = 0) -> Tensor:
    return torch.rand(2, 1, height, width, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def test_a_code_of_zeros_leaves_alpha_as_it_was_decoded(residual: AlphaResidual) -> None:
    decoded = some_alpha(32, 48)
    assert torch.equal(residual(torch.zeros(2, 6, 2, 3), decoded), decoded)


@torch.no_grad()
def test_a_latent_pixel_is_coded_by_itself(residual: AlphaResidual) -> None:
    alpha, decoded = some_alpha(32, 48, 0), some_alpha(32, 48, 1)
    code = residual.encode(alpha, decoded)
    assert code.shape == (2, 6, 2, 3)
    patch = residual.encode(alpha[..., 16:, 32:], decoded[..., 16:, 32:])
    assert torch.allclose(code[..., 1:, 2:], patch, atol=1e-5)
    assert torch.allclose(residual(code, decoded)[..., 16:, 32:], residual(patch, decoded[..., 16:, 32:]), atol=1e-5)


def test_sides_are_multiples_of_the_factor(residual: AlphaResidual) -> None:
    with pytest.raises(ValueError, match="multiples of 16"):
        residual.encode(some_alpha(30, 32), some_alpha(30, 32))
    with pytest.raises(ValueError, match="multiples of 16"):
        residual(torch.zeros(2, 6, 2, 2), some_alpha(30, 32))
