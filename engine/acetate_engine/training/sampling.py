"""Sampling for sample sheets, with classifier-free guidance."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from acetate_engine.pipelines.stages.before_denoise import Timesteps
from acetate_engine.pipelines.stages.denoise import Denoising


@torch.no_grad()
def sample_latents(
    unet: Any,
    scheduler: Any,
    text: Tensor,
    empty: Tensor,
    size: int,
    *,
    steps: int,
    guidance: float,
    seed: int = 0,
    beside: Tensor | None = None,
) -> Tensor:
    """Denoise one latent a prompt.

    Args:
        unet: a UNet2DConditionModel, or what is called like one and has its `config`.
        scheduler: a diffusers scheduler with `set_timesteps`, `scale_model_input` and `step`.
        text: (N, T, 384) states of the prompts; `empty`: (1, T, 384) of the empty prompt.
        size: latent side.
        beside: (N, C', size, size), concatenated to the input's channels.

    Returns:
        (N, C, size, size), in the scheduler's scale. Raises GenerationFailed where that is not finite.
    """
    generator = torch.Generator().manual_seed(seed)
    channels = unet.config.out_channels
    latent = torch.randn((len(text), channels, size, size), generator=generator).to(text) * scheduler.init_noise_sigma
    both = torch.cat([empty.expand_as(text), text])
    given = [] if beside is None else [torch.cat([beside, beside])]
    scheduler.set_timesteps(steps)

    def predict(sample: Tensor, time: Tensor, step: int) -> Tensor:
        plain, prompted = unet(torch.cat([torch.cat([sample, sample]), *given], 1), time, both).sample.chunk(2)
        return plain + guidance * (prompted - plain)

    timesteps = Timesteps(scheduler, scheduler.timesteps)
    denoising = Denoising(predict, timesteps, latent, generator, lambda step, clean: None)
    denoising.run(timesteps.count)
    return denoising.result()
