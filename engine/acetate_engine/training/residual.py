"""Stage `residual`: a code of what the transparent decoder misses of alpha; the networks before it are frozen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from acetate_engine.models.networks.alpha_residual import AlphaResidual
from acetate_engine.training.config import Existing
from acetate_engine.training.datasets import load_training
from acetate_engine.training.diffusion import frozen_vae
from acetate_engine.training.licences import Licences
from acetate_engine.training.loop import Losses, Step
from acetate_engine.training.parts import load_transparency
from acetate_engine.training.rendered import RenderedConfig, with_rendered
from acetate_engine.training.sheets import grid
from acetate_engine.training.transparency import (
    alpha_error,
    alpha_metrics,
    augmented,
    half_noisy,
    held_out,
    layer_bytes,
)

_BATCH = 16  # pictures that are decoded at once


class ResidualConfig(RenderedConfig):
    vae: Existing
    transparency: Existing  # folder with the exported offset encoder and transparent decoder
    offset_scale: float = 1.0
    pictures: int = 4000  # to prepare: decoding takes most of the time, and they are turned in eight ways
    translucent_share: float = 0.25  # of them
    channels: int = 64  # of the code
    width: int = 512  # of the hidden layers
    noise: float = 0.1  # on the code, at most; half of the codes stay exact
    alpha_weight: float = 6.0
    soft_weight: float = 3.0  # how much more an error counts where alpha is soft
    code_weight: float = 0.002  # of the code's mean square


class ResidualStage:
    """Trains `residual` on alphas, (N, 2, H, W) bytes: the true one and the decoded one."""

    name = "residual"

    def __init__(self, config: ResidualConfig, data: Path) -> None:
        self.config = config
        self.vae = frozen_vae(config.vae)
        self.transparency = load_transparency(config.transparency, config.offset_scale)
        self.training = torch.cat([*map(self._pair, self._batches(data))])
        self.validation = torch.cat([*map(self._pair, torch.split(held_out(data), _BATCH))])
        torch.manual_seed(config.schedule.seed)
        self.residual = AlphaResidual(self.vae.factor, config.channels, config.width)

    def _batches(self, data: Path) -> Iterator[Tensor]:
        """(N, 4, H, W) straight RGBA."""
        config, rng = self.config, np.random.default_rng(self.config.schedule.seed)
        cutouts = with_rendered(load_training(data, "fg", Licences.read(config.licences)), config.rendered).pixels
        for done in range(0, config.pictures, _BATCH):
            yield augmented(cutouts, min(_BATCH, config.pictures - done), config.translucent_share, rng)

    def _pair(self, rgba: Tensor) -> Tensor:
        latent = self.transparency.encode_rgba(rgba, self.vae, self.vae.factor)
        decoded = self.transparency.decode_layers(latent, self.vae, note=lambda _: None, batch=_BATCH)
        return (torch.cat([rgba[:, 3:], decoded[:, :1]], 1) * 255).round().byte()

    def modules(self) -> dict[str, nn.Module]:
        return {"residual": self.residual}

    def losses(self, step: Step) -> Losses:
        index = step.rng.integers(len(self.training), size=self.config.schedule.batch)
        alpha, decoded = _apart(_turned(self.training[index], step.rng).to(step.device))
        code = self.residual.encode(alpha, decoded)
        restored = self.residual(half_noisy(code, self.config.noise), decoded)
        error = alpha_error(restored, alpha, self.config.soft_weight)
        size = code.square().mean()
        total = self.config.alpha_weight * error + self.config.code_weight * size
        yield "residual", total, {"loss": total, "alpha": error, "code": size}

    @torch.no_grad()
    def evaluate(self) -> tuple[dict[str, float], Image.Image]:
        """Alpha errors on held-out cut-outs (0..1); alphas: true, decoded, corrected."""
        alpha, decoded = _apart(self.validation.to(next(self.residual.parameters()).device))
        corrected = self.residual(self.residual.encode(alpha, decoded), decoded).clamp(0, 1)
        shown = torch.cat([rows[:16] for rows in (alpha, decoded, corrected)]).expand(-1, 3, -1, -1)
        return alpha_metrics(corrected, alpha), grid(layer_bytes(shown), columns=16)

    def export(self, folder: Path) -> None:
        """`residual` as a diffusers folder."""
        self.residual.save_pretrained(folder / "residual")


def _apart(pairs: Tensor) -> tuple[Tensor, Tensor]:
    """Bytes (N, 2, H, W) -> the true and the decoded alpha, (N, 1, H, W) in 0..1."""
    alpha, decoded = (pairs.float() / 255).chunk(2, 1)
    return alpha, decoded


def _turned(pairs: Tensor, rng: np.random.Generator) -> Tensor:
    """Mirrored and turned by chance, all alike."""
    if rng.random() < 0.5:
        pairs = pairs.flip(3)
    return torch.rot90(pairs, int(rng.integers(4)), (2, 3))
