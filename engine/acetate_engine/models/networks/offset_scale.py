"""Lambda of an encoder file, found out: published programs disagree, for some files hold it in their weights already.

A cut-out of a soft disc is encoded with the released lambda and with none, and decoded: the one whose alpha comes back
is the file's own.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from acetate_engine.models.networks.latent_transparency import (
    RELEASED_OFFSET_SCALE,
    Autoencoder,
    LatentTransparency,
)
from acetate_engine.models.runtime.memory import unsaid

FOLDED_IN = 1.0
_SIDE = 128  # pixels
_CLEARLY = 0.5  # of the released lambda's error: where neither brings alpha back, nothing is known


@torch.no_grad()
def settled(transparency: LatentTransparency, vae: Autoencoder, factor: int) -> LatentTransparency:
    """With the lambda that brings alpha back; as it was where there is not both an encoder and a decoder."""
    if transparency.encoder is None or transparency.decoder is None:
        return transparency
    device = next(transparency.encoder.parameters()).device
    picture = _cut_out().to(device)
    released, folded = (
        _error(replace(transparency, offset_scale=scale), picture, vae, factor)
        for scale in (RELEASED_OFFSET_SCALE, FOLDED_IN)
    )
    scale = FOLDED_IN if folded < _CLEARLY * released else RELEASED_OFFSET_SCALE
    return replace(transparency, offset_scale=scale)


def _error(transparency: LatentTransparency, picture: Tensor, vae: Autoencoder, factor: int) -> float:
    """Mean difference of alpha, 0..1; what is no number is as wrong as can be."""
    latent = transparency.encode_rgba(picture, vae, factor=factor)
    layers = transparency.decode_layers(latent, vae, note=unsaid, passes=1)
    error = (layers[:, :1] - picture[:, 3:]).abs().mean()
    return float(error.nan_to_num(1.0))


def _cut_out() -> Tensor:
    """(1, 4, _SIDE, _SIDE), 0..1, straight: a soft disc, its colours running from side to side."""
    axis = torch.linspace(-1, 1, _SIDE)
    down, right = torch.meshgrid(axis, axis, indexing="ij")
    alpha = (4 * (0.7 - (down**2 + right**2).sqrt())).clamp(0, 1)
    colour = torch.stack([0.5 + 0.4 * down, 0.5 + 0.4 * right, 0.5 - 0.3 * down])
    return torch.cat([colour, alpha[None]])[None]
