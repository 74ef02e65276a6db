"""Filling and extending pictures before a network sees them.

`pad_rgb` follows the padded RGB of "Transparent Image Layer Diffusion using Latent
Transparency" (arXiv 2402.17113): colour under alpha 0 is undefined, so it is filled
from the visible colour by a pyramid of area-downscales.
"""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

_SHRINK = 1.2


def pad_rgb(rgba: Tensor) -> Tensor:
    """Fill the colour under transparent pixels from the visible colour.

    Args:
        rgba: (B, 4, H, W) floating point, 0..1, sRGB-encoded, straight alpha.

    Returns:
        (B, 3, H, W) float32, 0..1: where alpha is 1 the colour itself; black if nothing is visible.
    """
    rgba = rgba.float()
    alpha = rgba[:, 3:]
    levels = _premultiplied_pyramid(torch.cat([rgba[:, :3] * alpha, alpha], dim=1))
    total = levels[-1].sum(dim=(2, 3), keepdim=True)
    filled = total[:, :3] / total[:, 3:].clamp_min(1e-8)
    for level in reversed(levels):
        filled = F.interpolate(filled, size=level.shape[2:], mode="bilinear", align_corners=False)
        filled = level[:, :3] + filled * (1 - level[:, 3:])
    return filled


def pad_to_multiple(x: Tensor, multiple: int) -> Tensor:
    """Extend (B, C, H, W) to the right and below, repeating the border, so that H and W are multiples of `multiple`."""
    height, width = x.shape[2:]
    right, below = -width % multiple, -height % multiple
    if not right and not below:
        return x
    return F.pad(x, (0, right, 0, below), mode="replicate")


def _premultiplied_pyramid(premultiplied: Tensor) -> list[Tensor]:
    """(B, 4, H, W) and its area-downscales by 1.2, finest first, until one side is a single pixel."""
    levels = [premultiplied]
    while min(levels[-1].shape[2:]) > 1:
        height, width = levels[-1].shape[2:]
        levels.append(_area_resize(levels[-1], int(height / _SHRINK), int(width / _SHRINK)))
    return levels


def _area_resize(x: Tensor, height: int, width: int) -> Tensor:
    """Downscale (B, C, H, W): every output pixel is the mean of the source area that it covers, fractions included."""
    rows = _area_weights(x.shape[2], height).to(x)
    columns = _area_weights(x.shape[3], width).to(x)
    return torch.matmul(rows, torch.matmul(x, columns.T))


@lru_cache(maxsize=256)
def _area_weights(source: int, target: int) -> Tensor:
    """(target, source) float32: the share of each source pixel in each target pixel; rows sum to 1."""
    edges = torch.arange(target + 1, dtype=torch.float64) * (source / target)
    pixels = torch.arange(source, dtype=torch.float64)
    upper = torch.minimum(edges[1:, None], pixels + 1)
    lower = torch.maximum(edges[:-1, None], pixels)
    return ((upper - lower).clamp_min(0) * (target / source)).float()
