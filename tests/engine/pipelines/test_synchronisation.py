"""What would make a processor wait for its graphics card at each step: counted, for no card is needed to see it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from torch.utils._python_dispatch import TorchDispatchMode

from acetate.protocol.requests import Scheduler
from acetate_engine.models.families.components import Text
from acetate_engine.pipelines.stages.before_denoise import make_timesteps
from acetate_engine.pipelines.stages.denoise import Denoising, Known
from acetate_engine.pipelines.stages.guidance import Predictor

STEPS = 5
WAITING = (
    "_local_scalar_dense",
    "nonzero",
    "masked_select",
    "_unique2",
    "aten.equal",
)  # item(), bool(), int(), tolist()
# LCM and TCD look their share of noise up by the timestep; sigmas, which Euler compares, always lie on the processor
ALLOWED = {Scheduler.EULER: 2, Scheduler.LCM: 3, Scheduler.TCD: 4}


class Waits(TorchDispatchMode):
    """Counts operations whose result the processor has to know, and moves to the processor."""

    def __init__(self) -> None:
        super().__init__()
        self.counted: Counter[str] = Counter()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name, kwargs = str(function), kwargs or {}
        if any(part in name for part in WAITING):
            self.counted[name] += 1
        if "_to_copy" in name and "device" in kwargs:
            self.counted["to a device"] += 1
        return function(*args, **kwargs)


def denoising(kind: Scheduler) -> Denoising:
    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        sample_size=8, block_out_channels=(8, 16), norm_num_groups=4, attention_head_dim=4, cross_attention_dim=12,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        layers_per_block=1,
    ).eval()  # fmt: skip
    text = Text(torch.randn(1, 5, 12))
    predictor = Predictor(unet, text, text, 5.0)
    base = DDIMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")
    timesteps = make_timesteps(base, kind, STEPS, 1.0, torch.device("cpu"))
    sample = torch.randn(1, 4, 8, 8)
    known = Known(sample, torch.ones(1, 1, 8, 8), sample)
    return Denoising(
        lambda x, timestep, index: predictor(x, timestep, index / STEPS),
        timesteps,
        sample,
        torch.Generator().manual_seed(0),
        lambda done, clean: None,
        known,
    )


@pytest.mark.parametrize("kind", list(Scheduler))
@torch.no_grad()
def test_a_step_waits_for_nothing(kind: Scheduler) -> None:
    run = denoising(kind)
    with Waits() as waits:
        run.run(STEPS)
    assert waits.counted.total() <= ALLOWED.get(kind, 0) * STEPS, waits.counted


def test_what_waits_is_counted() -> None:
    with Waits() as waits:
        torch.ones(3).sum().item()
        torch.ones(3).nonzero()
        torch.ones(3).to("meta")
    assert waits.counted.total() == 3
