"""Models of random weights in the real formats, small enough to run in a blink."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from diffusers import DDPMScheduler, UNet2DConditionModel
from safetensors.torch import save_file

from acetate_engine.models.adapters.attention_sharing import new_sharing_weights
from acetate_engine.models.checkpoints.kinds import Family
from acetate_engine.models.networks.alpha_residual import AlphaResidual
from acetate_engine.models.networks.autoencoder import SpaceToDepthAutoencoder
from acetate_engine.models.networks.transparency import OffsetEncoder, TransparentDecoder
from acetate_engine.verification.seeded import seed_module
from tests.engine.models import official, single_file, small
from tests.engine.models.add_ons import write_add_ons

LATENT_CHANNELS = 8


def write_mini(folder: Path, layers: tuple[str, ...] = ("transparent",)) -> None:
    """A folder laid out as resources/models/mini: 64×64 native, factor 16."""
    torch.manual_seed(0)
    vae = SpaceToDepthAutoencoder(latent_channels=LATENT_CHANNELS, widths=(8, 16, 16), decoder_blocks=1)
    unet = mini_unet()
    vae.save_pretrained(folder / "vae")
    unet.save_pretrained(folder / "unet")
    DDPMScheduler(beta_schedule="scaled_linear", prediction_type="v_prediction", clip_sample=False).save_pretrained(
        folder / "scheduler"
    )
    encoder = OffsetEncoder(LATENT_CHANNELS, (4, 8, 8, 8, 8))
    decoder = TransparentDecoder(LATENT_CHANNELS, (8, 8, 8, 8, 8), 1, vae_factor=16, attention_levels=0)
    seed_module(encoder)
    seed_module(decoder)
    encoder.save_pretrained(folder / "transparent_encoder")
    decoder.save_pretrained(folder / "transparent_decoder")
    AlphaResidual(factor=16, channels=4, width=8).save_pretrained(folder / "transparent_residual")
    (folder / "layers").mkdir()
    for name in layers:
        write_layer(folder / "layers" / f"{name}.safetensors", unet, name)
    card = {"native": 64, "multiple": 32, "offset_scale": 1.0, "text_tokens": 8, "licence": "CC0-1.0"}
    (folder / "mini.json").write_text(json.dumps(card))


def write_released(models: Path) -> None:
    """A data directory's models folder: a base checkpoint and all released files, for SD1.5 and SDXL."""
    released = models / "layerdiffuse"
    released.mkdir(parents=True)
    rows = {Family.SD15: official.SD15_ROWS, Family.SDXL: official.XL_ROWS}
    unets = {Family.SD15: small.sd15_unet(), Family.SDXL: small.sdxl_unet()}
    for family, files in rows.items():
        single_file.write_folder(models / "checkpoints" / f"tiny_{family.name.lower()}", family)
        (models / "controlnet").mkdir(exist_ok=True)
        write_add_ons(models, family)
        for name, make in files.items():
            if " " not in name:  # a variant of another row
                official.save(make(unets[family]), released / f"{name}.safetensors")
    for name, make_row in official.TRANSPARENCY_ROWS.items():
        official.save(make_row(), released / f"{name}.safetensors")
        official.save(make_row(), released / f"layer_sd15_{name}.safetensors")


def mini_unet() -> UNet2DConditionModel:
    return UNet2DConditionModel(
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        block_out_channels=(16, 32),
        layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=384,
        attention_head_dim=8,
        norm_num_groups=8,
    )


def write_layer(path: Path, unet: UNet2DConditionModel, name: str) -> None:
    """Attention sharing weights, random, in the released format."""
    frames = {"transparent": 1, "joint": 3}.get(name, 2)
    weights = new_sharing_weights(unet, frames, rank=4, condition=8 if name in ("bg2fg", "fg2bg") else 0)
    seed_module(weights)
    save_file({key: tensor.contiguous() for key, tensor in weights.state_dict().items()}, path)
