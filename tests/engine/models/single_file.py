"""Small SD1.5 and SDXL base models: their configuration folders, diffusers folders and original single files."""

from __future__ import annotations

import re
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from acetate_engine.models.checkpoints.kinds import Family
from acetate_engine.models.checkpoints.names import SD15_ATTENTION_UP_BLOCKS, SDXL_ATTENTION_UP_BLOCKS, to_ldm
from acetate_engine.verification.tiny.folders import FOLDERS, modules, write_config, write_folder

__all__ = ["FOLDERS", "modules", "write_config", "write_folder"]


def write_file(path: Path, family: Family) -> Path:
    """A checkpoint in the original naming."""
    save_file({name: tensor.contiguous().clone() for name, tensor in tensors(family).items()}, path)
    return path


def tensors(family: Family) -> dict[str, Tensor]:
    parts = {name: module.state_dict() for name, module in modules(family).items()}
    blocks = SD15_ATTENTION_UP_BLOCKS if family is Family.SD15 else SDXL_ATTENTION_UP_BLOCKS
    found = {f"model.diffusion_model.{to_ldm(name, blocks)}": x for name, x in parts["unet"].items()}
    found |= {f"first_stage_model.{_vae_name(name)}": _vae_tensor(name, x) for name, x in parts["vae"].items()}
    if family is Family.SD15:
        return found | _clip(parts["text_encoder"], "cond_stage_model.transformer.")
    found |= _clip(parts["text_encoder"], "conditioner.embedders.0.transformer.")
    return found | _open_clip(parts["text_encoder_2"], "conditioner.embedders.1.model.")


def _vae_name(name: str) -> str:
    name = re.sub(r"down_blocks\.(\d)\.resnets\.", r"down.\1.block.", name)
    name = re.sub(r"down_blocks\.(\d)\.downsamplers\.0\.", r"down.\1.downsample.", name)
    name = re.sub(r"up_blocks\.(\d)\.resnets\.", lambda found: f"up.{3 - int(found[1])}.block.", name)
    name = re.sub(r"up_blocks\.(\d)\.upsamplers\.0\.", lambda found: f"up.{3 - int(found[1])}.upsample.", name)
    name = re.sub(r"mid_block\.resnets\.(\d)", lambda found: f"mid.block_{int(found[1]) + 1}", name)
    name = name.replace("mid_block.attentions.0", "mid.attn_1").replace("conv_shortcut", "nin_shortcut")
    for ours, theirs in (("group_norm", "norm"), ("to_out.0", "proj_out"), ("to_", "")):
        name = re.sub(rf"(attn_1\.){re.escape(ours)}", rf"\1{theirs}", name)
    return name.replace("conv_norm_out", "norm_out")


def _vae_tensor(name: str, tensor: Tensor) -> Tensor:
    """Attention maps are 1×1 convolutions in the original."""
    is_map = "mid_block.attentions" in name and name.endswith("weight") and "group_norm" not in name
    return tensor[:, :, None, None] if is_map else tensor


def _clip(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {f"{prefix}text_model.{name.removeprefix('text_model.')}": tensor for name, tensor in state.items()}


def _open_clip(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    plain = {name.removeprefix("text_model."): tensor for name, tensor in state.items()}
    found = {
        "positional_embedding": plain["embeddings.position_embedding.weight"],
        "token_embedding.weight": plain["embeddings.token_embedding.weight"],
        "ln_final.weight": plain["final_layer_norm.weight"],
        "ln_final.bias": plain["final_layer_norm.bias"],
        "text_projection": plain["text_projection.weight"].T,
    }
    renamed = {"layer_norm1": "ln_1", "layer_norm2": "ln_2", "self_attn": "attn", "mlp.fc1": "mlp.c_fc"}
    for layer in range(2):
        ours, theirs = f"encoder.layers.{layer}.", f"transformer.resblocks.{layer}."
        for kind in ("weight", "bias"):
            parts = [plain[f"{ours}self_attn.{part}_proj.{kind}"] for part in "qkv"]
            found[f"{theirs}attn.in_proj_{kind}"] = torch.cat(parts)
        for name, tensor in plain.items():
            if name.startswith(ours) and not re.search(r"[qkv]_proj", name):
                rest = name.removeprefix(ours).replace("mlp.fc2", "mlp.c_proj")
                for old, new in renamed.items():
                    rest = rest.replace(old, new)
                found[theirs + rest] = tensor
    return {prefix + name: tensor for name, tensor in found.items()}
