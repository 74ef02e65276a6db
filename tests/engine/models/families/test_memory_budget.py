"""What a model and its jobs take of a card, counted before it is placed; the networks of transparency apart."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from acetate_engine.models.families.released_parts import MemoryBudget
from acetate_engine.models.networks.latent_transparency import decode_alpha_rgb
from acetate_engine.models.runtime.memory import unsaid
from acetate_engine.models.runtime.placement import Policy, WeightBytes
from tests.engine.models import small

GIB = 1 << 30
NATIVE = 1024**2
SDXL = WeightBytes(int(6.6 * GIB), int(4.8 * GIB))


def budget(free: float) -> MemoryBudget:
    """Of SDXL on a card that has so many GiB left."""
    return MemoryBudget(torch.device("cuda"), int(free * GIB), 32 * GIB, SDXL, NATIVE, (128, 256, 512, 512), 2, 1)


@pytest.mark.parametrize(("free", "dtype"), [(6, torch.float16), (7, torch.float16), (24, torch.float32)])
def test_transparency_has_a_dtype_of_its_own(free: float, dtype: torch.dtype) -> None:
    assert budget(free).transparency_dtype() is dtype
    on_cpu = replace(budget(free), device=torch.device("cpu"))
    assert on_cpu.transparency_dtype() is torch.float32


def test_larger_jobs_take_more() -> None:
    sizes = [NATIVE // 2, NATIVE, 2 * NATIVE, 4 * NATIVE]
    beyond = [budget(24).beyond(pixels) for pixels in sizes]
    assert beyond[:2] == [0, 0] and 0 < 2 * beyond[2] < beyond[3]
    pictures = [budget(24).pictures(pixels) for pixels in sizes]
    assert pictures == sorted(pictures) and 0.5 * GIB < pictures[1] < 4 * GIB


def test_a_large_job_moves_what_a_small_one_leaves() -> None:
    card = budget(9.4)
    assert card.policy(SDXL, 0) is Policy.ALL_ON_DEVICE
    assert card.policy(SDXL, card.beyond(4 * NATIVE)) is not Policy.ALL_ON_DEVICE


@torch.no_grad()
def test_alpha_in_half_precision_is_near_and_in_bfloat16_is_not() -> None:
    generator = torch.Generator().manual_seed(0)
    pixel, latent = torch.rand(1, 3, 64, 64, generator=generator), torch.randn(1, 4, 8, 8, generator=generator)

    def alpha(dtype: torch.dtype) -> Tensor:
        return decode_alpha_rgb(small.decoder().to(dtype), pixel, latent, note=unsaid, passes=1)[:, 0]

    exact = alpha(torch.float32)
    errors = {dtype: (alpha(dtype) - exact).abs().mean() * 255 for dtype in (torch.float16, torch.bfloat16)}
    assert errors[torch.float16] < 0.5 and errors[torch.bfloat16] > 4 * errors[torch.float16]
