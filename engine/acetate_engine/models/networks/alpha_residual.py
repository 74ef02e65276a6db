"""What the transparent decoder misses of a layer's alpha, as a small code beside the latent.

A latent holds alpha as well as a diffusion model can paint it. A layer that exists already has an alpha of its own,
hair by hair; what decoding would lose of that is coded here, patch by patch, as residual coders do. It is what cannot
be guessed from the latent, so no diffusion model makes it: layers that are made from noise go without.
"""

from __future__ import annotations

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn
from torch.nn import functional as F

from acetate_engine.models.networks.autoencoder import conv
from acetate_engine.models.networks.transparency import require_multiple


class AlphaResidual(ModelMixin, ConfigMixin):
    """Each latent pixel by itself: the patch of alpha and what was decoded of it <-> `channels` numbers.

    Args:
        factor: pixels a latent pixel.
        channels: of the code.
        width: of the hidden layers.
    """

    @register_to_config
    def __init__(self, factor: int = 16, channels: int = 64, width: int = 512) -> None:
        super().__init__()
        self.factor = factor
        patch = factor**2
        self.encoder = Projection(2 * patch, width, channels)
        self.encoder_linear = conv(patch, channels, 1)
        self.decoder = Projection(channels + patch, width, patch)
        self.decoder_linear = conv(channels, patch, 1, gain=0.1)

    def encode(self, alpha: Tensor, decoded: Tensor) -> Tensor:
        """Both (B, 1, H, W) in 0..1, the true one and the decoded one -> the code (B, channels, h, w).

        Raises:
            ValueError: a side is not a multiple of the factor.
        """
        require_multiple(alpha, self.factor)
        true, known = F.pixel_unshuffle(alpha, self.factor), F.pixel_unshuffle(decoded, self.factor)
        seen = torch.cat([4 * true - 2, 4 * known - 2], 1)
        code: Tensor = self.encoder(seen) + self.encoder_linear(4 * (true - known))
        return code

    def forward(self, code: Tensor, decoded: Tensor) -> Tensor:
        """(B, channels, h, w) and the decoded alpha (B, 1, H, W) -> alpha, not clipped; zeros change nothing.

        Raises:
            ValueError: a side is not a multiple of the factor.
        """
        require_multiple(decoded, self.factor)
        known = 4 * F.pixel_unshuffle(decoded, self.factor) - 2
        said, unsaid = (self.decoder(torch.cat([part, known], 1)) for part in (code, torch.zeros_like(code)))
        return decoded + F.pixel_shuffle(said - unsaid + self.decoder_linear(code), self.factor)


class Projection(nn.Module):
    """(B, inputs, h, w) -> (B, outputs, h, w): 1 x 1 convolutions with residual hidden layers."""

    def __init__(self, inputs: int, width: int, outputs: int) -> None:
        super().__init__()
        self.enter = conv(inputs, width, 1, gain=1.7)
        self.hidden = nn.ModuleList(conv(width, width, 1, gain=1.7) for _ in range(2))
        self.leave = conv(width, outputs, 1, gain=0.1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.silu(self.enter(x))
        for layer in self.hidden:
            x = x + F.silu(layer(x))
        left: Tensor = self.leave(x)
        return left
