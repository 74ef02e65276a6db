"""A family file: a tiny transformer of diffusers, which is no UNet and denoises the layers of a picture together."""

from __future__ import annotations

import zlib
from types import SimpleNamespace
from typing import Any

import torch
from diffusers import DDPMScheduler, PixArtTransformer2DModel
from torch import Tensor

from acetate.protocol.events import ModelInfo
from acetate.protocol.geometry import Extent
from acetate.protocol.tasks import Task
from acetate_engine.models.families.base import Model, WorkingSize
from acetate_engine.models.families.components import Components, Text
from acetate_engine.models.networks.latent_transparency import LatentTransparency
from acetate_engine.verification.tiny import networks
from tests.engine.new_family.method import FRAMES, AllInOneRun

CHANNELS, TOKENS, WIDTH = 4, 5, 12


def models() -> list[Model]:
    info = ModelInfo("together", "Together", "together", (Task.FOREGROUND, Task.JOINT), 64, installed=True)
    return [Model(info, WorkingSize(64 * 64, 64, 2.0), (), load)]


def load() -> Components:
    vae = networks.vae()
    return Components(
        denoiser=Together(),
        vae=vae,
        scheduler=DDPMScheduler(beta_schedule="scaled_linear"),
        encode_text=encode,
        transparency=LatentTransparency(networks.encoder(), networks.decoder()),
        layer_adapters={},
        method=AllInOneRun(),
        latent_channels=CHANNELS,
        vae_scale_factor=8,
        scaling_factor=vae.config.scaling_factor,
    )


class Together:
    """The latents of a picture's layers as the channels of one, for a transformer (arXiv 2310.00426)."""

    def __init__(self) -> None:
        self._transformer = networks.seeded(
            PixArtTransformer2DModel(
                num_attention_heads=2,
                attention_head_dim=8,
                in_channels=CHANNELS * FRAMES,
                out_channels=CHANNELS * FRAMES,
                num_layers=1,
                cross_attention_dim=16,
                caption_channels=WIDTH,
                sample_size=8,
                use_additional_conditions=False,
            )
        )

    @property
    def dtype(self) -> torch.dtype:
        return torch.float32

    def __call__(self, sample: Tensor, timestep: Tensor, **arguments: Any) -> Any:
        pictures = len(sample) // FRAMES
        output = self._transformer(
            sample.reshape(pictures, -1, *sample.shape[2:]),
            encoder_hidden_states=arguments["encoder_hidden_states"].reshape(pictures, -1, WIDTH),
            timestep=timestep.expand(pictures),
            added_cond_kwargs={"resolution": None, "aspect_ratio": None},
        )
        return SimpleNamespace(sample=output.sample.reshape(sample.shape))


def encode(prompts: list[str], clip_skip: int, working: Extent) -> Text:
    """Rows that depend on the words alone."""
    seeds = (zlib.crc32(prompt.encode()) for prompt in prompts)
    rows = [torch.randn(TOKENS, WIDTH, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
    return Text(torch.stack(rows))
