"""Stage `transparency`: offset encoder and transparent decoder around the frozen autoencoder (arXiv 2402.17113).

Reconstruction (L1 of alpha, L1 and L2 of colour), identity (the frozen decoder must show the same picture from an
adjusted latent as from a plain one) and a patch critic that starts late. The offset is dropped for a share of the
pictures, so that the decoder serves plain latents too.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from acetate_engine.compositing.alpha import to_eight, to_float
from acetate_engine.compositing.pixels import Floats
from acetate_engine.evaluation.alpha import SOFT, psnr
from acetate_engine.models.networks.autoencoder import SpaceToDepthAutoencoder
from acetate_engine.models.networks.latent_transparency import adjusted_latent, plain_latent
from acetate_engine.models.networks.padding import pad_rgb
from acetate_engine.models.networks.space_to_depth_transparency import (
    SpaceToDepthOffsetEncoder,
    SpaceToDepthTransparentDecoder,
)
from acetate_engine.models.networks.widening import take_weights
from acetate_engine.training.compose import flip, place, to_nchw
from acetate_engine.training.config import Existing
from acetate_engine.training.datasets import Bytes, load_pictures, load_training
from acetate_engine.training.licences import Licences
from acetate_engine.training.loop import Losses, Step
from acetate_engine.training.rendered import RenderedConfig, with_rendered
from acetate_engine.training.sheets import checkerboard, grid
from acetate_engine.training.translucent.effects import translucent


class TransparencyConfig(RenderedConfig):
    vae: Existing
    start: Existing | None = None  # exported networks to begin with; `widths` may make them wider
    widths: tuple[int, ...] | None = None  # channels of each stage; the autoencoder's if None
    freeze_encoder: bool = False  # a second run that improves the decoder for latents that are already in use
    offset_scale: float = 1.0  # the paper's lambda (100 there, at a learning rate of 1e-5)
    translucent_share: float = 0.25  # pictures that get a synthetic effect
    offset_dropout: float = 0.1
    latent_noise: float = 0.2  # at most: a diffusion model's latents are not exact
    alpha_weight: float = 3.0
    soft_weight: float = 2.0  # how much more an error of alpha counts where alpha is soft, for few pixels are
    composite_weight: float = 5.0  # of squared errors over a random colour
    identity_weight: float = 3.0
    critic_weight: float = 0.01
    critic_start: int = 1000  # step


class Networks(nn.Module):
    """Both networks, with the autoencoder's stages, trained by one optimiser."""

    def __init__(self, vae: SpaceToDepthAutoencoder, widths: tuple[int, ...] | None = None) -> None:
        super().__init__()
        config = vae.config
        shape = (config.latent_channels, tuple(config.stages), widths or tuple(config.widths))
        self.encoder = SpaceToDepthOffsetEncoder(*shape, config.encoder_blocks)
        self.decoder = SpaceToDepthTransparentDecoder(*shape, config.decoder_blocks)

    def start_from_networks(self, folder: Path) -> None:
        """Those of an export, of these widths or narrower: they compute the same until they are trained."""
        take_weights(self.encoder, SpaceToDepthOffsetEncoder.from_pretrained(folder / "encoder"))
        take_weights(self.decoder, SpaceToDepthTransparentDecoder.from_pretrained(folder / "decoder"))

    @torch.no_grad()
    def start_from_features(self, vae: SpaceToDepthAutoencoder) -> None:
        """The autoencoder's, for they look at the same things: the offset is zero, colour the autoencoder's picture."""
        first, *others = _convolutions(vae.encoder)[:-1]
        ours_first, *ours = _convolutions(self.encoder.down)
        # alpha's channels come before colour's
        ours_first.weight[: first.out_channels, -first.in_channels :].copy_(first.weight)
        theirs_in, *theirs = _convolutions(vae.decoder)
        ours += [self.decoder.latent_conv_in, *_convolutions(self.decoder.up)[:-1]]
        for mine, other in zip(ours, [*others, theirs_in, *theirs[:-1]], strict=True):
            take_weights(mine, other)


def _convolutions(module: nn.Module) -> list[nn.Conv2d]:
    return [layer for layer in module.modules() if isinstance(layer, nn.Conv2d)]


class PatchCritic(nn.Module):
    """Judges overlapping patches of [alpha, rgb] (N, 4, H, W): positive for real."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in ((4, width), (width, width * 2), (width * 2, width * 4)):
            layers += [nn.Conv2d(inputs, outputs, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(width * 4, 1, 4, padding=1))

    def forward(self, layer: Tensor) -> Tensor:
        judged: Tensor = self.layers(layer)
        return judged


@dataclass(frozen=True)
class Decoded:
    """One round trip; all (N, C, H, W) in 0..1 but `latent`."""

    layer: Tensor  # [alpha, rgb] as decoded
    target: Tensor  # [alpha, padded rgb]
    adjusted: Tensor  # the frozen decoder's picture of the adjusted latent
    plain: Tensor  # and of the plain one


class TransparencyStage:
    name = "transparency"

    def __init__(self, config: TransparencyConfig, data: Path) -> None:
        self.config = config
        self.foregrounds = with_rendered(load_training(data, "fg", Licences.read(config.licences)), config.rendered)
        self.validation = held_out(data)
        self.vae = SpaceToDepthAutoencoder.from_pretrained(config.vae).eval().requires_grad_(False)
        self.vae.to(memory_format=torch.channels_last)
        torch.manual_seed(config.schedule.seed)
        self.networks = Networks(self.vae, config.widths)
        if config.start:
            self.networks.start_from_networks(config.start)
        else:
            self.networks.start_from_features(self.vae)
        self.networks.encoder.requires_grad_(not config.freeze_encoder)
        self.networks.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing from the stub
        self.critic = PatchCritic()

    def modules(self) -> dict[str, nn.Module]:
        return {"networks": self.networks, "critic": self.critic}

    @property
    def _weights(self) -> dict[str, float]:
        config = self.config
        return {
            "alpha": config.alpha_weight,
            "colour": 1.0,
            "composite": config.composite_weight,
            "identity": config.identity_weight,
        }

    def losses(self, step: Step) -> Losses:
        self.vae.to(step.device)
        result = self._round_trip(self._batch(step.rng, step.device), train=True)
        parts = self._parts(result)
        total = torch.stack([self._weights[name] * part for name, part in parts.items()]).sum()
        judged = step.index >= self.config.critic_start
        if judged:
            total = total - self.config.critic_weight * self.critic(result.layer).mean()
        yield "networks", total, {"loss": total, **parts}
        if judged:
            critic = self._critic_loss(result)
            yield "critic", critic, {"critic": critic}

    def _batch(self, rng: np.random.Generator, device: torch.device) -> Tensor:
        """(N, 4, H, W) straight RGBA."""
        pictures = augmented(self.foregrounds.pixels, self.config.schedule.batch, self.config.translucent_share, rng)
        return pictures.to(device, memory_format=torch.channels_last)

    def _round_trip(self, rgba: Tensor, train: bool) -> Decoded:
        padded = pad_rgb(rgba)
        distribution = plain_latent(rgba, self.vae)
        plain = distribution.mean
        latent = adjusted_latent(distribution, rgba[:, 3:], padded, self.networks.encoder, self.config.offset_scale)
        if train:
            kept = torch.rand((len(rgba), 1, 1, 1), device=rgba.device) >= self.config.offset_dropout
            latent = torch.where(kept, latent, plain)
        with torch.no_grad():
            target = self._picture_of(plain)
        if train:  # noise on what the decoder is given twice, as latent and as picture: so it is with generated latents
            latent = half_noisy(latent, self.config.latent_noise)
        adjusted = self._picture_of(latent)
        layer = self.networks.decoder(adjusted.clamp(0, 1), latent)
        return Decoded(layer, torch.cat([rgba[:, 3:], padded], 1), adjusted, target)

    def _picture_of(self, latent: Tensor) -> Tensor:
        return self.vae.decode(latent).sample / 2 + 0.5

    def _parts(self, result: Decoded) -> dict[str, Tensor]:
        """Colour counts fully where it shows, and a little elsewhere, for edges are resampled later."""
        alpha, target = result.layer[:, :1], result.target[:, :1]
        difference = (result.layer[:, 1:] - result.target[:, 1:]) * (0.1 + 0.9 * target)
        colour = torch.rand((len(alpha), 3, 1, 1), device=alpha.device)
        return {
            "alpha": alpha_error(alpha, target, self.config.soft_weight),
            "colour": difference.abs().mean() + difference.square().mean(),
            "composite": F.mse_loss(over_colour(result.layer, colour), over_colour(result.target, colour)),
            # squared only: an L1 would pin the offset to its start at zero
            "identity": F.mse_loss(result.adjusted, result.plain) * 4,
        }

    def _critic_loss(self, result: Decoded) -> Tensor:
        """Hinge loss."""
        real, made = self.critic(result.target), self.critic(result.layer.detach())
        return F.relu(1 - real).mean() + F.relu(1 + made).mean()

    @torch.no_grad()
    def evaluate(self) -> tuple[dict[str, float], Image.Image]:
        """On held-out cut-outs: alpha errors (0..1), PSNR over grey and of identity (dB); originals above copies."""
        rgba = self.validation.to(next(self.networks.parameters()).device)
        parts = [self._round_trip(rgba[i : i + 16], train=False) for i in range(0, len(rgba), 16)]
        layer = torch.cat([part.layer for part in parts]).clamp(0, 1)
        adjusted, plain = (torch.cat(x).clamp(0, 1) for x in zip(*((p.adjusted, p.plain) for p in parts), strict=True))
        original = torch.cat([rgba[:, 3:], rgba[:, :3]], 1)
        metrics = {
            **alpha_metrics(layer[:, :1], rgba[:, 3:]),
            "composite_psnr": mean_psnr(over_colour(layer), over_colour(original)),
            "identity_psnr": mean_psnr(adjusted, plain),
        }
        shown = torch.cat([rgba[:16], torch.cat([layer[:16, 1:], layer[:16, :1]], 1)])
        return metrics, grid(checkerboard(layer_bytes(shown)), columns=16)

    def export(self, folder: Path) -> None:
        """`encoder` and `decoder` as diffusers folders."""
        self.networks.encoder.save_pretrained(folder / "encoder")
        self.networks.decoder.save_pretrained(folder / "decoder")


def held_out(data: Path, count: int = 64) -> Tensor:
    """At most `count` cut-outs of `val`, evenly chosen: (N, 4, H, W) straight RGBA."""
    pixels = load_pictures(data, "fg", "val").pixels
    chosen = np.linspace(0, len(pixels) - 1, min(count, len(pixels))).astype(int)
    return torch.from_numpy(to_nchw(to_float(pixels[chosen])))


def augmented(cutouts: Bytes, count: int, translucent_share: float, rng: np.random.Generator) -> Tensor:
    """`count` of `cutouts` (N, H, W, 4), mirrored, moved or made translucent by chance: (count, 4, H, W) RGBA."""

    def picture() -> Floats:
        cutout = flip(cutouts[rng.integers(len(cutouts))], rng)
        if rng.random() < 0.5:
            cutout = place(cutout, rng.uniform(0.6, 1.15), rng.uniform(-0.15, 0.15), rng.uniform(-0.15, 0.15))
        rgba = to_float(cutout)
        return translucent(rgba, rng) if rng.random() < translucent_share else rgba

    return torch.from_numpy(to_nchw(np.stack([picture() for _ in range(count)])))


def half_noisy(latent: Tensor, most: float) -> Tensor:
    """Half of them (N, C, h, w) exact, as of layers that are encoded, the others with noise of up to `most`."""
    share = 2 * torch.rand((len(latent), 1, 1, 1), device=latent.device) - 1
    return latent + most * share.clamp_min(0) * torch.randn_like(latent)


def alpha_metrics(made: Tensor, true: Tensor) -> dict[str, float]:
    """Mean absolute errors of alphas (N, 1, H, W) in 0..1: of all pixels, and where the true one is soft."""
    error, soft = (made - true).abs(), is_soft(true)
    return {"alpha_mae": error.mean().item(), "soft_alpha_mae": error[soft].mean().item()}


def alpha_error(alpha: Tensor, target: Tensor, soft_weight: float) -> Tensor:
    """Mean absolute error; what lies beyond 0 and 1 hardly counts, for there alpha is clipped.

    Args:
        soft_weight: how much more an error counts where alpha is soft.
    """
    clipped = alpha.clamp(0, 1)
    leaking = clipped + 0.02 * (alpha - clipped)
    weight = 1 + soft_weight * is_soft(target)
    return ((leaking - target).abs() * weight).mean()


def is_soft(alpha: Tensor) -> Tensor:
    """Of true alphas in 0..1: neither empty nor opaque, as soft alpha is measured."""
    return (alpha > SOFT[0]) & (alpha < SOFT[1])


def over_colour(layer: Tensor, colour: Tensor | float = 0.5) -> Tensor:
    """[alpha, rgb] over one colour, mid-grey by default."""
    return layer[:, 1:] * layer[:, :1] + colour * (1 - layer[:, :1])


def mean_psnr(a: Tensor, b: Tensor) -> float:
    """Of (N, ...) in 0..1, in dB."""
    return float(psnr(a.float().cpu().numpy(), b.float().cpu().numpy()).mean())


def layer_bytes(rgba: Tensor) -> np.ndarray:
    """(N, 4, H, W) RGBA in 0..1 -> uint8 (N, H, W, 4)."""
    return to_eight(rgba.permute(0, 2, 3, 1).float().cpu().numpy())
