"""What merging and caching save: one denoising step with attention sharing, against the published way of computing it.

Published: the LoRA product at every forward pass, the condition's convolutions at every step, the cross-frame attention
as a chain of five linear maps. Ours: weights of each frame merged once, convolutions run once, two maps in the chain,
and weights packed where there is memory for it.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import torch
from diffusers import UNet2DConditionModel
from torch import Tensor, nn

from acetate_engine.models.adapters.attention_sharing import AttentionSharing, new_sharing_weights
from acetate_engine.models.adapters.sharing_weights import RELEASED_CONDITION_CHANNELS, SharingWeights
from acetate_engine.models.runtime.devices import computes_in_bf16
from acetate_engine.models.runtime.packing import pack, unpack
from acetate_engine.verification.table.limits import Least, least

Module = TypeVar("Module", bound=nn.Module)

_WITHOUT_BF16 = 128  # pixels a side, where the processor has no bf16 arithmetic: torch then takes many times as long
_LONG = 60.0  # seconds: beside a step as long as this, what only the first one pays for is nothing
EQUAL = 1e-3  # absolute, on outputs of about unit variance

_SMALL = {"block_out_channels": (32, 64, 64, 64), "attention_head_dim": 8, "norm_num_groups": 8}


@dataclass(frozen=True)
class Case:
    """One kind of step: three joint frames, or two frames with a condition image."""

    name: str
    frames: int
    condition: int  # channels of the condition's features


CASES = (Case("joint", 3, 0), Case("conditioned", 2, RELEASED_CONDITION_CHANNELS))


@dataclass(frozen=True)
class Timing:
    """Median seconds of one step; `error` is the largest difference to the first way of this case and size.

    CPU seconds, of all threads together, hardly depend on what else the machine does.
    """

    case: str
    size: int  # pixels a side
    way: str
    dtype: str
    seconds: float
    cpu_seconds: float
    error: float
    least: Least | None = None  # what it cannot do without, where that was measured


def sharing_steps(
    size: int = 512, steps: int = 2, small: bool = False, bf16_size: int | None = None
) -> Iterator[Timing]:
    """Time a step of each case without guidance: published in fp32, then ours in fp32 and in bf16.

    Args:
        size: pixels a side, a multiple of 64.
        steps: timed steps of each, after one that is not timed; where that one takes over a minute, it is all.
        small: a narrow UNet instead of SD1.5's full size; weights are random in both.
        bf16_size: pixels a side where ours is compared in fp32 and bf16; if None, `size` where the processor computes
            in bf16, else a small one.
    """
    bf16_size = bf16_size or (size if computes_in_bf16() else min(size, _WITHOUT_BF16))
    unet = random_unet(small)
    for case in CASES:
        nn.Module.to(unet, torch.float32)  # diffusers' own `to` warns of modules to keep in float32, and there are none
        weights = _filled(new_sharing_weights(unet, case.frames, condition=case.condition))
        ways = [("published", torch.float32), ("merged", torch.float32), ("merged", torch.bfloat16)]
        if bf16_size == size:
            yield from _compared(unet, weights, case, size, steps, ways)
        else:
            yield from _compared(unet, weights, case, size, steps, ways[:2])
            yield from _compared(unet, weights, case, bf16_size, steps, ways[1:])


def random_unet(small: bool) -> UNet2DConditionModel:
    """Of SD1.5's full size, or narrow."""
    return _filled(UNet2DConditionModel(cross_attention_dim=768, **(_SMALL if small else {})))


def _compared(
    unet: UNet2DConditionModel,
    weights: SharingWeights,
    case: Case,
    size: int,
    steps: int,
    ways: list[tuple[str, torch.dtype]],
) -> Iterator[Timing]:
    """One way after the other, each against the first."""
    arguments, image = _inputs(case, size)
    exact: Tensor | None = None
    for way, dtype in ways:
        cast = {name: x.to(dtype) if x.is_floating_point() else x for name, x in arguments.items()}
        nn.Module.to(unet, dtype)
        noise, seconds, cpu_seconds, limit = _run(unet, weights, cast, image, steps, published=way == "published")
        exact = noise if exact is None else exact
        error = (noise.float() - exact).abs().max().item()
        yield Timing(case.name, size, way, str(dtype).removeprefix("torch."), seconds, cpu_seconds, error, limit)


@torch.no_grad()
def _run(
    unet: UNet2DConditionModel,
    weights: SharingWeights,
    arguments: dict[str, Tensor],
    image: Tensor,
    steps: int,
    published: bool,
) -> tuple[Tensor, float, float, Least | None]:
    """(output, median seconds, median CPU seconds, what it takes at least)."""
    seconds, cpu_seconds = [], []
    if not published:
        pack(unet)
    with AttentionSharing(unet, weights, trainable=published) as sharing:
        if sharing.takes_condition:
            sharing.set_condition(image)
        for _ in range(1 + steps):
            start, cpu_start = time.perf_counter(), time.process_time()
            noise = unet(**arguments).sample
            seconds.append(time.perf_counter() - start)
            cpu_seconds.append(time.process_time() - cpu_start)
            if seconds[0] > _LONG:
                break
        limit = None if published else least(lambda: unet(**arguments))
    unpack(unet)
    return noise, statistics.median(seconds[1:] or seconds), statistics.median(cpu_seconds[1:] or cpu_seconds), limit


def _inputs(case: Case, size: int) -> tuple[dict[str, Tensor], Tensor]:
    generator = torch.Generator().manual_seed(0)
    arguments = {
        "sample": torch.randn(case.frames, 4, size // 8, size // 8, generator=generator),
        "timestep": torch.tensor(500),
        "encoder_hidden_states": torch.randn(case.frames, 77, 768, generator=generator),
    }
    return arguments, torch.rand(1, 3, size, size, generator=generator) * 2 - 1


@torch.no_grad()
def _filled(module: Module) -> Module:
    """Random weights that keep activations at about unit variance, whatever the initialisation was."""
    generator = torch.Generator().manual_seed(1)
    for name, parameter in module.named_parameters():
        if parameter.ndim > 1:
            parameter.normal_(0, parameter[0].numel() ** -0.5, generator=generator)
        elif name.endswith("bias"):
            parameter.normal_(0, 0.02, generator=generator)
        else:
            parameter.fill_(1)
    return module.eval().requires_grad_(False)
