"""Small add-ons with random weights, in the formats that they are published in."""

from __future__ import annotations

import re
from pathlib import Path

import torch
from diffusers import ControlNetModel, ControlNetUnionModel, T2IAdapter, UNet2DConditionModel
from diffusers.utils import convert_state_dict_to_diffusers
from torch import Tensor, nn
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from acetate_engine.models.checkpoints.kinds import Family
from acetate_engine.models.checkpoints.names import controlnet_to_ldm, to_ldm
from acetate_engine.verification.seeded import seed_module, seeded_weights
from tests.engine.models import official, small

EMBEDDING, HIDDEN = 10, 12  # widths of the image encoder's embedding and of its hidden states
UNETS = {Family.SD15: small.sd15_unet, Family.SDXL: small.sdxl_unet}


def controlnet(unet: UNet2DConditionModel, salt: int = 0, factor: int = 8) -> ControlNetModel:
    """`factor`: pixels a latent pixel; each of the hint's convolutions but the first halves it."""
    net = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=(4, *[8] * (factor.bit_length() - 1)))
    seed_module(net, salt=salt)
    return net.eval()


def controlnet_ldm(net: ControlNetModel) -> dict[str, Tensor]:
    """As SD1.5's were published: `control_model.*`."""
    return {f"control_model.{controlnet_to_ldm(name)}": x for name, x in net.state_dict().items()}


def union(unet: UNet2DConditionModel) -> ControlNetUnionModel:
    shared = controlnet(unet).config
    extra = {"num_control_type": 6, "num_trans_channel": 16, "num_trans_head": 8, "num_proj_channel": 16}
    if "addition_time_embed_dim" not in shared or shared["addition_time_embed_dim"] is None:
        extra["addition_time_embed_dim"] = 8
    net = ControlNetUnionModel.from_config({**shared, **extra})
    seed_module(net)
    return net.eval()


def t2i_adapter(unet: UNet2DConditionModel, family: Family) -> T2IAdapter:
    widths = list(unet.config.block_out_channels)
    if family is Family.SDXL:
        widths.append(widths[-1])
        net = T2IAdapter(3, widths, 1, downscale_factor=16, adapter_type="full_adapter_xl")
    else:
        net = T2IAdapter(1, widths, 1, downscale_factor=8)
    seed_module(net)
    return net.eval()


def ip_adapter(unet: UNet2DConditionModel) -> dict[str, Tensor]:
    """`ip-adapter_sd15`, `ip-adapter_sdxl`: four tokens from the embedding of a picture."""
    context = unet.config.cross_attention_dim
    shapes = {
        "image_proj.proj.weight": (4 * context, EMBEDDING),
        "image_proj.proj.bias": (4 * context,),
        "image_proj.norm.weight": (context,),
        "image_proj.norm.bias": (context,),
    }
    return seeded_weights(shapes) | _ip_attention(unet)


def ip_adapter_plus(unet: UNet2DConditionModel) -> dict[str, Tensor]:
    """`ip-adapter-plus_*`: four tokens from the patches of a picture, by one resampling layer of one head."""
    context, width = unet.config.cross_attention_dim, 64
    shapes = {
        "latents": (1, 4, width),
        "proj_in.weight": (width, HIDDEN),
        "proj_in.bias": (width,),
        "proj_out.weight": (context, width),
        "proj_out.bias": (context,),
        "norm_out.weight": (context,),
        "norm_out.bias": (context,),
    }
    for layer in range(4):
        names = {
            "0.norm1.weight": (width,),
            "0.norm1.bias": (width,),
            "0.norm2.weight": (width,),
            "0.norm2.bias": (width,),
            "0.to_q.weight": (width, width),
            "0.to_kv.weight": (2 * width, width),
            "0.to_out.weight": (width, width),
            "1.0.weight": (width,),
            "1.0.bias": (width,),
            "1.1.weight": (4 * width, width),
            "1.3.weight": (width, 4 * width),
        }
        shapes |= {f"layers.{layer}.{name}": shape for name, shape in names.items()}
    projection = seeded_weights(shapes)
    return {f"image_proj.{name}": x for name, x in projection.items()} | _ip_attention(unet)


def _ip_attention(unet: UNet2DConditionModel) -> dict[str, Tensor]:
    crosses = [name for name in unet.attn_processors if name.endswith("attn2.processor")]
    shapes = {
        f"ip_adapter.{2 * index + 1}.{part}.weight": tuple(
            unet.get_submodule(name.removesuffix(".processor")).to_k.weight.shape
        )
        for index, name in enumerate(crosses)
        for part in ("to_k_ip", "to_v_ip")
    }
    return seeded_weights(shapes, salt=6)


def image_encoder() -> CLIPVisionModelWithProjection:
    config = CLIPVisionConfig(
        hidden_size=HIDDEN,
        intermediate_size=16,
        projection_dim=EMBEDDING,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=32,
        patch_size=16,
    )
    encoder = CLIPVisionModelWithProjection(config)
    seed_module(encoder)
    return encoder.eval()


_LORA_LAYERS = re.compile(r".*(attn\d\.to_(q|k|v|out\.0)|ff\.net\.0\.proj|resnets\.0\.conv1)\.weight")
_TEXT_LAYERS = re.compile(r".*(self_attn\.(q|k|v|out)_proj|mlp\.fc[12])\.weight")


def lora_factors(module: nn.Module, layers: re.Pattern[str], salt: int) -> dict[str, tuple[Tensor, Tensor]]:
    """(down, up) of rank 2 for the layers that a trainer touches, by diffusers' names of the layers."""
    found = {}
    for name, weight in module.state_dict().items():
        if layers.fullmatch(name):
            down = (2, *weight.shape[1:])
            up = (weight.shape[0], 2, *[1] * (weight.ndim - 2))
            made = seeded_weights({f"{name}.down": down, f"{name}.up": up}, salt=salt)
            found[name.removesuffix(".weight")] = (made[f"{name}.down"], made[f"{name}.up"])
    return found


def unet_factors(unet: UNet2DConditionModel, salt: int = 0) -> dict[str, tuple[Tensor, Tensor]]:
    return lora_factors(unet, _LORA_LAYERS, salt)


def few_factors(unet: UNet2DConditionModel, salt: int) -> dict[str, tuple[Tensor, Tensor]]:
    """Of the middle block alone: quick to put in and to take out."""
    return {name: pair for name, pair in unet_factors(unet, salt).items() if name.startswith("mid_block")}


def text_factors(encoder: nn.Module) -> dict[str, tuple[Tensor, Tensor]]:
    """By the names that LoRAs were published with, `text_model.…`."""
    found = lora_factors(encoder, _TEXT_LAYERS, 1)
    return {f"text_model.{name.removeprefix('text_model.')}": pair for name, pair in found.items()}


def kohya(factors: dict[str, tuple[Tensor, Tensor]], prefix: str, alpha: float = 1.0) -> dict[str, Tensor]:
    """As trainers of pictures publish them, and those of LCM and TCD: `lora_unet_…`."""
    tensors = {}
    for name, (down, up) in factors.items():
        stem = f"{prefix}_{name.replace('.', '_')}"
        tensors |= {
            f"{stem}.lora_down.weight": down,
            f"{stem}.lora_up.weight": up,
            f"{stem}.alpha": torch.tensor(alpha),
        }
    return tensors


def kohya_sgm(factors: dict[str, tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
    """SDXL's, in the naming of its original code: `lora_unet_input_blocks_4_1_…`."""
    renamed = {to_ldm(f"{name}.weight").removesuffix(".weight"): pair for name, pair in factors.items()}
    return kohya(renamed, "lora_unet")


def peft(factors: dict[str, tuple[Tensor, Tensor]], prefix: str = "unet") -> dict[str, Tensor]:
    """diffusers' own."""
    down = {f"{prefix}.{name}.lora_A.weight": pair[0] for name, pair in factors.items()}
    return down | {f"{prefix}.{name}.lora_B.weight": pair[1] for name, pair in factors.items()}


def mixed(factors: dict[str, tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
    """As diffusers' converter leaves it: it has names of its own for attention alone."""
    return convert_state_dict_to_diffusers(peft(factors))


def write_for_mini(unet: UNet2DConditionModel, models: Path) -> None:
    """For a mini of this UNet: two styles, an IP-Adapter and its image encoder, a ControlNet on edges."""
    for part in ("ip_adapter", "loras"):
        (models / part).mkdir(parents=True)
    for salt, style in enumerate(("ink", "oil")):
        official.save(peft(few_factors(unet, salt)), models / "loras" / f"{style}.safetensors")
    official.save(ip_adapter(unet), models / "ip_adapter" / "look.safetensors")
    image_encoder().save_pretrained(models / "ip_adapter" / "image_encoder")
    controlnet(unet, factor=16).save_pretrained(models / "controlnet" / "mini_edges")


def write_add_ons(models: Path, family: Family) -> None:
    """All of a family: edges by a single file, depth by a folder, a union and T2I-Adapters; LoRAs and an IP-Adapter."""
    name, unet = family.name.lower(), UNETS[family]()
    folder = models / "controlnet"
    controlnet(unet, 5).save_pretrained(folder / f"{name}_depth")
    edges = controlnet(unet, 7)
    tensors = controlnet_ldm(edges) if family is Family.SD15 else edges.state_dict()
    official.save(tensors, folder / f"{name}_edges.safetensors")
    if family is Family.SDXL:
        official.save(union(unet).state_dict(), folder / f"{name}_union.safetensors")
    t2i_adapter(unet, family).save_pretrained(models / "adapters" / f"{name}_lines")
    for part in ("ip_adapter", "loras"):
        (models / part).mkdir(exist_ok=True)
    official.save(ip_adapter(unet), models / "ip_adapter" / f"{name}.safetensors")
    image_encoder().save_pretrained(models / "ip_adapter" / "image_encoder")
    for salt, style in enumerate(("ink", "lcm", "tcd")):
        official.save(kohya(few_factors(unet, salt), "lora_unet"), models / "loras" / f"{name}.{style}.safetensors")
