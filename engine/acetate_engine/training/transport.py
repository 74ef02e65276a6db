"""Cut-outs in the look of others: the pixels of their latents are moved to the others' mean and covariance.

A base that knows its objects by heart decides how they look together with what they are, in the strongest noise;
pictures of other things in a style teach it those things, and the style stays with them. So a style is taught on the
objects themselves. The map is the optimal one between two normal distributions (Olkin and Pukelsheim 1982; between
colours: Pitie and Kokaram 2007). A latent pixel holds a patch of the picture, hence texture and contrast come along
with colour.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from acetate_engine.compositing.alpha import to_float
from acetate_engine.models.networks.autoencoder import SpaceToDepthAutoencoder
from acetate_engine.models.networks.padding import pad_rgb
from acetate_engine.training.compose import to_nchw
from acetate_engine.training.datasets import Bytes
from acetate_engine.training.transparency import layer_bytes

_BATCH = 32
_INSIDE = 0.9  # mean alpha of the patches whose statistics count
_LEAST = 1e-4  # variance, below which a direction is empty


def repainted(vae: SpaceToDepthAutoencoder, cutouts: Bytes, like: Bytes, share: float, most_gain: float) -> Bytes:
    """`cutouts` in the look of `like`, both (N, H, W, 4) straight sRGB RGBA; alpha stays as it is.

    Args:
        share: 0..1, how far on the way to the other look.
        most_gain: no direction of the latent is stretched more; what a smooth picture lacks would only be noise.
    """
    own, other = (_Latents.of(vae, pictures) for pictures in (cutouts, like))
    matrix = transport(own.covariance, other.covariance, most_gain)
    moved = (own.latent.movedim(1, -1) - own.mean) @ matrix + other.mean
    latent = torch.lerp(own.latent, moved.movedim(-1, 1), share)
    with torch.no_grad():
        rgb = torch.cat([vae.decode(part).sample / 2 + 0.5 for part in torch.split(latent, _BATCH)])
    return layer_bytes(torch.cat([rgb, own.alpha], 1))


def transport(own: Tensor, other: Tensor, most_gain: float) -> Tensor:
    """(C, C), symmetric: takes N(0, own) to N(0, other), but for the limit."""
    root, inverse = _power(own, 0.5), _power(own, -0.5)
    gains, ways = torch.linalg.eigh(inverse @ _power(root @ other @ root, 0.5) @ inverse)
    return (ways * gains.clamp(max=most_gain)) @ ways.T


def _power(covariance: Tensor, exponent: float) -> Tensor:
    variance, ways = torch.linalg.eigh(covariance)
    return (ways * variance.clamp_min(_LEAST) ** exponent) @ ways.T


@dataclass(frozen=True)
class _Latents:
    """Of pictures whose colour goes on under their alpha; statistics of the patches inside them."""

    latent: Tensor  # (N, C, h, w), unscaled
    alpha: Tensor  # (N, 1, H, W)
    mean: Tensor  # (C)
    covariance: Tensor  # (C, C)

    @classmethod
    @torch.no_grad()
    def of(cls, vae: SpaceToDepthAutoencoder, pictures: Bytes) -> _Latents:
        rgba = torch.from_numpy(to_nchw(to_float(pictures)))
        parts = [vae.encode(2 * pad_rgb(part) - 1).latent_dist.mode() for part in torch.split(rgba, _BATCH)]
        latent, alpha = torch.cat(parts), rgba[:, 3:]
        inside = latent.movedim(1, -1)[F.avg_pool2d(alpha, vae.factor)[:, 0] > _INSIDE]
        if len(inside) <= latent.shape[1]:
            raise ValueError("too few opaque patches to know a look by: give more pictures, or larger ones")
        return cls(latent, alpha, inside.mean(0), torch.cov(inside.T))
