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
from acetate_engine.pipelines.stages.denoise import Denoising
from acetate_engine.pipelines.stages.guidance import Predictor
from acetate_engine.pipelines.stages.settings import RunSettings
from acetate_engine.training.datasets import Bytes

_BATCH = 16


@dataclass(frozen=True)
class _Made:
    """(N, c, h, w) unscaled, and where colour is made apart as many again."""

    latent: Tensor
    colour: Tensor | None = None

    def of(self, row: int) -> Tensor:
        """As `decode_transparent` takes it."""
        own = self.latent[row : row + 1]
        return own if self.colour is None else torch.cat([own, self.colour[row : row + 1]])


Advance = Callable[[int], None]
"""Told how many samples are done."""


@dataclass(frozen=True)
class Sampler:
    """Samples of `components` at their own size; both kinds start from the same noise for the same seed."""

    components: Components
    settings: RunSettings
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
        made = self._denoised([prompt, behind, prompt], seed, "joint")
        self.advance(1)
        return self._layer(made.of(0)), self._picture(made.of(1)[:1]), self._picture(made.of(2)[:1])

    def _sampled(
        self, prompts: Sequence[str], seed: int, layer: str | None, decode: Callable[[Tensor], Bytes]
    ) -> Bytes:
        pictures = []
        for i in range(0, len(prompts), _BATCH):
            made = self._denoised(list(prompts[i : i + _BATCH]), seed + i, layer)
            pictures += [decode(made.of(k)) for k in range(len(made.latent))]
            self.advance(len(made.latent))
        return np.stack(pictures)

    @torch.no_grad()
    def _denoised(self, prompts: list[str], seed: int, layer: str | None) -> _Made:
        """As the pipelines do it, all prompts at once."""
        components, extent, settings = self.components, Extent(self.side, self.side), self.settings
        positive = components.encode_text(prompts, 0, extent)
        negative = components.encode_text([""] * len(prompts), 0, extent)
        predict = Predictor(components.denoiser, positive, negative, settings.guidance_scale)
        side = self.side // components.vae_scale_factor
        shape = (1, components.latent_channels, side, side)
        generators = [torch.Generator().manual_seed(seed + k) for k in range(len(prompts))]
        noise = torch.cat([seeded_noise(generator, shape, components.device) for generator in generators])
        begin = settings.steps if layer is None else round(settings.steps * components.colour_from)
        whole = self._denoising(predict, noise, settings.steps)
        if first := components.steps_without(layer, settings.steps):
            components.use_layer_adapter(None)
            whole.run(first)
        components.use_layer_adapter(layer)
        whole.run(begin)
        half = whole.sample_of(list(range(len(prompts))))
        whole.run(settings.steps)
        latent = whole.result() / components.scaling_factor
        if begin == settings.steps:
            return _Made(latent)
        components.use_layer_adapter(None)
        colour = self._denoising(predict, half, settings.steps - begin)
        colour.run(settings.steps - begin)
        return _Made(latent, colour.result() / components.scaling_factor)

    def _denoising(self, predict: Predictor, sample: Tensor, last: int) -> Denoising:
        """Of the last steps of a run; all of them begin with pure noise."""
        parts, settings, steps = self.components, self.settings, self.settings.steps
        timesteps = make_timesteps(parts.scheduler, settings.scheduler, steps, last / steps, parts.device)
        return Denoising(
            lambda sample, time, step: predict(sample, time, (steps - last + step) / steps),
            timesteps,
            first_latent(timesteps, None, sample, 1.0) if last == steps else sample,
            torch.Generator().manual_seed(0),  # of schedulers that draw noise: presets have none
            lambda step, clean: None,
        )

    def _layer(self, latent: Tensor) -> Bytes:
        rgba = decode_transparent(latent, self.components, self.settings.decoder_passes, lambda note: None)
        return (rgba * 255 + 0.5).astype(np.uint8)

    def _picture(self, latent: Tensor) -> Bytes:
        rgb = decode_rgb(latent, self.components.vae, note=lambda note: None)[0].permute(1, 2, 0).numpy()
        return (rgb * 255 + 0.5).astype(np.uint8)
