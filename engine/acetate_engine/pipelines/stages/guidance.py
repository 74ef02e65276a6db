"""What a denoiser predicts, guided by the prompt."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from acetate_engine.models.families.components import Denoiser, Text
from acetate_engine.pipelines.stages.control import Control, residuals


class Predictor:
    """Noise (or velocity) of a sample, with classifier-free guidance.

    Args:
        denoiser: with or without a layer adapter in it.
        positive: one row a frame.
        negative: the same shape, or None for no guidance.
        guidance_scale: 1 is no guidance.
        condition_latents: (frames, c, h, w) concatenated to the sample's channels, or None.
        controls: hints to follow.
        rescale: share of the guided prediction's spread that is brought back (arXiv 2305.08891, equation 15-16).
    """

    def __init__(
        self,
        denoiser: Denoiser,
        positive: Text,
        negative: Text | None,
        guidance_scale: float,
        condition_latents: Tensor | None = None,
        controls: Sequence[Control] = (),
        rescale: float = 0.0,
    ) -> None:
        self._denoiser = denoiser
        self._rescale = rescale
        self._dtype = denoiser.dtype  # asking a module walks through all of its parts: not at every step
        self._guidance_scale = guidance_scale
        self._copies = 1 if negative is None else 2
        self._arguments = (positive if negative is None else negative.then(positive)).unet_arguments()
        self._controls = controls
        self._condition_latents = (
            None if condition_latents is None else condition_latents.repeat(self._copies, 1, 1, 1).to(self._dtype)
        )

    def __call__(self, sample: Tensor, timestep: Tensor, share: float) -> Tensor:
        """(frames, c, h, w), and the share of the steps that is done → the same shape, float32."""
        batch = sample.repeat(self._copies, 1, 1, 1).to(self._dtype)
        acting = [control for control in self._controls if control.acts(share)]
        extra = residuals(acting, batch, timestep, self._arguments)
        if self._condition_latents is not None:
            batch = torch.cat([batch, self._condition_latents], dim=1)
        output: Tensor = self._denoiser(batch, timestep, **self._arguments, **extra).sample.float()
        if self._copies == 1:
            return output
        unguided, guided = output.chunk(2)
        strong = unguided + self._guidance_scale * (guided - unguided)
        return strong if self._rescale == 0 else _less_spread(strong, guided, self._rescale)


def _less_spread(strong: Tensor, guided: Tensor, share: float) -> Tensor:
    """A guided prediction with part of its spread, each frame's, brought back to that of the prompt alone."""
    axes = (1, 2, 3)
    calm = strong * (guided.std(axes, keepdim=True) / strong.std(axes, keepdim=True))
    return share * calm + (1 - share) * strong
