"""Sampling for sample sheets: the plain loop of a diffusers scheduler with classifier-free guidance."""

from typing import Any

import torch
from diffusers import UNet2DConditionModel
from torch import Tensor


@torch.no_grad()
def sample_latents(
    unet: UNet2DConditionModel,
    scheduler: Any,
    text: Tensor,
    empty: Tensor,
    size: int,
    *,
    steps: int = 20,
    guidance: float = 4.0,
    seed: int = 0,
) -> Tensor:
    """Denoise one latent a prompt.

    Args:
        scheduler: a diffusers scheduler with `set_timesteps`, `scale_model_input` and `step`.
        text: (N, T, 384) states of the prompts; `empty`: (1, T, 384) of the empty prompt.
        size: latent side.

    Returns:
        (N, C, size, size), in the scheduler's scale.
    """
    generator = torch.Generator().manual_seed(seed)
    channels = unet.config.in_channels
    latent = torch.randn((len(text), channels, size, size), generator=generator).to(text) * scheduler.init_noise_sigma
    both = torch.cat([empty.expand_as(text), text])
    scheduler.set_timesteps(steps)
    for time in scheduler.timesteps:
        model_input = scheduler.scale_model_input(torch.cat([latent, latent]), time)
        plain, prompted = unet(model_input, time, both).sample.chunk(2)
        latent = scheduler.step(plain + guidance * (prompted - plain), time, latent).prev_sample
    return latent
