"""Synthetic files in the formats of the released ones, for UNets of any width."""

from __future__ import annotations

from collections.abc import Callable

import torch
from diffusers import UNet2DConditionModel
from torch import Tensor

from acetate_engine.models.checkpoints.kinds import Family
from acetate_engine.models.checkpoints.names import to_ldm
from acetate_engine.verification.tiny.folders import save
from acetate_engine.verification.tiny.layer_adapters import (
    GOLDEN,
    diff_tensors,
    is_convolutional,
    is_not_qkv,
    is_not_qkv_nor_embedding,
    is_projection,
    lora_tensors,
    offsets,
    shapes,
    sharing_tensors,
)
from tests.engine.models import small

__all__ = [
    "diff_tensors",
    "is_convolutional",
    "is_not_qkv",
    "is_not_qkv_nor_embedding",
    "is_projection",
    "lora_tensors",
    "offsets",
    "save",
    "shapes",
    "sharing_tensors",
    "to_ldm",
]


def half(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.to(torch.float16) for name, tensor in tensors.items()}


XL = {f"layer_xl_{name}": make for name, make in GOLDEN[Family.SDXL].items() if name != "transparent"}
XL_ROWS: dict[str, Callable[[UNet2DConditionModel], dict[str, Tensor]]] = {
    "layer_xl_transparent_attn": lora_tensors,
    "layer_xl_transparent_conv": lambda unet: diff_tensors(unet, is_not_qkv),
    "layer_xl_transparent_conv without embeddings": lambda unet: diff_tensors(unet, is_not_qkv_nor_embedding),
    **XL,
    "ld_diffusers_sdxl_attn": lambda unet: offsets(unet, is_projection),
}
SD15_ROWS: dict[str, Callable[[UNet2DConditionModel], dict[str, Tensor]]] = {
    "layer_sd15_transparent_attn": lambda unet: sharing_tensors(unet, 1),
    "layer_sd15_joint": lambda unet: sharing_tensors(unet, 3),
    "layer_sd15_fg2bg": lambda unet: sharing_tensors(unet, 2, 16),
    "layer_sd15_bg2fg": lambda unet: sharing_tensors(unet, 2, 16),
}
TRANSPARENCY_ROWS = {
    "vae_transparent_encoder": lambda: small.encoder().state_dict(),
    "vae_transparent_decoder": lambda: small.decoder().state_dict(),
}
