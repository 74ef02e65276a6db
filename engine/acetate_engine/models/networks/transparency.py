"""Latent transparency: the offset encoder and the transparent decoder.

The networks of "Transparent Image Layer Diffusion using Latent Transparency" (arXiv 2402.17113), in the
shapes and with the parameter names of the released weights. What runs them on pictures of any size is in
`latent_transparency.py`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from diffusers.models.unets.unet_2d_blocks import UNetMidBlock2D, get_down_block, get_up_block
from torch import Tensor, nn

RELEASED_ENCODER_WIDTHS = (32, 64, 128, 256)
RELEASED_DECODER_WIDTHS = (32, 32, 64, 128, 256, 512, 512)


class OffsetEncoder(ModelMixin, ConfigMixin):
    """[alpha, padded RGB] -> the offset that hides transparency in a latent.

    Args:
        latent_channels: channels of the VAE's latent.
        widths: channels at full size and after each halving, so the VAE's factor is 2 ** (len(widths) - 1).
    """

    @register_to_config
    def __init__(self, latent_channels: int = 4, widths: Sequence[int] = RELEASED_ENCODER_WIDTHS) -> None:
        super().__init__()
        self.factor = 2 ** (len(widths) - 1)
        layers: list[nn.Module] = []
        previous = 4
        for level, width in enumerate(widths):
            layers += [nn.Conv2d(previous, width, 3, padding=1, stride=2 if level else 1), nn.SiLU()]
            layers += [nn.Conv2d(width, width, 3, padding=1), nn.SiLU()]
            previous = width
        self.blocks = nn.Sequential(*layers, _zeroed(nn.Conv2d(previous, latent_channels, 3, padding=1)))

    def forward(self, alpha_and_padded_rgb: Tensor) -> Tensor:
        """(B, 4, H, W) in 0..1, sRGB -> (B, latent_channels, H / factor, W / factor), to be scaled by lambda.

        Raises:
            ValueError: a side is not a multiple of the factor.
        """
        require_multiple(alpha_and_padded_rgb, self.factor)
        offset: Tensor = self.blocks(alpha_and_padded_rgb)
        return offset


class TransparentDecoder(ModelMixin, ConfigMixin):
    """(RGB, latent) -> [alpha, RGB], a UNet over pixels ("UNet1024" in the released files).

    Args:
        latent_channels: channels of the VAE's latent.
        widths: channels of each down block; all but the last halve the picture.
        layers_per_block: residual blocks of a down block (an up block has one more).
        vae_factor: pixels a latent pixel; the latent is added after the down block that has come down to its size.
        attention_levels: how many of the deepest levels, and the middle, have self-attention; 0 for none.
        norm_num_groups: groups of every group norm; must divide every width.
        residual: add the result's colour to the VAE's picture; a small network need not carry colour through its norms.

    Raises:
        ValueError: the widths are too few to come down to the latent's size.
    """

    orientations = 8  # a turned latent is nearly the latent of the turned picture: passes may be turned

    @register_to_config
    def __init__(
        self,
        latent_channels: int = 4,
        widths: Sequence[int] = RELEASED_DECODER_WIDTHS,
        layers_per_block: int = 2,
        vae_factor: int = 8,
        attention_levels: int = 3,
        norm_num_groups: int = 4,
        residual: bool = False,
    ) -> None:
        super().__init__()
        self.join = _join_level(vae_factor, len(widths))
        self.multiple = 2 ** (len(widths) - 1)
        self.skips_per_block = layers_per_block + 1
        self.residual = residual
        self.conv_in = nn.Conv2d(3, widths[0], 3, padding=1)
        self.latent_conv_in = _zeroed(nn.Conv2d(latent_channels, widths[self.join - 1], 1))
        self.down_blocks = _down_blocks(widths, layers_per_block, attention_levels, norm_num_groups)
        self.mid_block = UNetMidBlock2D(
            in_channels=widths[-1],
            temb_channels=None,
            resnet_groups=norm_num_groups,
            attention_head_dim=8,
            resnet_eps=1e-5,
            resnet_act_fn="silu",
            add_attention=attention_levels > 0,
        )
        self.up_blocks = _up_blocks(widths, layers_per_block + 1, attention_levels, norm_num_groups)
        self.conv_norm_out = nn.GroupNorm(norm_num_groups, widths[0], eps=1e-5)
        self.conv_act = nn.SiLU()
        self.conv_out = nn.Conv2d(widths[0], 4, 3, padding=1)

    def forward(self, pixel: Tensor, latent: Tensor) -> Tensor:
        """One pass.

        Args:
            pixel: (B, 3, H, W), 0..1, sRGB: the frozen VAE's decoding of `latent`, clipped.
            latent: (B, latent_channels, H / vae_factor, W / vae_factor), unscaled.

        Returns:
            (B, 4, H, W): [alpha, straight RGB], not clipped; meaningful in 0..1.

        Raises:
            ValueError: a side of `pixel` is not a multiple of `self.multiple` (64 for the released weights).
        """
        require_multiple(pixel, self.multiple)
        sample = self.conv_in(pixel)
        skips: tuple[Tensor, ...] = (sample,)
        for level, block in enumerate(self.down_blocks):
            if level == self.join:
                sample = sample + self.latent_conv_in(latent)
            sample, outputs = block(hidden_states=sample, temb=None)
            skips += outputs
        sample = self.mid_block(sample, None)
        for block in self.up_blocks:
            joined, skips = skips[-self.skips_per_block :], skips[: -self.skips_per_block]
            sample = block(hidden_states=sample, res_hidden_states_tuple=joined, temb=None)
        result: Tensor = self.conv_out(self.conv_act(self.conv_norm_out(sample)))
        if self.residual:
            return torch.cat([result[:, :1], result[:, 1:] + pixel], dim=1)
        return result


def _join_level(vae_factor: int, levels: int) -> int:
    join = int(math.log2(vae_factor))
    if 2**join != vae_factor or not 1 <= join < levels:
        raise ValueError(
            f"a decoder of {levels} widths comes down by at most {2 ** (levels - 1)}; "
            f"a latent of 1/{vae_factor} needs a power of two and at least {join + 1} widths"
        )
    return join


def _down_blocks(widths: Sequence[int], layers: int, attention_levels: int, groups: int) -> nn.ModuleList:
    last = len(widths) - 1
    return nn.ModuleList(
        get_down_block(
            "AttnDownBlock2D" if last - level < attention_levels else "DownBlock2D",
            num_layers=layers,
            in_channels=widths[max(level - 1, 0)],
            out_channels=width,
            temb_channels=None,
            add_downsample=level < last,
            resnet_eps=1e-5,
            resnet_act_fn="silu",
            resnet_groups=groups,
            attention_head_dim=8,
            downsample_padding=1,
            downsample_type="conv" if level < last else None,
        )
        for level, width in enumerate(widths)
    )


def _up_blocks(widths: Sequence[int], layers: int, attention_levels: int, groups: int) -> nn.ModuleList:
    upward = list(reversed(widths))
    last = len(widths) - 1
    return nn.ModuleList(
        get_up_block(
            "AttnUpBlock2D" if level < attention_levels else "UpBlock2D",
            num_layers=layers,
            in_channels=upward[min(level + 1, last)],
            out_channels=width,
            prev_output_channel=upward[max(level - 1, 0)],
            temb_channels=None,
            add_upsample=level < last,
            resnet_eps=1e-5,
            resnet_act_fn="silu",
            resnet_groups=groups,
            attention_head_dim=8,
            upsample_type="conv" if level < last else None,
        )
        for level, width in enumerate(upward)
    )


def require_multiple(x: Tensor, multiple: int) -> None:
    """Of the sides of a batch x channels x height x width. Raises ValueError."""
    height, width = x.shape[2:]
    if height % multiple or width % multiple:
        raise ValueError(f"both sides must be multiples of {multiple}, got {height} x {width}")


def _zeroed(module: nn.Conv2d) -> nn.Conv2d:
    """A convolution that starts as zero, so that training starts from the plain picture."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.zero_()
    return module
