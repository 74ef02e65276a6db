"""What the released layer adapters hold, for UNets of any width, with weights that depend on their names alone."""

from __future__ import annotations

import re
from collections.abc import Callable

from diffusers import UNet2DConditionModel
from torch import Tensor

from acetate_engine.models.adapters.attention_sharing import new_sharing_weights
from acetate_engine.models.adapters.sharing_weights import RELEASED_CONDITION_CHANNELS, RELEASED_RANK
from acetate_engine.models.checkpoints.kinds import Family
from acetate_engine.models.checkpoints.names import to_ldm
from acetate_engine.models.networks.empty import empty_parameters
from acetate_engine.verification.seeded import seeded_weights

Keep = Callable[[str], bool]
Make = Callable[[UNet2DConditionModel], dict[str, Tensor]]


def is_projection(name: str) -> bool:
    return re.search(r"\.attn\d\.to_([qkv]|out\.0)\.weight$", name) is not None


def is_not_qkv(name: str) -> bool:
    return re.search(r"\.to_[qkv]\.", name) is None


def is_not_qkv_nor_embedding(name: str) -> bool:
    return is_not_qkv(name) and "_embedding." not in name


def is_convolutional(name: str) -> bool:
    return ".attentions." not in name and "_embedding." not in name


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
    tensors: dict[str, Tensor] = {}
    for name, (target, source) in shapes(unet, is_projection).items():
        stem = f"diffusion_model.{to_ldm(name)}::lora::"
        tensors |= seeded_weights({f"{stem}0": (target, rank), f"{stem}1": (rank, source)}, salt=4)
    return tensors


def sharing_tensors(unet: UNet2DConditionModel, frames: int, condition: int = 0, rank: int = 4) -> dict[str, Tensor]:
    """`layer_sd15_*`."""
    with empty_parameters():
        layout = new_sharing_weights(unet, frames, rank, condition).state_dict()
    return seeded_weights({name: tensor.shape for name, tensor in layout.items()}, salt=2)


GOLDEN: dict[Family, dict[str, Make]] = {
    Family.SD15: {
        "transparent": lambda unet: sharing_tensors(unet, 1, rank=RELEASED_RANK),
        "joint": lambda unet: sharing_tensors(unet, 3, rank=RELEASED_RANK),
        "fg2bg": lambda unet: sharing_tensors(unet, 2, RELEASED_CONDITION_CHANNELS, RELEASED_RANK),
        "bg2fg": lambda unet: sharing_tensors(unet, 2, RELEASED_CONDITION_CHANNELS, RELEASED_RANK),
    },
    Family.SDXL: {
        "transparent": lora_tensors,
        "bgble2fg": lambda unet: diff_tensors(unet, is_not_qkv, 12),
        "fgble2bg": lambda unet: diff_tensors(unet, is_not_qkv_nor_embedding, 12),
        "fg2ble": lambda unet: diff_tensors(unet, is_convolutional, 8),
        "bg2ble": lambda unet: diff_tensors(unet, lambda name: True, 8),
    },
}
"""The layer adapters of the golden runs, by the names that families call them."""
