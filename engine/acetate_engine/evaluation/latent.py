"""`latent`: real layers through encoder and decoder."""

from __future__ import annotations

import numpy as np
import torch

from ..models.families.components import Components
from ..models.latent_transparency import decode_rgb, plain_latent
from ..training.datasets import Bytes
from ..training.transparency import layer_bytes
from . import alpha as measure

_BATCH = 16


def evaluate_latent(pictures: Bytes, decoded: Bytes, identity: float) -> dict[str, float]:
    """Metrics of `pictures`, (N, H, W, 4) straight sRGB uint8, against what `round_trip` made of them."""
    made, true = measure.alpha_of(decoded), measure.alpha_of(pictures)
    return {
        "alpha_mae": measure.alpha_mae(made, true),
        "soft_alpha_mae": measure.soft_alpha_mae(made, true),
        "alpha_sad": measure.alpha_sad(made, true),
        "alpha_grad": measure.alpha_grad(made, true),
        "composite_psnr": measure.composite_psnr(decoded, pictures),
        "composite_ssim": measure.composite_ssim(decoded, pictures),
        "identity_psnr": identity,
    }


def round_trip(components: Components, pictures: Bytes) -> tuple[Bytes, float]:
    """What comes back, and the identity PSNR: the frozen decoder on adjusted against plain latents, in dB."""
    parts = [_batch(components, pictures[i : i + _BATCH]) for i in range(0, len(pictures), _BATCH)]
    return np.concatenate([part[0] for part in parts]), float(np.concatenate([part[1] for part in parts]).mean())


@torch.no_grad()
def _batch(components: Components, pictures: Bytes) -> tuple[Bytes, np.ndarray]:
    rgba = torch.from_numpy(pictures).permute(0, 3, 1, 2).float().div(255).to(components.device)
    vae, size = components.vae, (pictures.shape[1], pictures.shape[2])
    latent = components.transparency.encode_rgba(rgba, vae, components.factor)
    plain = plain_latent(rgba, vae).mean.float()
    decoded = components.transparency.decode_layers(latent, vae, note=_silent, size=size, passes=8)
    pictures_of = [decode_rgb(z, vae, note=_silent).cpu().numpy() for z in (latent, plain)]
    return layer_bytes(decoded[:, [1, 2, 3, 0]]), measure.psnr(*pictures_of)


def _silent(note: str) -> None:
    pass
