"""Condition images → tensors and latents, at the working extent."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from acetate_engine.compositing.alpha import to_float
from acetate_engine.compositing.pixels import Pixels
from acetate_engine.models.adapters.concat_condition import encode_condition
from acetate_engine.models.families.components import Components
from acetate_engine.models.runtime.memory import Note


def to_tensor(pixels: Pixels, device: torch.device) -> Tensor:
    """(H, W, 4) → (1, 4, H, W), a mask (H, W) → (1, 1, H, W); float32, 0..1, straight."""
    values = np.atleast_3d(to_float(pixels))
    return torch.from_numpy(np.ascontiguousarray(values.transpose(2, 0, 1)))[None].to(device)


def encode_picture(rgba: Tensor, components: Components, note: Note) -> Tensor:
    """(1, 4, H, W) → (1, c, h, w), scaled as the UNet sees it: of the picture over mid-grey."""
    parts, factor = components, components.vae_scale_factor
    parts.clear_for_pictures(rgba.shape[-2] * rgba.shape[-1])
    return encode_condition(rgba, parts.vae, parts.scaling_factor, factor, factor=factor, note=note)


def encode_transparent(rgba: Tensor, components: Components, note: Note) -> Tensor:
    """(1, 4, H, W) → the adjusted latent (1, c, h, w), scaled as the UNet sees it."""
    if said := components.settle_scale():
        note(said)
    parts, factor = components, components.vae_scale_factor
    parts.clear_for_pictures(rgba.shape[-2] * rgba.shape[-1])
    return parts.transparency.encode_rgba(rgba, parts.vae, factor, factor=factor, note=note) * parts.scaling_factor


def encode_residual(rgba: Tensor, latent: Tensor, components: Components, note: Note) -> Tensor | None:
    """What decoding this adjusted latent loses of alpha, (1, channels, h, w); None: the model has no code for it."""
    transparency = components.transparency
    if transparency.residual is None:
        return None
    unscaled = latent / components.scaling_factor
    return transparency.code_residual(rgba, transparency.decode_layers(unscaled, components.vae, note=note))
