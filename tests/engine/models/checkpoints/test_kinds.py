from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from acetate.protocol.errors import CheckpointError
from acetate_engine.models.checkpoints.kinds import Family, Kind, inspect, require
from acetate_engine.models.checkpoints.names import SD15_ATTENTION_UP_BLOCKS, to_ldm
from tests.engine.models import official, small

XL_KINDS = {
    "layer_xl_transparent_attn": (Kind.OFFSET_LORA, None),
    "layer_xl_transparent_conv": (Kind.OFFSET, 4),
    "layer_xl_transparent_conv without embeddings": (Kind.OFFSET, 4),
    "layer_xl_bgble2fg": (Kind.OFFSET, 12),
    "layer_xl_fgble2bg": (Kind.OFFSET, 12),
    "layer_xl_fg2ble": (Kind.OFFSET, 8),
    "layer_xl_bg2ble": (Kind.OFFSET, 8),
    "ld_diffusers_sdxl_attn": (Kind.OFFSET_DIFFUSERS, None),
}
SD15_FRAMES = {"transparent_attn": 1, "joint": 3, "fg2bg": 2, "bg2fg": 2}


def save(tensors: dict[str, torch.Tensor], folder: Path) -> Path:
    return official.save(tensors, folder / "file.safetensors")


@pytest.mark.parametrize("name", official.XL_ROWS)
def test_sdxl_rows(name: str, tmp_path: Path) -> None:
    info = inspect(save(official.XL_ROWS[name](small.sdxl_unet()), tmp_path))
    assert (info.kind, info.input_channels, info.family) == (*XL_KINDS[name], Family.SDXL)


@pytest.mark.parametrize("name", official.SD15_ROWS)
def test_sd15_rows(name: str, tmp_path: Path) -> None:
    info = inspect(save(official.SD15_ROWS[name](small.sd15_unet()), tmp_path))
    assert (info.kind, info.frames) == (Kind.SHARING, SD15_FRAMES[name.removeprefix("layer_sd15_")])


def test_released_widths_tell_the_family(tmp_path: Path) -> None:
    tensors = {
        "hookers.layers.0.temporal_i.weight": torch.zeros(1),
        "hookers.layers.1.to_k_lora.0.down.weight": torch.zeros(2, 768),
    }
    assert inspect(save(tensors, tmp_path)).family is Family.SD15


@pytest.mark.parametrize("name", official.TRANSPARENCY_ROWS)
def test_transparency_rows(name: str, tmp_path: Path) -> None:
    kinds = {"vae_transparent_encoder": Kind.TRANSPARENT_ENCODER, "vae_transparent_decoder": Kind.TRANSPARENT_DECODER}
    info = inspect(save(official.TRANSPARENCY_ROWS[name](), tmp_path))
    assert (info.kind, info.family) == (kinds[name], None)


@pytest.mark.parametrize(("width", "family"), [(768, Family.SD15), (1024, Family.SD2), (2048, Family.SDXL)])
def test_base_checkpoints(width: int, family: Family, tmp_path: Path) -> None:
    blocks = SD15_ATTENTION_UP_BLOCKS
    tensors = {
        f"model.diffusion_model.{to_ldm(name, blocks)}": torch.zeros(tensor.shape[0], width)
        if name.endswith(("attn2.to_k.weight", "attn2.to_v.weight"))
        else tensor
        for name, tensor in small.sd15_unet().state_dict().items()
    }
    info = inspect(save(tensors, tmp_path))
    assert (info.kind, info.family, info.input_channels) == (Kind.BASE, family, 4)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q.lora_A.weight", Kind.STYLE_LORA),
        ("lora_unet_input_blocks_1_1_proj_in.lora_down.weight", Kind.STYLE_LORA),
        ("ip_adapter.1.to_k_ip.weight", Kind.IP_ADAPTER),
        ("unet.mid_block.attentions.0.transformer_blocks.0.attn1.processor.to_q_lora.down.weight", Kind.STYLE_LORA),
        ("text_encoder.text_model.encoder.layers.0.mlp.fc1.lora_linear_layer.up.weight", Kind.STYLE_LORA),
        ("controlnet_cond_embedding.conv_in.weight", Kind.CONTROLNET),
        ("control_model.zero_convs.0.0.weight", Kind.CONTROLNET),
        ("adapter.body.0.in_conv.weight", Kind.T2I_ADAPTER),
        ("model.diffusion_model.joint_blocks.0.x", Kind.BASE),
        ("double_blocks.0.img_attn.norm.weight", Kind.BASE),
        ("something.else", Kind.UNKNOWN),
    ],
)
def test_other_models_are_told_apart(name: str, kind: Kind, tmp_path: Path) -> None:
    assert inspect(save({name: torch.zeros(2, 2)}, tmp_path)).kind is kind


FOREIGN_LORAS = {
    "Qwen-Image": [
        "transformer_blocks.0.attn.add_k_proj.lora_down.weight",  # as SD3 has it
        "transformer_blocks.0.img_mlp.net.0.proj.lora_down.weight",
    ],
    "Stable Diffusion 3": ["diffusion_model.joint_blocks.0.x_block.attn.qkv.lora_A.weight"],
    "FLUX": [
        "transformer.single_transformer_blocks.0.attn.to_q.lora_A.weight",
        "transformer.transformer_blocks.0.attn.add_k_proj.lora_A.weight",
    ],
    "Chroma": [
        "diffusion_model.double_blocks.0.img_attn.proj.lora_A.weight",  # as FLUX has it
        "diffusion_model.distilled_guidance_layer.layers.0.in_layer.lora_A.weight",
    ],
    "Kolors": [
        "unet.mid_block.attentions.0.transformer_blocks.0.attn2.to_k.lora_A.weight",
        "unet.encoder_hid_proj.lora_A.weight",
    ],
    "FLUX or SD3": [
        "lora_te1_text_model_encoder_layers_0_mlp_fc1.lora_down.weight",
        "lora_te3_encoder_block_0_layer_0_SelfAttention_k.lora_down.weight",
    ],
    "Cosmos": ["diffusion_model.blocks.0.self_attn.q_proj.lora_A.weight"],
    "Hunyuan Video": ["diffusion_model.double_blocks.0.img_attn_qkv.lora_A.weight"],
    "HiDream": ["diffusion_model.double_stream_blocks.0.block.attn1.to_q.lora_A.weight"],
    "LTX-Video": ["transformer.transformer_blocks.0.attn2.to_k.lora_A.weight"],  # it listens to 2048, as SDXL does
    "Wan": ["lora_unet_blocks_0_cross_attn_k.lora_down.weight"],
    "Z-Image": ["diffusion_model.layers.0.attention.to_q.lora_A.weight"],
    "AuraFlow": ["transformer.joint_transformer_blocks.0.attn.to_q.lora_A.weight"],
}


@pytest.mark.parametrize(
    ("name", "architecture"),
    [
        ("double_blocks.0.processor.qkv_lora1.down.weight", "FLUX"),
        ("lora_unet_double_blocks_0_img_mlp_fc1.lora_down.weight", "Hunyuan Video"),
        ("lora_unet_double_blocks_0_img_mlp_0.lora_down.weight", "FLUX"),
    ],
)
def test_loras_of_joint_blocks_alone(name: str, architecture: str, tmp_path: Path) -> None:
    info = inspect(save({name: torch.zeros(2, 3072)}, tmp_path))
    assert info.kind is Kind.STYLE_LORA and architecture in info.problem


@pytest.mark.parametrize("architecture", FOREIGN_LORAS)
@pytest.mark.parametrize("width", [768, 2048, 3072])
def test_loras_of_others_say_whose_they_are(architecture: str, width: int, tmp_path: Path) -> None:
    """Whatever the width, and whichever of their layers comes first."""
    tensors = {name: torch.zeros(2, width) for name in FOREIGN_LORAS[architecture]}
    info = inspect(save(tensors, tmp_path))
    assert info.kind is Kind.STYLE_LORA and info.family is Family.OTHER
    assert architecture in str(info) and "choose one that was made for SD" in info.problem


@pytest.mark.parametrize(
    ("name", "architecture"),
    [
        ("model.diffusion_model.txt_in.individual_token_refiner.blocks.0.norm1.weight", "Hunyuan Video"),
        ("model.diffusion_model.patchify_proj.weight", "LTX-Video"),
        ("double_stream_blocks.0.block.attn1.to_q.weight", "HiDream"),
        ("encoder_hid_proj.weight", "Kolors"),
        ("down_blocks.0.motion_modules.0.temporal_transformer.norm.weight", "AnimateDiff"),
    ],
)
def test_models_of_others_say_what_they_are(name: str, architecture: str, tmp_path: Path) -> None:
    others = ("model.diffusion_model.double_blocks.0.img_attn_qkv.weight", "model.diffusion_model.adaln_single.x")
    info = inspect(save({name: torch.zeros(2, 2), **{x: torch.zeros(2) for x in others}}, tmp_path))
    assert info.family is Family.OTHER and architecture in str(info) and "Choose" in info.problem


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight", Kind.STYLE_LORA),
        ("lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_v.lora_down.weight", Kind.STYLE_LORA),
        ("unet.mid_block.attentions.0.transformer_blocks.0.attn2.to_k.lora_A.weight", Kind.STYLE_LORA),
        ("unet.mid_block.attentions.0.transformer_blocks.0.attn2.to_k.lora.down.weight", Kind.STYLE_LORA),
        ("unet.mid_block.attentions.0.transformer_blocks.0.attn2.processor.to_k_lora.down.weight", Kind.STYLE_LORA),
        ("ip_adapter.1.to_k_ip.weight", Kind.IP_ADAPTER),
        ("controlnet_mid_block.transformer_blocks.0.attn2.to_k.weight", Kind.CONTROLNET),
        ("control_model.middle_block.1.transformer_blocks.0.attn2.to_k.weight", Kind.CONTROLNET),
    ],
)
@pytest.mark.parametrize(("width", "family"), [(768, Family.SD15), (2048, Family.SDXL), (1024, Family.SD2), (7, None)])
def test_add_ons_tell_their_family(name: str, kind: Kind, width: int, family: Family | None, tmp_path: Path) -> None:
    info = inspect(save({name: torch.zeros(2, width)}, tmp_path))
    assert (info.kind, info.family) == (kind, family)


def test_a_union_is_told_apart(tmp_path: Path) -> None:
    tensors = {"controlnet_mid_block.weight": torch.zeros(2), "task_embedding": torch.zeros(2)}
    assert inspect(save(tensors, tmp_path)).kind is Kind.CONTROLNET_UNION


def test_vae(tmp_path: Path) -> None:
    assert inspect(save(small.vae().state_dict(), tmp_path)).kind is Kind.VAE


def test_another_kind_or_family_is_named(tmp_path: Path) -> None:
    path = save(official.lora_tensors(small.sdxl_unet()), tmp_path)
    with pytest.raises(
        CheckpointError, match=r"file.safetensors is a LayerDiffuse LoRA \(SDXL\), but a .*attention shar"
    ):
        require(path, {Kind.SHARING}, Family.SD15)
    with pytest.raises(CheckpointError, match=r"but a LayerDiffuse LoRA \(SD1.5\) is needed"):
        require(path, {Kind.OFFSET_LORA}, Family.SD15)
    assert require(path, {Kind.OFFSET_LORA}, Family.SDXL).kind is Kind.OFFSET_LORA


class TestFolders:
    def make(self, folder: Path, pipeline: str, weights: str) -> Path:
        (folder / "unet").mkdir()
        (folder / "model_index.json").write_text(json.dumps({"_class_name": pipeline}))
        (folder / "unet" / "config.json").write_text(json.dumps({"in_channels": 4}))
        (folder / "unet" / weights).write_bytes(b"")
        return folder

    def test_known(self, tmp_path: Path) -> None:
        info = inspect(self.make(tmp_path, "StableDiffusionXLPipeline", "diffusion_pytorch_model.fp16.safetensors"))
        assert (info.kind, info.family, info.input_channels) == (Kind.FOLDER, Family.SDXL, 4)

    def test_pickled_weights(self, tmp_path: Path) -> None:
        self.make(tmp_path, "StableDiffusionPipeline", "diffusion_pytorch_model.bin")
        with pytest.raises(CheckpointError, match=r"holds no \.safetensors"):
            inspect(tmp_path)

    def test_not_a_model(self, tmp_path: Path) -> None:
        with pytest.raises(CheckpointError, match="is a folder without"):
            inspect(tmp_path)

    def test_unreadable(self, tmp_path: Path) -> None:
        self.make(tmp_path, "StableDiffusionPipeline", "a.safetensors")
        (tmp_path / "unet" / "config.json").write_text("{")
        with pytest.raises(CheckpointError, match="unreadable configuration"):
            inspect(tmp_path)


def test_inspecting_needs_no_torch() -> None:
    code = "import sys; import acetate_engine.models.checkpoints.kinds; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
