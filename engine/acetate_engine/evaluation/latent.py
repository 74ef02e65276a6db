"""`latent`: real layers through encoder and decoder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from acetate_engine.evaluation import alpha as measure
from acetate_engine.models.families.components import Components
from acetate_engine.models.networks.latent_transparency import decode_rgb, plain_latent
from acetate_engine.training.datasets import Bytes
from acetate_engine.training.transparency import layer_bytes

_BATCH = 16


@dataclass(frozen=True)
class RoundTrip:
    """What came back of pictures (N, H, W, 4), straight sRGB uint8."""

    decoded: Bytes  # with the residual of alpha, where the model has one
    latent_alone: Bytes  # without: as well as a diffusion model could make it
    identity: float  # PSNR of the frozen decoder on adjusted against plain latents, dB


def evaluate_latent(pictures: Bytes, trip: RoundTrip) -> dict[str, float]:
    """Metrics of `pictures`, (N, H, W, 4) straight sRGB uint8, against what `round_trip` made of them."""
    decoded = trip.decoded
    made, alone, true = (measure.alpha_of(these) for these in (decoded, trip.latent_alone, pictures))
    return {
        "alpha_mae": measure.alpha_mae(made, true),
        "soft_alpha_mae": measure.soft_alpha_mae(made, true),
        "alpha_sad": measure.alpha_sad(made, true),
        "alpha_grad": measure.alpha_grad(made, true),
        "composite_psnr": measure.composite_psnr(decoded, pictures),
        "composite_ssim": measure.composite_ssim(decoded, pictures),
        "identity_psnr": trip.identity,
        "latent_alone_alpha_mae": measure.alpha_mae(alone, true),
        "latent_alone_soft_alpha_mae": measure.soft_alpha_mae(alone, true),
        "latent_alone_composite_psnr": measure.composite_psnr(trip.latent_alone, pictures),
    }


def round_trip(components: Components, pictures: Bytes) -> RoundTrip:
    """Through the latent and, where the model has one, the code of what it loses of alpha."""
    parts = [_batch(components, pictures[i : i + _BATCH]) for i in range(0, len(pictures), _BATCH)]
    decoded, alone, identity = (np.concatenate(part) for part in zip(*parts, strict=True))
    return RoundTrip(decoded, alone, float(identity.mean()))


@torch.no_grad()
def _batch(components: Components, pictures: Bytes) -> tuple[Bytes, Bytes, np.ndarray]:
    rgba = torch.from_numpy(pictures).permute(0, 3, 1, 2).float().div(255).to(components.device)
    transparency, vae = components.transparency, components.vae
    latent = transparency.encode_rgba(rgba, vae, components.vae_scale_factor)
    plain = plain_latent(rgba, vae).mean.float()
    alone = decoded = transparency.decode_layers(latent, vae, note=_silent)
    if transparency.residual is not None:
        decoded = transparency.with_residual(alone, transparency.code_residual(rgba, alone))
    pictures_of = [decode_rgb(z, vae, note=_silent).cpu().numpy() for z in (latent, plain)]
    height, width = pictures.shape[1:3]
    rgba_of = [layer_bytes(layers[:, [1, 2, 3, 0], :height, :width]) for layers in (decoded, alone)]
    return rgba_of[0], rgba_of[1], measure.psnr(*pictures_of)


def _silent(note: str) -> None:
    pass
