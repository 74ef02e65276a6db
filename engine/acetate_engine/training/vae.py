"""Stage `vae`: the RGB autoencoder, on backgrounds, on cut-outs over mid-grey, and on cut-outs over backgrounds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from acetate_engine.compositing.alpha import over, to_float
from acetate_engine.compositing.pixels import Floats
from acetate_engine.evaluation.alpha import psnr
from acetate_engine.models.networks.autoencoder import SpaceToDepthAutoencoder
from acetate_engine.training.compose import flip, place, to_nchw, vae_feed
from acetate_engine.training.config import Existing, Frozen, StageConfig
from acetate_engine.training.datasets import PictureSet, load_pictures, load_training
from acetate_engine.training.licences import Licences
from acetate_engine.training.loop import Losses, Step
from acetate_engine.training.sheets import grid, to_bytes


class VaeModel(Frozen):
    """Constructor arguments of SpaceToDepthAutoencoder."""

    latent_channels: int = 32
    stages: tuple[int, ...] = (4, 2, 2)
    widths: tuple[int, ...] = (48, 128, 256)
    encoder_blocks: int = 1
    decoder_blocks: int = 1
    latent_std: float = 0.1


class VaeConfig(StageConfig):
    model: VaeModel = VaeModel()
    background_share: float = 0.35
    composite_share: float = 0.25  # the rest is cut-outs over mid-grey
    gradient_weight: float = 1.0  # of the L1 between neighbour differences
    latent_weight: float = 0.002  # of the mean square latent, so that noise cannot be outgrown
    latent_noise: float = 0.0  # at most, beyond `latent_std`: a diffusion model's latents are not exact
    freeze_encoder: bool = False  # a second run that improves the decoder for latents already in use
    start: Existing | None = None  # an exported autoencoder to begin with; `model` may give it more latent channels


class VaeStage:
    """Trains `model`; the noise of `latent_std` on the latent makes the decoder forgive a diffusion model's errors."""

    name = "vae"

    def __init__(self, config: VaeConfig, data: Path) -> None:
        self.config = config
        licences = Licences.read(config.licences)
        self.foregrounds = load_training(data, "fg", licences)
        self.backgrounds = load_training(data, "bg", licences)
        self.validation = validation_batch(data)
        torch.manual_seed(config.schedule.seed)
        self.model = (
            SpaceToDepthAutoencoder.from_pretrained(config.start).widened(
                config.model.latent_channels, config.model.latent_std
            )
            if config.start
            else SpaceToDepthAutoencoder(**config.model.model_dump())
        ).to(memory_format=torch.channels_last)
        self.model.encoder.requires_grad_(not config.freeze_encoder)

    def modules(self) -> dict[str, torch.nn.Module]:
        return {"model": self.model}

    def losses(self, step: Step) -> Losses:
        picture = torch.from_numpy(self._batch(step.rng)).to(step.device, memory_format=torch.channels_last)
        latent = self.model.encode(picture).latent_dist
        level = self.config.latent_noise * torch.rand((len(picture), 1, 1, 1), device=step.device)
        noisy = latent.sample() + level * torch.randn_like(latent.mean)
        restored = self.model.decode(noisy).sample
        pixel = (restored - picture).abs().mean()
        gradient = gradient_l1(restored, picture)
        spread = latent.mean.square().mean()
        total = pixel + self.config.gradient_weight * gradient + self.config.latent_weight * spread
        yield "model", total, {"loss": total, "l1": pixel, "gradient": gradient, "latent": spread}

    def _batch(self, rng: np.random.Generator) -> np.ndarray:
        return to_nchw(np.stack([self._picture(rng) for _ in range(self.config.schedule.batch)]))

    def _picture(self, rng: np.random.Generator) -> np.ndarray:
        kind = rng.random()
        background = to_float(flip(self.backgrounds.pixels[rng.integers(len(self.backgrounds))], rng))
        if kind < self.config.background_share:
            return background * 2 - 1
        cutout = flip(self.foregrounds.pixels[rng.integers(len(self.foregrounds))], rng)
        if kind < self.config.background_share + self.config.composite_share:
            placed = place(cutout, rng.uniform(0.5, 1.1), rng.uniform(-0.2, 0.2), rng.uniform(-0.2, 0.2))
            return over(to_float(placed), background) * 2 - 1
        return vae_feed(to_float(cutout))

    @torch.no_grad()
    def evaluate(self) -> tuple[dict[str, float], Image.Image]:
        """PSNR (dB, of 0..1 pixels) of held-out cut-outs over grey and of backgrounds; originals above copies."""
        device = next(self.model.parameters()).device
        metrics, shown = {}, []
        for name, batch in self.validation.items():
            restored = (
                self.model.decode(self.model.encode(batch.to(device)).latent_dist.mode()).sample.clamp(-1, 1).cpu()
            )
            metrics[f"psnr_{name}"] = float(psnr(_unit(restored), _unit(batch)).mean())
            shown += [*to_bytes(batch[:8]), *to_bytes(restored[:8])]
        return metrics, grid(np.stack(shown), columns=8)

    @torch.no_grad()
    def export(self, folder: Path) -> None:
        """Whiten the latents on training cut-outs (a new model only) and save the autoencoder as a diffusers folder."""
        if not self.config.freeze_encoder:
            latents = encode_all(self.model, self.foregrounds)
            self.model.whiten(latents.mean((0, 2, 3)), latents.std((0, 2, 3)))
        self.model.save_pretrained(folder)


def validation_batch(data: Path, count: int = 64) -> dict[str, Tensor]:
    """Held-out pictures as VAE feeds (N, 3, H, W) in -1..1: cut-outs over grey, backgrounds."""
    foregrounds = load_pictures(data, "fg", "val").pixels
    backgrounds = load_pictures(data, "bg", "val").pixels
    chosen = foregrounds[np.linspace(0, len(foregrounds) - 1, min(count, len(foregrounds))).astype(int)]
    return {
        "cutout": torch.from_numpy(to_nchw(vae_feed(to_float(chosen)))),
        "background": torch.from_numpy(to_nchw(to_float(backgrounds[:count]) * 2 - 1)),
    }


@torch.no_grad()
def encode_all(model: SpaceToDepthAutoencoder, pictures: PictureSet, batch: int = 64) -> Tensor:
    """Mean latents of cut-outs over grey, (N, C, H/f, W/f)."""
    parts = [pictures.pixels[i : i + batch] for i in range(0, len(pictures), batch)]
    feeds = (torch.from_numpy(to_nchw(vae_feed(to_float(part)))) for part in parts)
    return torch.cat([model.encode(feed).latent_dist.mode() for feed in feeds])


def gradient_l1(a: Tensor, b: Tensor) -> Tensor:
    """Mean L1 between the horizontal and vertical differences of two pictures."""
    horizontal = ((a[..., 1:] - a[..., :-1]) - (b[..., 1:] - b[..., :-1])).abs().mean()
    vertical = ((a[..., 1:, :] - a[..., :-1, :]) - (b[..., 1:, :] - b[..., :-1, :])).abs().mean()
    return horizontal + vertical


def _unit(x: Tensor) -> Floats:
    """-1..1 → 0..1."""
    values: Floats = (x.float() * 0.5 + 0.5).cpu().numpy()
    return values
