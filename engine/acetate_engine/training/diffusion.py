"""What the stages of diffusion models share: which pictures, latents, texts, the noise schedule and the loss."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from diffusers import DDPMScheduler, DPMSolverMultistepScheduler, UNet2DConditionModel
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from acetate_engine.compositing.pixels import Floats
from acetate_engine.models.networks.autoencoder import SpaceToDepthAutoencoder
from acetate_engine.models.networks.text import MiniLMTextEncoder
from acetate_engine.training.compose import to_nchw
from acetate_engine.training.config import Existing, Frozen
from acetate_engine.training.datasets import PictureSet, Row, load_pictures
from acetate_engine.training.licences import Licences
from acetate_engine.training.rendered import RenderedConfig, with_rendered

BETAS = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}

Predict = Callable[[Tensor, Tensor], Tensor]
"""(noisy latents, a time for each) -> velocities."""


class SubsetConfig(Frozen):
    """Which cut-outs a diffusion model is trained on."""

    styles: tuple[str, ...] = ("3d emoji", "photo", "glow effect")
    # style -> the only objects of it, as captions name them, without article; empty: all
    objects: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    repeat: dict[str, int] = Field(default_factory=dict)  # style -> how often a picture comes in an epoch

    def keep(self, row: Row) -> bool:
        name = re.sub(r"^(an?|the) ", "", row["caption"].removesuffix(f", {row['style']}"))
        return row["style"] in self.styles and (not self.objects or name in self.objects.get(row["style"], ()))


class DiffusionConfig(RenderedConfig):
    vae: Existing  # exported autoencoder
    subset: SubsetConfig = SubsetConfig()
    caption_dropout: float = 0.1
    # min-SNR weighting, arXiv 2303.09556; null: all times count the same, for what is decided in the strongest noise
    snr_limit: float | None = 5.0
    prompts: tuple[str, ...] = ()  # of the sample sheet
    guidance: float = 4.0
    sheet_steps: int = 20  # of the sampler, for the sheet


def noise_schedule() -> DDPMScheduler:
    """v-prediction on Stable Diffusion's noise schedule, which every sampler's settings are made for."""
    return DDPMScheduler(**BETAS, prediction_type="v_prediction", clip_sample=False)


def solver() -> DPMSolverMultistepScheduler:
    """The sampler that fits `noise_schedule`."""
    return DPMSolverMultistepScheduler(**BETAS, prediction_type="v_prediction", use_karras_sigmas=True)


def save_solver(folder: Path) -> None:
    """Its configuration, without how it spaces its steps: what a model states there, other solvers follow, too."""
    solver().save_pretrained(folder)
    path = folder / "scheduler_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    del config["timestep_spacing"]
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")


@dataclass(frozen=True)
class Denoised:
    """One prediction at random times, a row each latent."""

    error: Tensor  # (N): mean square, of the velocity
    clean: Tensor  # (N, C, h, w): the latent that the prediction means
    kept: Tensor  # (N): share of the latent's variance that the noise left, 0..1; near 1 is the weak-noise end


class TakeoverConfig(Frozen):
    """When a layer adapter takes over from the base (`layer_from` in mini.json), which made the first steps."""

    share: float = 0.75  # of the latents; the others have their offset from the beginning, as layers to refine have
    sigmas: tuple[float, float] = (0.7, 4.0)  # how strong the noise is then; its logarithm is drawn evenly


@dataclass(frozen=True)
class Takeover:
    """What a latent lacks while it is denoised, where a plain model made the first steps.

    At the noise sigma_0 at which the layer adapter takes over, the latent is a plain one. Each step to a smaller sigma
    replaces its share of that by what the adapter means, so `sigma / sigma_0` of the offset is still missing: the same
    as noise that has offset / sigma_0 less. Nothing else tells the adapter to keep the shape that the base has begun.
    """

    config: TakeoverConfig
    offset: Tensor  # (N, C, h, w), scaled: adjusted minus plain latent

    def left(self, sigma: Tensor) -> Tensor:
        """(N, C, h, w): what to take off the noise, where it is as strong as `sigma` (N), in units of the latent."""
        least, most = self.config.sigmas
        begun = least * (most / least) ** torch.rand_like(sigma)
        is_plain = torch.rand_like(sigma) < self.config.share
        return (is_plain / torch.maximum(begun, sigma))[:, None, None, None] * self.offset


def denoised(
    schedule: DDPMScheduler,
    predict: Predict,
    latent: Tensor,
    frames: int = 1,
    latest: float = 1.0,
    takeover: Takeover | None = None,
) -> Denoised:
    """v-prediction at random times.

    Args:
        latent: (images * frames, C, h, w), scaled, frame fastest; the frames of one image share its time.
        latest: share of the schedule that times are drawn from; 1 is pure noise.
        takeover: where the first steps are made by a model of other latents.
    """
    noise = torch.randn_like(latent)
    count = round(schedule.config.num_train_timesteps * latest)
    time = torch.randint(count, (len(latent) // frames,), device=latent.device).repeat_interleave(frames)
    kept = schedule.alphas_cumprod.to(latent.device)[time]
    if takeover is not None:
        noise = noise - takeover.left((1 / kept - 1).sqrt())
    noisy = schedule.add_noise(latent, noise, time)
    velocity = predict(noisy, time)
    error = F.mse_loss(velocity, schedule.get_velocity(latent, noise, time), reduction="none").mean((1, 2, 3))
    signal, rest = (share.sqrt()[:, None, None, None] for share in (kept, 1 - kept))
    return Denoised(error, signal * noisy - rest * velocity, kept)


def velocity_loss(
    schedule: DDPMScheduler,
    predict: Predict,
    latent: Tensor,
    snr_limit: float | None,
    frames: int = 1,
    takeover: Takeover | None = None,
) -> Tensor:
    """Error of `denoised`, weighted by min(SNR, limit) / (SNR + 1); by 1 without a limit."""
    made = denoised(schedule, predict, latent, frames, takeover=takeover)
    return (made.error * snr_weight(made.kept, snr_limit)).mean()


def snr_weight(kept: Tensor, limit: float | None) -> Tensor:
    """Of v-prediction errors, arXiv 2303.09556."""
    if limit is None:
        return torch.ones_like(kept)
    snr = kept / (1 - kept)
    return snr.clamp(max=limit) / (snr + 1)


def frozen_vae(folder: Path) -> SpaceToDepthAutoencoder:
    vae: SpaceToDepthAutoencoder = SpaceToDepthAutoencoder.from_pretrained(folder).eval().requires_grad_(False)
    return vae


def frozen_unet(folder: Path) -> UNet2DConditionModel:
    return UNet2DConditionModel.from_pretrained(folder, torch_dtype=torch.float32).eval().requires_grad_(False)


def load_subset(config: DiffusionConfig, data: Path, split: str = "train") -> PictureSet:
    """The cut-outs of `config.subset` whose licence is known, and the rendered ones."""
    licences = Licences.read(config.licences)
    known = load_pictures(data, "fg", split, lambda row: bool(licences.spdx(row)) and config.subset.keep(row))
    return with_rendered(known, config.rendered)


@torch.no_grad()
def encode_feeds(vae: SpaceToDepthAutoencoder, feeds: Floats) -> Tensor:
    """(N, H, W, 3) in -1..1 -> scaled latents, the means of their distributions."""
    parts = [torch.from_numpy(to_nchw(feeds[i : i + 64])) for i in range(0, len(feeds), 64)]
    latent = torch.cat([vae.encode(part).latent_dist.mode() for part in parts])
    return latent * vae.config.scaling_factor


def encode_texts(texts: list[str]) -> Tensor:
    """(N, tokens, 384) states."""
    encoder = _text_encoder()
    return torch.cat([encoder.encode(texts[i : i + 64]) for i in range(0, len(texts), 64)])


@lru_cache(maxsize=1)
def _text_encoder() -> MiniLMTextEncoder:
    """Loading it takes longer than most that it is asked for."""
    return MiniLMTextEncoder()


def draw_indices(weight: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` indices, each as likely as its weight says."""
    return rng.choice(len(weight), count, p=weight / weight.sum())
