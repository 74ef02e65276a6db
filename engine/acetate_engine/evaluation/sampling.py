"""Many samples of one model: prompts in batches through one scheduler loop, with and without transparency weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from acetate.protocol.geometry import Extent
from acetate_engine.models.families.components import Components
from acetate_engine.models.networks.latent_transparency import decode_rgb
from acetate_engine.pipelines.stages.before_denoise import first_latent, make_timesteps, seeded_noise
from acetate_engine.pipelines.stages.decoders import decode_transparent
from acetate_engine.pipelines.stages.denoise import Denoising, Predictor
from acetate_engine.pipelines.stages.settings import Settings
from acetate_engine.training.datasets import Bytes

_BATCH = 16

Advance = Callable[[int], None]
"""Told how many samples are done."""


@dataclass(frozen=True)
class Sampler:
    """Samples of `components` at their own size; both kinds start from the same noise for the same seed."""

    components: Components
    settings: Settings
    side: int  # pixels
    advance: Advance

    def native(self, prompts: Sequence[str], seed: int = 0) -> Bytes:
        """Transparent layers as the pipelines make them: (N, side, side, 4) straight RGBA."""
        return self._sampled(prompts, seed, "transparent", self._layer)

    def opaque(self, prompts: Sequence[str], seed: int = 0) -> Bytes:
        """What the same UNet paints without transparency weights: (N, side, side, 3)."""
        return self._sampled(prompts, seed, None, self._picture)

    def joint(self, prompt: str, behind: str, seed: int) -> tuple[Bytes, Bytes, Bytes]:
        """Foreground (side, side, 4), background and blended picture (side, side, 3) of one run of three frames."""
        self.components.use_layer("joint")
        latent = self._denoised([prompt, behind, prompt], seed) / self.components.scaling_factor
        front, back, both = latent.chunk(3)
        self.advance(1)
        return self._layer(front), self._picture(back), self._picture(both)

    def _sampled(
        self, prompts: Sequence[str], seed: int, layer: str | None, decode: Callable[[Tensor], Bytes]
    ) -> Bytes:
        self.components.use_layer(layer)
        pictures = []
        for i in range(0, len(prompts), _BATCH):
            latents = self._denoised(list(prompts[i : i + _BATCH]), seed + i) / self.components.scaling_factor
            pictures += [decode(latents[k : k + 1]) for k in range(len(latents))]
            self.advance(len(latents))
        return np.stack(pictures)

    @torch.no_grad()
    def _denoised(self, prompts: list[str], seed: int) -> Tensor:
        components, extent = self.components, Extent(self.side, self.side)
        positive = components.encode_text(prompts, 0, extent)
        negative = components.encode_text([""] * len(prompts), 0, extent)
        predict = Predictor(components.denoiser, positive, negative, self.settings.guidance_scale)
        kind, steps = self.settings.scheduler, self.settings.steps
        timesteps = make_timesteps(components.scheduler, kind, steps, 1.0, components.device)
        side = self.side // components.factor
        shape = (1, components.latent_channels, side, side)
        generators = [torch.Generator().manual_seed(seed + k) for k in range(len(prompts))]
        latent = torch.cat([seeded_noise(generator, shape, components.device) for generator in generators])
        denoising = Denoising(
            lambda sample, time, step: predict(sample, time, step / steps),
            timesteps,
            first_latent(timesteps, None, latent, 1.0),
            generators[0],
            lambda step, clean: None,
        )
        denoising.run(timesteps.count)
        return denoising.result()

    def _layer(self, latent: Tensor) -> Bytes:
        rgba = decode_transparent(latent, self.components, self.settings.decoder_passes, lambda note: None)
        return (rgba * 255 + 0.5).astype(np.uint8)

    def _picture(self, latent: Tensor) -> Bytes:
        rgb = decode_rgb(latent, self.components.vae, note=lambda note: None)[0].permute(1, 2, 0).numpy()
        return (rgb * 255 + 0.5).astype(np.uint8)
