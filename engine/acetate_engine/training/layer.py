"""Stage `layer`: a frozen RGB model learns to make adjusted latents, from which the transparent decoder reads a layer.

What is trained are the sharing weights of one frame (LoRAs on every attention, the per-pixel residual), in the format
of the released SD1.5 `transparent_attn` file.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from PIL import Image
from torch import Tensor, nn

from acetate_engine.compositing.alpha import to_float
from acetate_engine.models.adapters.attention_sharing import AttentionSharing, new_sharing_weights
from acetate_engine.models.adapters.sharing_files import load_sharing_weights
from acetate_engine.training.base import BaseConfig, BaseStage, Latents
from acetate_engine.training.config import Existing
from acetate_engine.training.datasets import Bytes
from acetate_engine.training.diffusion import (
    Takeover,
    TakeoverConfig,
    denoised,
    draw_indices,
    frozen_unet,
    frozen_vae,
    snr_weight,
)
from acetate_engine.training.parts import load_transparency
from acetate_engine.training.scenes import SceneEncoder
from acetate_engine.training.shared import save_sharing
from acetate_engine.training.sheets import checkerboard, grid
from acetate_engine.training.transparency import layer_bytes


class LayerConfig(BaseConfig):
    start: Existing  # the base UNet, frozen here
    transparency: Existing  # folder with the exported offset encoder and transparent decoder
    offset_scale: float = 1.0
    begin: Existing | None = None  # what this stage exported before, to go on with
    rank: int = 32  # of new ones
    scenes: int = 0
    background_share: float = 0.0
    latest: float = 1.0  # which times are taught, as a share of the schedule: the strongest noise may be left to `base`
    weak_weight: float = 0.0  # how much more an error counts where there is hardly any noise left
    identity_weight: float = 0.0  # the frozen decoder must show of a made latent what it shows of a plain one
    spectrum_weight: float = 0.0  # of what such a picture has more at the patches' periods: the weave
    takeover: TakeoverConfig | None = None  # where the base makes the first steps


class LayerStage(BaseStage):
    """As `base`, on adjusted latents of cut-outs, training `weights` alone."""

    name = "layer"
    trains = "weights"

    config: LayerConfig

    def __init__(self, config: LayerConfig, data: Path) -> None:
        self.transparency = load_transparency(config.transparency, config.offset_scale)
        self.encoder = SceneEncoder(frozen_vae(config.vae), self.transparency)
        super().__init__(config, data)
        torch.manual_seed(config.schedule.seed)
        self._adapt()

    def _adapt(self) -> None:
        """Put what is trained into the UNet."""
        if self.config.begin:
            self.weights = load_sharing_weights(self.config.begin).requires_grad_(True)
        else:
            self.weights = new_sharing_weights(self.unet, frames=1, rank=self.config.rank)
        self.sharing = AttentionSharing(self.unet, self.weights, trainable=True)

    def _unet(self) -> UNet2DConditionModel:
        assert self.config.start is not None  # LayerConfig demands it
        return frozen_unet(self.config.start)

    def modules(self) -> dict[str, nn.Module]:
        return {self.trains: self.weights}

    @property
    def _looks_closely(self) -> bool:
        """Otherwise the loss is that of `base`, scenes among its latents."""
        how = self.config
        return bool(how.weak_weight or how.identity_weight or how.spectrum_weight or how.latest < 1 or how.takeover)

    def batch_loss(self, rng: np.random.Generator, device: torch.device) -> Tensor:
        """As `base`; what the frozen decoder shows of the clean latent counts by how little noise there was."""
        config = self.config
        if not self._looks_closely:
            return super().batch_loss(rng, device)
        pool = self.pools[config.framing.choose(rng)].plain
        index = draw_indices(pool.weight, config.schedule.batch, rng)
        text, latent = self.said(pool.text[index], rng).to(device), pool.latent[index].to(device)

        def predict(noisy: Tensor, time: Tensor) -> Tensor:
            velocity: Tensor = self.unet.to(device)(noisy, time, text).sample
            return velocity

        takeover = self.taken_over(pool, index, device)
        made = denoised(self.noise, predict, latent, latest=config.latest, takeover=takeover)
        weak = made.kept**2
        weight = snr_weight(made.kept, config.snr_limit) * (1 + config.weak_weight * weak)
        loss = (made.error * weight).mean()
        if config.identity_weight or config.spectrum_weight:
            assert pool.shown is not None  # prepared where it is looked at
            strangeness = self._strangeness(made.clean, pool.shown[index].to(device))
            loss = loss + (weak * strangeness).mean()
        return loss

    def taken_over(self, pool: Latents, index: np.ndarray, device: torch.device) -> Takeover | None:
        """Of these latents, where the base makes the first steps."""
        if self.config.takeover is None or pool.offset is None:
            return None
        return Takeover(self.config.takeover, pool.offset[index].to(device))

    def _strangeness(self, latent: Tensor, pictures: Tensor) -> Tensor:
        """(N): how far the frozen decoder's picture of scaled latents is from the plain pictures (bytes)."""
        difference = self.decode_on(latent) - (pictures.float() / 127.5 - 1)
        same, woven = difference.square().mean((1, 2, 3)), ripples(difference, self.vae.factor)
        return self.config.identity_weight * same + self.config.spectrum_weight * woven

    def decode_on(self, latent: Tensor) -> Tensor:
        """As `decode`, on the latent's own device."""
        vae = self.vae.to(latent.device)
        picture: Tensor = vae.decode(latent / vae.config.scaling_factor).sample
        return picture

    @torch.no_grad()
    def shown(self, views: list[Bytes]) -> Tensor | None:
        """(N, 3, H, W) bytes: what the frozen decoder shows of plain latents, where that is looked at."""
        if not (self.config.identity_weight or self.config.spectrum_weight):
            return None
        shown = (self.decode(part).clamp(-1, 1) for part in self._plain_latents(views))
        return torch.cat([((part + 1) * 127.5).round().byte() for part in shown])

    def offset(self, views: list[Bytes], latent: Tensor) -> Tensor | None:
        """Of the adjusted latents, where layers are taken over from the base."""
        return latent - torch.cat(list(self._plain_latents(views))) if self.config.takeover else None

    def _plain_latents(self, views: list[Bytes]) -> Iterator[Tensor]:
        """(32 at most, C, h, w), scaled."""
        for view in views:
            for i in range(0, len(view), 32):
                yield super().encode_cutouts(view[i : i + 32])

    def encode_cutouts(self, rgba: Bytes) -> Tensor:
        """Adjusted latents, scaled."""
        parts = [self.encoder.cutouts(to_float(rgba[i : i + 32])) for i in range(0, len(rgba), 32)]
        return torch.cat(parts)

    @torch.no_grad()
    def evaluate(self) -> tuple[dict[str, float], Image.Image]:
        """As `base`; the sheet shows decoded layers over a checkerboard."""
        return self.fixed_loss(), grid(checkerboard(self.decode_layers(self.sample())), columns=8)

    def decode_layers(self, latent: Tensor) -> Bytes:
        """Scaled latents -> straight RGBA (N, H, W, 4)."""
        unscaled = latent / self.vae.config.scaling_factor
        decoded = self.transparency.decode_layers(unscaled, self.vae, note=lambda _: None, passes=1)
        return layer_bytes(decoded[:, [1, 2, 3, 0]])

    def export(self, folder: Path) -> None:
        """`transparent.safetensors` in fp16, with the released files' names."""
        save_sharing(self.weights, folder / "transparent.safetensors")


def ripples(difference: Tensor, factor: int) -> Tensor:
    """(N, C, H, W) -> (N): mean square of what repeats with patches of `factor` pixels or with parts of them.

    These are the frequencies at multiples of 1 / factor along rows or columns: the weave of space-to-depth stages.
    """
    height, width = difference.shape[2:]
    spectrum = torch.fft.rfft2(difference.float(), norm="forward").abs().square()
    down, across = (torch.arange(count, device=difference.device) for count in spectrum.shape[2:])
    woven = _whole(down, height // factor)[:, None] | _whole(across, width // factor)
    return (spectrum * woven).sum((2, 3)).mean(1)


def _whole(frequencies: Tensor, step: int) -> Tensor:
    """Which of them are multiples of `step`, 0 apart."""
    return (frequencies % step == 0) & (frequencies > 0)
