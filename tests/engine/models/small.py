"""The small networks of the tests, and the widths of the real ones."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from acetate_engine.verification.tiny.networks import SDXL_CONFIG, decoder, encoder, sd15_unet, sdxl_unet, vae

__all__ = ["decoder", "encoder", "sd15_unet", "sdxl_unet", "vae"]

REFERENCES = Path(__file__).parents[2] / "references"
PARAMETERS = json.loads((REFERENCES / "parameters.json").read_text())

FULL_SDXL_CONFIG = {
    **SDXL_CONFIG,
    "block_out_channels": (320, 640, 1280),
    "transformer_layers_per_block": (1, 2, 10),
    "attention_head_dim": (5, 10, 20),
    "cross_attention_dim": 2048,
    "norm_num_groups": 32,
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
}


def sdxl_arguments(batch: int) -> dict[str, object]:
    """Keyword arguments of one call of `sdxl_unet`, but for the sample."""
    generator = torch.Generator().manual_seed(5)
    return {
        "timestep": 500,
        "encoder_hidden_states": torch.randn(batch, 7, 24, generator=generator),
        "added_cond_kwargs": {
            "text_embeds": torch.randn(batch, 16, generator=generator),
            "time_ids": torch.zeros(batch, 6),
        },
    }
