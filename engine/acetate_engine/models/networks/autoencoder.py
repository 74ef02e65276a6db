"""A small convolutional autoencoder for CPUs: space-to-depth stages, residual blocks, no normalisation.

Normalisation layers lose the flat colours of drawn pictures and cost a pass over memory each; a network this shallow
trains without them as long as every residual branch starts at zero.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.autoencoders.vae import DecoderOutput
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn
from torch.nn import functional as F

from acetate_engine.models.networks.widening import take_weights


def conv(inputs: int, outputs: int, kernel: int, gain: float = 1.0) -> nn.Conv2d:
    """A convolution that multiplies the spread by `gain`: without normalisation nothing else keeps a signal alive."""
    conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)
    nn.init.normal_(conv.weight, std=gain / math.sqrt(inputs * kernel**2))
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
    return conv


class ResidualBlock(nn.Module):
    """x + conv(silu(conv(silu(x)))), shape kept; the second convolution starts at zero, so the block as identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = conv(width, width, 3, gain=1.7)  # SiLU keeps about 1 / 1.7 of the spread
        self.conv2 = conv(width, width, 3, gain=0.0)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(F.silu(self.conv1(F.silu(x))))


def _blocks(width: int, count: int) -> list[nn.Module]:
    return [ResidualBlock(width) for _ in range(count)]


def _encoder(channels: int, stages: list[int], widths: list[int], blocks: int, latent_channels: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for i, (factor, width) in enumerate(zip(stages, widths, strict=True)):
        layers += [
            nn.PixelUnshuffle(factor),
            conv(channels * factor**2, width, 3 if i == 0 else 1),
            *_blocks(width, blocks),
        ]
        channels = width
    return nn.Sequential(*layers, nn.SiLU(), conv(channels, latent_channels, 1, gain=3.0))


def _decoder(channels: int, stages: list[int], widths: list[int], blocks: int, latent_channels: int) -> nn.Sequential:
    layers: list[nn.Module] = [conv(latent_channels, widths[-1], 3)]
    for i in reversed(range(len(stages))):
        out, kernel = (widths[i - 1], 1) if i else (channels, 3)
        layers += [
            *_blocks(widths[i], blocks),
            conv(widths[i], out * stages[i] ** 2, kernel),
            nn.PixelShuffle(stages[i]),
        ]
    return nn.Sequential(*layers)


class FixedGaussian:
    """The latent distribution: the encoder's mean with one fixed standard deviation (the noise used in training)."""

    def __init__(self, mean: Tensor, std: float) -> None:
        self.mean = mean
        self.std = torch.full_like(mean, std)

    def mode(self) -> Tensor:
        return self.mean

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        noise = torch.randn(self.mean.shape, generator=generator, device=self.mean.device, dtype=self.mean.dtype)
        return self.mean + self.std * noise


@dataclass
class EncoderOutput:
    """What `encode` returns; `latent_dist` as in diffusers' AutoencoderKLOutput."""

    latent_dist: FixedGaussian


class SpaceToDepthAutoencoder(ModelMixin, ConfigMixin):
    """RGB (N, 3, H, W), sRGB, -1..1  <->  latent (N, latent_channels, H/factor, W/factor); sides multiples of `factor`.

    The part of AutoencoderKL's interface that pipelines use: `encode(x).latent_dist`, `decode(z).sample`,
    `config.scaling_factor`.
    """

    @register_to_config
    def __init__(
        self,
        in_channels: int = 3,
        latent_channels: int = 32,
        stages: tuple[int, ...] = (4, 2, 2),
        widths: tuple[int, ...] = (64, 128, 192),
        encoder_blocks: int = 1,
        decoder_blocks: int = 2,
        latent_std: float = 0.1,
        scaling_factor: float = 1.0,
    ) -> None:
        super().__init__()
        if len(stages) != len(widths):
            raise ValueError(f"one width per stage is needed: stages {stages}, widths {widths}")
        self.encoder = _encoder(in_channels, list(stages), list(widths), encoder_blocks, latent_channels)
        self.decoder = _decoder(in_channels, list(stages), list(widths), decoder_blocks, latent_channels)
        self.factor = math.prod(stages)
        self.latent_std = latent_std

    def encode(self, x: Tensor) -> EncoderOutput:
        """(N, 3, H, W) in -1..1 -> the distribution of unscaled latents."""
        return EncoderOutput(FixedGaussian(self.encoder(x), self.latent_std))

    def decode(self, z: Tensor) -> DecoderOutput:
        """Unscaled latents -> `sample` (N, 3, H, W), about -1..1, not clipped."""
        return DecoderOutput(sample=self.decoder(z))

    def widened(self, latent_channels: int, latent_std: float) -> SpaceToDepthAutoencoder:
        """A copy with more latent channels that decodes as this one does: it ignores the new ones until it is trained.

        Raises:
            ValueError: there would be fewer channels.
        """
        mine = self.config.latent_channels
        if latent_channels < mine:
            raise ValueError(f"a latent of {mine} channels cannot be narrowed to {latent_channels}")
        wider = type(self)(**{**self.config, "latent_channels": latent_channels, "latent_std": latent_std})
        take_weights(wider, self)
        return wider

    @torch.no_grad()
    def whiten(self, mean: Tensor, std: Tensor) -> None:
        """Fold (z - mean) / std per channel into the encoder's last and the decoder's first convolution.

        The round trip stays the same (but for padding at the border); a diffusion model sees channels of equal spread.
        """
        last, first = self.encoder[-1], self.decoder[0]
        assert isinstance(last, nn.Conv2d) and isinstance(first, nn.Conv2d)
        assert last.bias is not None and first.bias is not None
        last.weight.div_(std[:, None, None, None])
        last.bias.sub_(mean).div_(std)
        first.bias.add_((first.weight * mean[None, :, None, None]).sum((1, 2, 3)))
        first.weight.mul_(std[None, :, None, None])
