"""A coarse look at a layer in the making, at next to no cost: a linear map from latent to RGBA.

The map is fitted once a model, by least squares, on made-up pictures that the model's own encoders encode.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from acetate.protocol.geometry import Extent
from acetate_engine.compositing.resize import resize
from acetate_engine.models.families.components import Components

_SAMPLES = 8
_SIDE = 16  # latent pixels of each made-up picture
_RIDGE = 1e-2  # of the latents' variance: keeps the map small where channels say nothing


class LatentPreview:
    """Latent (1, c, h, w), unscaled → RGBA."""

    def __init__(self, components: Components) -> None:
        pictures = _made_up_pictures(components.factor).to(components.device)
        if components.transparency.encoder is None:
            pictures[:, 3] = 1
        latent = _encode(pictures, components)
        wanted = torch.cat([pictures[:, :3] * pictures[:, 3:], pictures[:, 3:]], dim=1)
        self._map = _fit(_rows(latent), _rows(F.avg_pool2d(wanted, components.factor)))

    def __call__(self, latent: Tensor, extent: Extent) -> NDArray[np.uint8]:
        """(extent.height, extent.width, 4) straight sRGB."""
        premultiplied = (_with_one(_rows(latent.float())) @ self._map).clamp(0, 1)
        alpha = premultiplied[:, 3:]
        colour = (premultiplied[:, :3] / alpha.clamp_min(1 / 255)).clamp(0, 1)
        rgba = torch.cat([colour, alpha], dim=1).reshape(*latent.shape[2:], 4)
        small = (rgba * 255).round().to("cpu", torch.uint8).numpy()
        result: NDArray[np.uint8] = resize(small, extent).astype(np.uint8, copy=False)
        return result


def _encode(pictures: Tensor, components: Components) -> Tensor:
    if components.transparency.encoder is not None:
        return components.transparency.encode_rgba(pictures, components.vae)
    feed = (2 * pictures[:, :3] - 1).to(components.vae.dtype)
    return components.vae.encode(feed).latent_dist.mean.float()


def _made_up_pictures(factor: int) -> Tensor:
    """(_SAMPLES, 4, side, side), 0..1: smooth colours in smooth shapes."""
    generator = torch.Generator().manual_seed(0)
    fields = torch.randn(_SAMPLES, 4, 5, 5, generator=generator)
    smooth = F.interpolate(fields, size=(_SIDE * factor, _SIDE * factor), mode="bicubic", align_corners=False)
    return torch.cat([torch.sigmoid(2 * smooth[:, :3]), (0.5 + 4 * smooth[:, 3:]).clamp(0, 1)], dim=1)


def _rows(x: Tensor) -> Tensor:
    """(n, c, h, w) → (n · h · w, c)."""
    return x.permute(0, 2, 3, 1).flatten(0, 2)


def _with_one(x: Tensor) -> Tensor:
    return torch.cat([x, x.new_ones(len(x), 1)], dim=1)


def _fit(latent: Tensor, wanted: Tensor) -> Tensor:
    """(c + 1, 4): the ridge regression of `wanted` on `latent` and 1."""
    inputs = _with_one(latent.double())
    gram = inputs.T @ inputs
    ridge = torch.eye(len(gram), dtype=gram.dtype, device=gram.device) * (_RIDGE * latent.var() * len(latent))
    ridge[-1, -1] = 0
    return torch.linalg.solve(gram + ridge, inputs.T @ wanted.double()).float()
