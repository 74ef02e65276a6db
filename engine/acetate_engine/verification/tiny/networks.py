"""Small real networks: UNets, VAEs and transparency networks, whose weights depend on their names alone."""

from __future__ import annotations

from typing import TypeVar

from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from acetate_engine.models.checkpoints.kinds import Family
from acetate_engine.models.networks.transparency import OffsetEncoder, TransparentDecoder
from acetate_engine.verification.seeded import seed_module

Module = TypeVar("Module", bound=nn.Module)

SD15_CONFIG = {
    "block_out_channels": (32, 64, 64, 64),
    "down_block_types": ("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
    "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
    "layers_per_block": 2,
    "attention_head_dim": 8,
    "cross_attention_dim": 48,
    "norm_num_groups": 8,
}
SDXL_CONFIG = {
    "block_out_channels": (16, 32, 32),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "layers_per_block": 2,
    "transformer_layers_per_block": (1, 1, 2),
    "attention_head_dim": (2, 4, 4),
    "cross_attention_dim": 24,  # 8 and 16 of the two text encoders
    "norm_num_groups": 8,
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 8,
    "projection_class_embeddings_input_dim": 6 * 8 + 16,
}
_VAE_CONFIG = {
    "block_out_channels": (16, 16, 32, 32),
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "layers_per_block": 1,
    "norm_num_groups": 8,
    "latent_channels": 4,
}
_TEXT_WIDTHS = {Family.SD15: (48,), Family.SDXL: (8, 16)}


def base_parts(family: Family) -> dict[str, nn.Module]:
    """UNet, VAE and text encoders of SD1.5 or SDXL, by their names in a diffusers folder."""
    parts: dict[str, nn.Module] = {"unet": unet(family), "vae": vae()}
    first, *second = map(_text_config, _TEXT_WIDTHS[family])
    parts["text_encoder"] = seeded(CLIPTextModel(first))
    for config in second:
        parts["text_encoder_2"] = seeded(CLIPTextModelWithProjection(config))
    return parts


def unet(family: Family) -> UNet2DConditionModel:
    return sd15_unet() if family is Family.SD15 else sdxl_unet()


def sd15_unet() -> UNet2DConditionModel:
    """SD1.5's blocks and 32 attentions, narrow."""
    return seeded(UNet2DConditionModel(**SD15_CONFIG))


def sdxl_unet() -> UNet2DConditionModel:
    """SDXL's blocks with fewer transformer layers, narrow."""
    return seeded(UNet2DConditionModel(**SDXL_CONFIG))


def vae() -> AutoencoderKL:
    """Factor 8, four channels."""
    return seeded(AutoencoderKL(**_VAE_CONFIG))


def encoder() -> OffsetEncoder:
    return seeded(OffsetEncoder(widths=(8, 8, 16, 16)))


def decoder() -> TransparentDecoder:
    """Five widths, so that pictures must be multiples of 16; around mid-grey."""
    module = seeded(TransparentDecoder(widths=(8, 8, 16, 16, 16), layers_per_block=1, attention_levels=1))
    module.conv_out.bias.data += 0.5
    return module


def seeded(module: Module) -> Module:
    seed_module(module)
    return module.eval().requires_grad_(False)


def _text_config(width: int) -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=49408,  # the real tokenizer
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=2,
        num_attention_heads=2,
        projection_dim=width,
        bos_token_id=0,
        eos_token_id=2,
    )
