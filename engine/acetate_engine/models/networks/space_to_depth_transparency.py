"""The two networks of latent transparency for CPUs: as `transparency.py`'s in what they do, as `autoencoder.py` inside.

Convolutions at full size and normalisation layers are what a CPU spends its time on; here the finest convolution works
on patches of pixels. The latent's channels hold the inside of a patch, so that a turned latent is not the latent of
the turned picture: decode in one pass.
"""

from __future__ import annotations

import math

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn
from torch.nn import functional as F

from acetate_engine.models.networks.autoencoder import ResidualBlock, conv
from acetate_engine.models.networks.transparency import require_multiple


class SpaceToDepthOffsetEncoder(ModelMixin, ConfigMixin):
    """[alpha, padded RGB] -> the offset that hides transparency in a latent.

    Args:
        latent_channels: channels of the autoencoder's latent.
        stages: how far each stage comes down; their product is the autoencoder's factor.
        widths: channels of each stage.
        blocks: residual blocks of each stage.
    """

    @register_to_config
    def __init__(
        self,
        latent_channels: int = 32,
        stages: tuple[int, ...] = (4, 2, 2),
        widths: tuple[int, ...] = (48, 128, 256),
        blocks: int = 1,
    ) -> None:
        super().__init__()
        self.factor = math.prod(stages)
        self.down = _down(4, stages, widths, blocks)
        self.conv_out = conv(widths[-1], latent_channels, 1, gain=0.0)

    def forward(self, alpha_and_padded_rgb: Tensor) -> Tensor:
        """(B, 4, H, W) in 0..1, sRGB -> (B, latent_channels, H / factor, W / factor), to be scaled by lambda.

        Raises:
            ValueError: a side is not a multiple of the factor.
        """
        require_multiple(alpha_and_padded_rgb, self.factor)
        sample = 2 * alpha_and_padded_rgb - 1
        for stage in self.down:
            sample = stage(sample)
        offset: Tensor = self.conv_out(F.silu(sample))
        return offset


class SpaceToDepthTransparentDecoder(ModelMixin, ConfigMixin):
    """(RGB, latent) -> [alpha, RGB]: a UNet over patches, with the latent added where the sizes meet.

    Args:
        latent_channels: channels of the autoencoder's latent.
        stages: how far each stage comes down; their product is the autoencoder's factor.
        widths: channels of each stage.
        blocks: residual blocks of each stage, down and up.
    """

    orientations = 1  # upright only, see above

    @register_to_config
    def __init__(
        self,
        latent_channels: int = 32,
        stages: tuple[int, ...] = (4, 2, 2),
        widths: tuple[int, ...] = (48, 128, 256),
        blocks: int = 1,
    ) -> None:
        super().__init__()
        self.multiple = math.prod(stages)
        self.down = _down(3, stages, widths, blocks)
        self.skips = nn.ModuleList(conv(width, width, 1, gain=0.0) for width in widths)
        self.latent_conv_in = conv(latent_channels, widths[-1], 3)
        self.up = nn.ModuleList(
            nn.Sequential(
                *(ResidualBlock(width) for _ in range(blocks)),
                conv(width, (widths[i - 1] if i else 4) * stages[i] ** 2, 1 if i else 3, gain=1.0 if i else 0.1),
                nn.PixelShuffle(stages[i]),
            )
            for i, width in reversed(list(enumerate(widths)))
        )

    def forward(self, pixel: Tensor, latent: Tensor) -> Tensor:
        """One pass.

        Args:
            pixel: (B, 3, H, W), 0..1, sRGB: the frozen autoencoder's decoding of `latent`, clipped.
            latent: (B, latent_channels, H / multiple, W / multiple), unscaled.

        Returns:
            (B, 4, H, W): [alpha, straight RGB], not clipped; meaningful in 0..1.

        Raises:
            ValueError: a side of `pixel` is not a multiple of `self.multiple`.
        """
        require_multiple(pixel, self.multiple)
        sample, seen = 2 * pixel - 1, []
        for stage, skip in zip(self.down, self.skips, strict=True):
            sample = stage(sample)
            seen.append(skip(sample))
        sample = self.latent_conv_in(latent)
        for stage in self.up:
            sample = stage(sample + seen.pop())
        return torch.cat([sample[:, :1] + 0.5, sample[:, 1:] + pixel], dim=1)


def _down(channels: int, stages: tuple[int, ...], widths: tuple[int, ...], blocks: int) -> nn.ModuleList:
    levels: list[nn.Module] = []
    for i, (factor, width) in enumerate(zip(stages, widths, strict=True)):
        enter = conv(channels * factor**2, width, 1 if i else 3)
        levels.append(nn.Sequential(nn.PixelUnshuffle(factor), enter, *(ResidualBlock(width) for _ in range(blocks))))
        channels = width
    return nn.ModuleList(levels)
