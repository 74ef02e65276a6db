"""A coarse look at a layer in the making, at next to no cost.

Colour is nearly linear in a latent, but alpha, which the offset hides on purpose, is not. So the latent goes through
random features with a bend (ReLU), and a linear map from those to RGBA is fitted in closed form, once a model, on
made-up pictures that the model's own encoders encode.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from acetate.protocol.geometry import Extent
from acetate_engine.compositing.resize import resize
from acetate_engine.models.families.components import Components

_PICTURES = 32
_TOGETHER = 8  # pictures encoded at once
_SIDE = 8  # latent pixels of each
_FEATURES = 512
_RIDGE = 1e-2
_FINER = 2  # preview pixels a latent pixel, each way


class Budget:
    """Keeps what may be left out below a share of the time since this was made."""

    def __init__(self, share: float, clock: Callable[[], float] = time.perf_counter) -> None:
        self._share, self._clock, self._start = share, clock, clock()
        self._spent = self._last = 0.0  # seconds

    def allows_more(self) -> bool:
        """Whether another one like the last would keep within the share; the first is always allowed."""
        return self._spent + self._last <= self._share * (self._clock() - self._start)

    @contextmanager
    def spending(self) -> Iterator[None]:
        start = self._clock()
        yield
        self._last = self._clock() - start
        self._spent += self._last


class LatentPreview:
    """Latent (1, c, h, w), unscaled → RGBA."""

    def __init__(self, components: Components) -> None:
        generator = torch.Generator().manual_seed(0)
        pictures = _made_up_pictures(_SIDE * components.vae_scale_factor, generator).to(components.device)
        if components.transparency.encoder is None:
            pictures[:, 3] = 1
        rows = torch.cat([_rows(_encode(some, components)) for some in torch.split(pictures, _TOGETHER)])
        self._mean, self._spread = rows.mean(0), rows.std(0) + 1e-6
        self._mix = torch.randn(rows.shape[1], _FEATURES, generator=generator).to(rows) * 1.5 / rows.shape[1] ** 0.5
        self._bend = torch.randn(_FEATURES, generator=generator).to(rows)
        self._map = _fit(self._features(rows), _rows(_targets(pictures, components.vae_scale_factor)))

    def __call__(self, latent: Tensor, extent: Extent) -> NDArray[np.uint8]:
        """(extent.height, extent.width, 4) straight sRGB."""
        height, width = latent.shape[2:]
        values = self._features(_rows(latent.float())) @ self._map
        premultiplied = F.pixel_shuffle(values.reshape(1, height, width, -1).permute(0, 3, 1, 2), _FINER).clamp(0, 1)
        colour = (premultiplied[:, :3] / premultiplied[:, 3:].clamp_min(1 / 255)).clamp(0, 1)
        rgba = torch.cat([colour, premultiplied[:, 3:]], dim=1)[0].permute(1, 2, 0)
        small = (rgba * 255).round().to("cpu", torch.uint8).numpy()
        result: NDArray[np.uint8] = resize(small, extent).astype(np.uint8, copy=False)
        return result

    def _features(self, rows: Tensor) -> Tensor:
        """(n, c) → (n, _FEATURES + c + 1)."""
        even = (rows - self._mean) / self._spread
        return torch.cat([torch.relu(even @ self._mix + self._bend), even, even.new_ones(len(even), 1)], dim=1)


def _encode(pictures: Tensor, components: Components) -> Tensor:
    if components.transparency.encoder is not None:
        components.settle_scale()
        return components.transparency.encode_rgba(pictures, components.vae, components.vae_scale_factor)
    feed = (2 * pictures[:, :3] - 1).to(components.vae.dtype)
    return components.vae.encode(feed).latent_dist.mean.float()


def _made_up_pictures(side: int, generator: torch.Generator) -> Tensor:
    """(_PICTURES, 4, side, side), 0..1: cut-outs with clear edges, their colours smooth with some texture."""
    coarse = _noise(4, 4, side, generator)
    colour = torch.sigmoid(2 * coarse[:, :3] + 0.5 * _noise(3, 16, side, generator))
    return torch.cat([colour, (0.5 + 20 * coarse[:, 3:]).clamp(0, 1)], dim=1)


def _noise(channels: int, grid: int, side: int, generator: torch.Generator) -> Tensor:
    values = torch.randn(_PICTURES, channels, grid, grid, generator=generator)
    return F.interpolate(values, size=(side, side), mode="bicubic", align_corners=False)


def _targets(pictures: Tensor, factor: int) -> Tensor:
    """(n, 4 · _FINER², h, w): premultiplied colour and alpha of the pixels of each latent pixel."""
    premultiplied = torch.cat([pictures[:, :3] * pictures[:, 3:], pictures[:, 3:]], dim=1)
    return F.pixel_unshuffle(F.avg_pool2d(premultiplied, factor // _FINER), _FINER)


def _rows(x: Tensor) -> Tensor:
    """(n, c, h, w) → (n · h · w, c)."""
    return x.permute(0, 2, 3, 1).flatten(0, 2)


def _fit(features: Tensor, wanted: Tensor) -> Tensor:
    """The ridge regression of `wanted` on `features`, in float64."""
    inputs = features.double()
    ridge = torch.eye(inputs.shape[1], dtype=inputs.dtype, device=inputs.device) * (_RIDGE * len(inputs))
    return torch.linalg.solve(inputs.T @ inputs + ridge, inputs.T @ wanted.double()).float()
