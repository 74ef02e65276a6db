"""Synthetic files in the formats of the released ones, for UNets of any width."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import save_file
from torch import Tensor

from acetate_engine.models.adapters.attention_sharing import new_sharing_weights
from acetate_engine.models.checkpoints.names import to_ldm
from acetate_engine.verification.seeded import seeded_weights
from tests.engine.models import small

Keep = Callable[[str], bool]


def is_projection(name: str) -> bool:
    return re.search(r"\.attn\d\.to_([qkv]|out\.0)\.weight$", name) is not None


def is_not_qkv(name: str) -> bool:
    return re.search(r"\.to_[qkv]\.", name) is None


def is_not_qkv_nor_embedding(name: str) -> bool:
    return is_not_qkv(name) and "_embedding." not in name


def is_convolutional(name: str) -> bool:
    return ".attentions." not in name and "_embedding." not in name


def save(tensors: dict[str, Tensor], path: Path) -> Path:
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)
    return path


def shapes(unet: UNet2DConditionModel, keep: Keep, channels: int | None = None) -> dict[str, tuple[int, ...]]:
    """Parameters for which there are offsets, with `conv_in` of so many channels."""
    kept = {name: tuple(tensor.shape) for name, tensor in unet.state_dict().items() if keep(name)}
    if channels:
        width, _, *kernel = kept["conv_in.weight"]
        kept["conv_in.weight"] = (width, channels, *kernel)
    return kept


def offsets(unet: UNet2DConditionModel, keep: Keep, channels: int | None = None) -> dict[str, Tensor]:
    """An offset for each parameter that is kept, by diffusers' names."""
    return {name: tensor * 0.05 for name, tensor in seeded_weights(shapes(unet, keep, channels), salt=3).items()}


def diff_tensors(unet: UNet2DConditionModel, keep: Keep, channels: int | None = None) -> dict[str, Tensor]:
    """`layer_xl_*` but `transparent_attn`."""
    return {f"diffusion_model.{to_ldm(name)}::diff::0": x for name, x in offsets(unet, keep, channels).items()}


def lora_tensors(unet: UNet2DConditionModel, rank: int = 4) -> dict[str, Tensor]:
    """`layer_xl_transparent_attn`."""
    tensors = {}
    for name, (target, source) in shapes(unet, is_projection).items():
        stem = f"diffusion_model.{to_ldm(name)}::lora::"
        tensors |= seeded_weights({f"{stem}0": (target, rank), f"{stem}1": (rank, source)}, salt=4)
    return tensors


def sharing_tensors(unet: UNet2DConditionModel, frames: int, condition: int = 0, rank: int = 4) -> dict[str, Tensor]:
    """`layer_sd15_*`."""
    layout = new_sharing_weights(unet, frames, rank, condition).state_dict()
    return seeded_weights({name: tensor.shape for name, tensor in layout.items()}, salt=2)


def half(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.to(torch.float16) for name, tensor in tensors.items()}


XL_ROWS: dict[str, Callable[[UNet2DConditionModel], dict[str, Tensor]]] = {
    "layer_xl_transparent_attn": lora_tensors,
    "layer_xl_transparent_conv": lambda unet: diff_tensors(unet, is_not_qkv),
    "layer_xl_transparent_conv without embeddings": lambda unet: diff_tensors(unet, is_not_qkv_nor_embedding),
    "layer_xl_bgble2fg": lambda unet: diff_tensors(unet, is_not_qkv, 12),
    "layer_xl_fgble2bg": lambda unet: diff_tensors(unet, is_not_qkv_nor_embedding, 12),
    "layer_xl_fg2ble": lambda unet: diff_tensors(unet, is_convolutional, 8),
    "layer_xl_bg2ble": lambda unet: diff_tensors(unet, lambda name: True, 8),
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
