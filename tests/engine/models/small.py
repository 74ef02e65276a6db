"""Small real components: UNets, VAEs and transparency networks with random weights that depend on a seed alone."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import nn

from acetate_engine.models.networks.transparency import OffsetEncoder, TransparentDecoder
from acetate_engine.verification.seeded import seed_module

REFERENCES = Path(__file__).parents[2] / "references"
PARAMETERS = json.loads((REFERENCES / "parameters.json").read_text())

SDXL_CONFIG = {
    "block_out_channels": (16, 32, 32),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "layers_per_block": 2,
    "transformer_layers_per_block": (1, 1, 2),
    "attention_head_dim": (2, 4, 4),
    "cross_attention_dim": 24,  # 8 and 16 of the text encoders in single_file.py
    "norm_num_groups": 8,
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 8,
    "projection_class_embeddings_input_dim": 6 * 8 + 16,
}
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


def sd15_unet() -> UNet2DConditionModel:
    """SD1.5's blocks and 32 attentions, narrow."""
    return _seeded(UNet2DConditionModel(**PARAMETERS["sharing_unet_config"]))


def sdxl_unet() -> UNet2DConditionModel:
    """SDXL's blocks with fewer transformer layers, narrow."""
    return _seeded(UNet2DConditionModel(**SDXL_CONFIG))


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


def vae() -> AutoencoderKL:
    """Factor 8, four channels."""
    config = PARAMETERS["vae_config"]
    levels = len(config["block_out_channels"])
    types = {"down_block_types": ["DownEncoderBlock2D"] * levels, "up_block_types": ["UpDecoderBlock2D"] * levels}
    return _seeded(AutoencoderKL(**types, **config))


def encoder() -> OffsetEncoder:
    return _seeded(OffsetEncoder(widths=(8, 8, 16, 16)))


def decoder() -> TransparentDecoder:
    """Five widths, so that pictures must be multiples of 16; around mid-grey."""
    module = _seeded(TransparentDecoder(widths=(8, 8, 16, 16, 16), layers_per_block=1, attention_levels=1))
    module.conv_out.bias.data += 0.5
    return module


def _seeded(module: nn.Module) -> nn.Module:
    seed_module(module)
    return module.eval().requires_grad_(False)
