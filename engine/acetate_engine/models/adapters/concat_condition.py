"""Conditions as further input channels of an SDXL UNet: [noisy latent, condition latents...].

The released files want 8 channels, `[latent, condition]` (foreground or background -> blended picture), or 12,
`[latent, condition, blended]` (foreground and blended -> background, background and blended -> foreground).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from diffusers import UNet2DConditionModel
from torch import Tensor, nn

from acetate_engine.models.networks.latent_transparency import Autoencoder, encode_rgb
from acetate_engine.models.networks.padding import pad_to_multiple
from acetate_engine.models.runtime.memory import Note, unsaid


def grow_conv_in(unet: UNet2DConditionModel, channels: int) -> Callable[[], None]:
    """Give `unet.conv_in` more input channels, their weights zero, so that it computes what it did before.

    Args:
        channels: the new number, more than there are.

    Returns:
        A function that puts the former `conv_in` back, the same object, and its number into the configuration.

    Raises:
        ValueError: it has as many channels already.
    """
    before: nn.Conv2d = unet.conv_in
    if channels <= before.in_channels:
        raise ValueError(f"conv_in has {before.in_channels} input channels already, {channels} were asked for")
    kernel = int(before.kernel_size[0])
    grown = nn.Conv2d(channels, before.out_channels, kernel, padding=kernel // 2, device="meta")
    dtype = unet.dtype  # that it computes in; weights may be stored in another
    weight = before.weight.new_zeros(before.out_channels, channels, *before.kernel_size, dtype=dtype)
    weight[:, : before.in_channels] = before.weight.detach().to(dtype)
    grown.weight = nn.Parameter(weight, requires_grad=before.weight.requires_grad)
    if before.bias is not None:
        grown.bias = nn.Parameter(before.bias.detach().to(dtype), requires_grad=before.bias.requires_grad)
    _replace(unet, grown)
    return lambda: _replace(unet, before)


def _replace(unet: UNet2DConditionModel, conv_in: nn.Conv2d) -> None:
    unet.conv_in = conv_in
    unet.register_to_config(in_channels=conv_in.in_channels)


def on_grey(rgba: Tensor) -> Tensor:
    """(B, 4, H, W), 0..1, sRGB, straight alpha -> (B, 3, H, W) over mid-grey, as the models were trained.

    Black instead of grey gives black backgrounds.
    """
    return 0.5 + (rgba[:, :3] - 0.5) * rgba[:, 3:]


@torch.no_grad()
def encode_condition(
    rgba: Tensor,
    vae: Autoencoder,
    scaling_factor: float,
    multiple: int = 64,
    *,
    factor: int = 8,
    note: Note = unsaid,
) -> Tensor:
    """A condition picture as a scaled latent.

    Args:
        rgba: (B, 4, H, W), 0..1, sRGB, straight alpha; an opaque picture has alpha 1. Any size.
        scaling_factor: the VAE's, `vae.config.scaling_factor`.
        multiple: pixels; the picture is extended right and below to a multiple of it.
        factor: pixels a latent pixel.
        note: told when memory ran out and another way was taken.

    Returns:
        (B, C, h, w) float32, scaled: the mean of the VAE's distribution, so that equal pictures give equal conditions.

    Raises:
        ValueError: the VAE computes in fp16.
    """
    picture = pad_to_multiple(on_grey(rgba.float()), multiple)
    return encode_rgb(2 * picture - 1, vae, factor, note).mean * scaling_factor
