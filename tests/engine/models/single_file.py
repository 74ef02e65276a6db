"""Small SD1.5 and SDXL base models: their configuration folders, diffusers folders and original single files."""

from __future__ import annotations

import re
import shutil
from functools import cache
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from acetate_engine.models.checkpoints.kinds import Family
from acetate_engine.models.checkpoints.names import SD15_ATTENTION_UP_BLOCKS, SDXL_ATTENTION_UP_BLOCKS, to_ldm
from acetate_engine.paths import resources_dir
from acetate_engine.verification.seeded import seed_module
from tests.engine.models import small

FOLDERS = {Family.SD15: "sd15", Family.SDXL: "sdxl"}
CONFIGS = resources_dir() / "configs"
_WIDTHS = {Family.SD15: (48,), Family.SDXL: (8, 16)}  # of the text encoders


@cache
def modules(family: Family) -> dict[str, nn.Module]:
    """The parts by their names in a diffusers folder; not to be changed."""
    parts: dict[str, nn.Module] = {"unet": _unet(family), "vae": small.vae()}
    for index, width in enumerate(_WIDTHS[family]):
        config = _text_config(width)
        name = "text_encoder" if index == 0 else "text_encoder_2"
        parts[name] = CLIPTextModel(config) if index == 0 else CLIPTextModelWithProjection(config)
        seed_module(parts[name])
    return {name: module.eval() for name, module in parts.items()}


def _unet(family: Family) -> UNet2DConditionModel:
    if family is Family.SD15:
        return small.sd15_unet()
    return small.sdxl_unet()


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


def write_config(folder: Path, family: Family) -> Path:
    """A configuration folder for `modules(family)`, without weights."""
    released = CONFIGS / FOLDERS[family]
    shutil.copytree(released, folder, dirs_exist_ok=True)
    for name, module in modules(family).items():
        if hasattr(module, "save_config"):
            module.save_config(folder / name)
        else:
            module.config.save_pretrained(folder / name)
    return folder


def write_folder(folder: Path, family: Family, variant: str | None = None) -> Path:
    """A diffusers folder."""
    write_config(folder, family)
    for name, module in modules(family).items():
        module.save_pretrained(folder / name, safe_serialization=True, variant=variant)
    for name in ("tokenizer", "tokenizer_2")[: len(_WIDTHS[family])]:
        shutil.copytree(CONFIGS / "clip_tokenizer", folder / name)
    return folder


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
