"""Filling and extending pictures before a network sees them.

`pad_rgb` follows the padded RGB of "Transparent Image Layer Diffusion using Latent
Transparency" (arXiv 2402.17113): colour under alpha 0 is undefined, so it is filled
from the visible colour by a pyramid of area-downscales.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from acetate_engine.compiling import compiles

_SHRINK = 1.2
_LARGE = 1 << 21  # pixels: from here on the compiled loops are worth their import


def pad_rgb(rgba: Tensor) -> Tensor:
    """Fill the colour under transparent pixels from the visible colour. Computed on the CPU.

    Args:
        rgba: (B, 4, H, W) floating point, 0..1, sRGB-encoded, straight alpha.

    Returns:
        (B, 3, H, W) float32, 0..1: where alpha is 1 the colour itself; black if nothing is visible.
    """
    pictures = rgba.detach().float().cpu().contiguous().numpy()
    filled = [torch.from_numpy(_filled(picture)) for picture in pictures]
    return (filled[0][None] if len(filled) == 1 else torch.stack(filled)).to(rgba.device)


def pad_to_multiple(x: Tensor, multiple: int) -> Tensor:
    """Extend (B, C, H, W) to the right and below, repeating the border, so that H and W are multiples of `multiple`."""
    height, width = x.shape[2:]
    right, below = -width % multiple, -height % multiple
    if not right and not below:
        return x
    return F.pad(x, (0, right, 0, below), mode="replicate")


def _filled(rgba: NDArray[np.float32]) -> NDArray[np.float32]:
    """(4, H, W) straight -> (3, H, W)."""
    sizes = _sizes(*rgba.shape[1:])
    if rgba[0].size >= _LARGE and len(sizes) > 1:
        with compiles():
            from acetate_engine.models.networks.pyramid import fill

        return fill(rgba, sizes, torch.get_num_threads())
    alpha = rgba[3]
    levels = [cv2.merge([*(plane * alpha for plane in rgba[:3]), alpha])]
    for size in sizes[1:]:
        levels.append(_resized(levels[-1], size, cv2.INTER_AREA))
    total = levels[-1].sum((0, 1))
    filled = np.full((1, 1, 3), total[:3] / max(total[3], 1e-8), np.float32)
    for level in reversed(levels):
        filled = _resized(filled, level.shape[:2], cv2.INTER_LINEAR)
        filled = level[..., :3] + filled * (1 - level[..., 3:])
    return np.ascontiguousarray(filled.transpose(2, 0, 1))


def _sizes(height: int, width: int) -> list[tuple[int, int]]:
    """Of the picture and its downscales by 1.2, finest first, until one side is a single pixel."""
    sizes = [(height, width)]
    while min(sizes[-1]) > 1:
        height, width = sizes[-1]
        sizes.append((int(height / _SHRINK), int(width / _SHRINK)))
    return sizes


def _resized(picture: NDArray[np.float32], size: tuple[int, int], how: int) -> NDArray[np.float32]:
    return cv2.resize(picture, size[::-1], interpolation=how).reshape(*size, -1)
