"""Files as they are published for other models and programs, by a few of their names: each is told for what it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from acetate_engine.models.checkpoints.header import Header, Shape
from acetate_engine.models.checkpoints.info import Family, FileInfo, Kind
from acetate_engine.models.checkpoints.recognise import identify

UNET = "model.diffusion_model."
LLLITE = "lllite_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q.conditioning1.0.weight"
KEYS = "text_model.embeddings.token_embedding.weight"


def told(*names: str, metadata: dict[str, str] | None = None, **shapes: Shape) -> FileInfo:
    given = {**dict.fromkeys(names, (8, 8)), **shapes}
    return identify(Header(Path("a.safetensors"), given, dict.fromkeys(given, "F16"), metadata or {}))


BASES = {
    "svd_xt": (f"{UNET}input_blocks.1.1.time_stack.0.norm1.weight", "Stable Video Diffusion"),
    "x4-upscaler-ema": ("low_scale_model.alphas_cumprod", "upscaler"),
    "hunyuan_video, as comfy saved it": ("model.model.txt_in.individual_token_refiner.blocks.0.x", "Hunyuan Video"),
    "auraflow": ("model.double_layers.0.attn.w1q.weight", "AuraFlow"),
    "chroma": ("distilled_guidance_layer.in_proj.weight", "Chroma"),
    "flux1-dev": ("double_blocks.0.img_attn.qkv.weight", "FLUX"),
    "sd3.5": (f"{UNET}joint_blocks.0.x_block.attn.ln_q.weight", "SD3"),
    "sana": ("attention_y_norm.weight", "Sana"),
    "mochi": ("blocks.0.attn.qkv_x.weight", "Mochi"),
    "cosmos": ("net.blocks.block0.blocks.0.block.attn.to_q.0.weight", "Cosmos"),
    "wan2.1": ("blocks.0.self_attn.q.weight", "Wan"),
    "qwen_image": (f"{UNET}transformer_blocks.0.img_mlp.net.0.proj.weight", "Qwen-Image"),
    "z_image_turbo": ("noise_refiner.0.attention.qkv.weight", "Z-Image"),
    "omnigen2": ("ref_image_refiner.0.attn.to_q.weight", "OmniGen"),
    "hunyuan_dit": ("model.mlp_t5.0.weight", "Hunyuan-DiT"),
    "kandinsky 2.2": ("add_embedding.image_norm.weight", "Kandinsky"),
    "stable cascade": ("clip_mapper.weight", "Stable Cascade"),
    "stable audio": ("pretransform.model.decoder.layers.0.weight_g", "Stable Audio"),
}
BESIDE = {
    "control-lora": ("lora_controlnet", Kind.CONTROLNET, "Control-LoRA"),
    "lllite": (LLLITE, Kind.CONTROLNET, "LLLite"),
    "brushnet": ("brushnet_down_blocks.0.weight", Kind.CONTROLNET, "BrushNet"),
    "ControlNet of FLUX": ("controlnet_blocks.0.weight", Kind.CONTROLNET, "FLUX"),
    "pulid": ("id_adapter.mapping_0.0.weight", Kind.IP_ADAPTER, "PuLID"),
    "photomaker": ("id_encoder.visual_projection.weight", Kind.IP_ADAPTER, "PhotoMaker"),
    "IP-Adapter of FLUX": ("ip_adapter_proj_model.proj.weight", Kind.IP_ADAPTER, "FLUX"),
    "FaceID": ("ip_adapter.0.to_q_lora.down.weight", Kind.IP_ADAPTER, "faces"),
    "FaceID without LoRA": ("image_proj.proj.0.weight", Kind.IP_ADAPTER, "faces"),
    "T2I-Adapter as published": ("body.0.block1.weight", Kind.T2I_ADAPTER, ""),
    "T2I-Adapter of colours": ("body.0.body.0.block1.weight", Kind.T2I_ADAPTER, "colours"),
    "motion module": ("up_blocks.0.motion_modules.0.temporal_transformer.norm.weight", Kind.OTHER, "AnimateDiff"),
    "motion LoRA": ("down_blocks.0.motion_modules.0.x.to_q_lora.down.weight", Kind.OTHER, "AnimateDiff"),
    "t5xxl": ("encoder.block.0.layer.0.SelfAttention.q.weight", Kind.OTHER, "T5"),
    "qwen_2.5_vl": ("model.layers.0.self_attn.q_proj.weight", Kind.OTHER, "language model"),
    "taesd_decoder": ("3.conv.0.weight", Kind.OTHER, "TAESD"),
    "taesd of diffusers": ("decoder.layers.2.conv.0.weight", Kind.OTHER, "TAESD"),
    "wan_2.1_vae": ("decoder.middle.0.residual.0.gamma", Kind.OTHER, "VAE of Wan"),
    "open_clip's image encoder": ("visual.transformer.resblocks.0.attn.in_proj_weight", Kind.IMAGE_ENCODER, ""),
    "sam_vit_b": ("mask_decoder.iou_token.weight", Kind.OTHER, "Segment Anything"),
    "gfpgan": ("stylegan_decoder.constant_input.weight", Kind.OTHER, "faces"),
    "4x-UltraSharp": ("model.1.sub.0.RDB1.conv1.0.weight", Kind.OTHER, "upscaler"),
    "RealESRGAN_x4plus": ("body.0.rdb1.conv1.weight", Kind.OTHER, "upscaler"),
    "span": ("block_1.c1_r.sk.weight", Kind.OTHER, "upscaler"),
}


@pytest.mark.parametrize("name", BASES)
def test_base_models_of_other_architectures(name: str) -> None:
    sign, words = BASES[name]
    found = told(sign, f"{UNET}input_blocks.0.0.weight")
    assert found.kind is Kind.BASE and words in str(found) and "Choose an SD 1.5 or SDXL" in found.problem


@pytest.mark.parametrize("name", BESIDE)
def test_what_is_no_base_model(name: str) -> None:
    sign, kind, words = BESIDE[name]
    found = told(sign)
    assert found.kind is kind and words in str(found) and found.problem


def test_nobody_is_told_to_remove_what_other_programs_may_need() -> None:
    found = [told("something.else"), *(told(sign) for sign, *_ in BESIDE.values())]
    assert not any("remove" in info.problem.lower() for info in found)


@pytest.mark.parametrize("prefix", ["", "first_stage_model."])
@pytest.mark.parametrize("sign", ["decoder.up.0.block.0.norm1.weight", "decoder.up_blocks.0.resnets.0.norm1.weight"])
def test_a_vae_of_other_latents_is_not_offered(prefix: str, sign: str) -> None:
    """FLUX' and SD3's have the same names."""
    shapes = {channels: {f"{prefix}decoder.conv_in.weight": (512, channels, 3, 3)} for channels in (4, 16)}
    four, sixteen = (told(prefix + sign, **shapes[channels]) for channels in (4, 16))
    assert four.kind is sixteen.kind is Kind.VAE and not four.problem
    assert "16 channels" in sixteen.problem and "FLUX" in sixteen.problem


def test_a_whole_clip_is_a_text_encoder_too() -> None:
    found = told("vision_model.embeddings.class_embedding", **{KEYS: (49408, 768)})
    assert found.kind is Kind.TEXT_ENCODER and found.width == 768 and not found.problem


@pytest.mark.parametrize(
    ("stem", "metadata", "family"),
    [
        ("lora_unet_input_blocks_4_1_transformer_blocks_1_attn1_to_q", {}, "SDXL"),
        ("lora_unet_input_blocks_1_0_in_layers_2", {"ss_base_model_version": "sdxl_base_v1-0"}, "SDXL"),
        ("lora_unet_mid_block_attentions_0_proj_in", {"modelspec.architecture": "stable-diffusion-v1/lora"}, "SD1.5"),
        ("lora_unet_mid_block_attentions_0_proj_in", {"ss_base_model_version": "sd_v2_768_v"}, "SD2"),
        ("lora_unet_mid_block_attentions_0_proj_in", {}, ""),
    ],
)
def test_whose_a_lora_is_that_leaves_the_layers_for_text_alone(
    stem: str, metadata: dict[str, str], family: str
) -> None:
    """By its depth, and by what its trainer wrote."""
    found = told(f"{stem}.lora_down.weight", f"{stem}.lora_up.weight", metadata=metadata)
    assert (found.family.value if found.family else "") == family
    assert ("SD2" in found.problem) == (family == "SD2")


@pytest.mark.parametrize(("width", "family"), [(768, "SD1.5"), (2048, "SDXL"), (1024, "SD2")])
def test_a_controlnet_of_sd2_is_not_offered(width: int, family: str) -> None:
    found = told("controlnet_x", **{"mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight": (8, width)})
    assert found.family is not None and found.family.value == family
    assert ("choose" in found.problem) == (family == "SD2")


@pytest.mark.parametrize(("tables", "family"), [(("clip_l", "clip_g"), "SD3"), (("clip_l",), "FLUX")])
def test_embeddings_with_a_table_for_t5(tables: tuple[str, ...], family: str) -> None:
    found = told(*tables, "t5")
    assert found.kind is Kind.EMBEDDING and family in found.problem


@pytest.mark.parametrize("layer", ["add_q_proj", "to_q"])
@pytest.mark.parametrize(
    ("width", "block", "family"), [(3072, 18, "FLUX"), (3072, 59, "Qwen-Image"), (1536, 11, "Stable Diffusion 3")]
)
def test_whose_a_lora_of_joint_attention_alone_is(layer: str, width: int, block: int, family: str) -> None:
    """In diffusers' spelling their names are the same."""
    stem = f"transformer.transformer_blocks.{block}.attn.{layer}"
    assert family in told(**{f"{stem}.lora_A.weight": (4, width), f"{stem}.lora_B.weight": (width, 4)}).problem


def test_a_word_of_several_vectors_is_an_embedding() -> None:
    found = told(**{"<cat>": (768,), "<cat>_1": (768,)})
    assert found.kind is Kind.EMBEDDING and found.family is Family.SD15 and not found.problem


@pytest.mark.parametrize(
    ("version", "family"), [("flux1", "FLUX"), ("sd3m", "Stable Diffusion 3"), ("sdxl_base_v1-0", "")]
)
def test_whose_a_lora_of_a_shared_text_encoder_is(version: str, family: str) -> None:
    """CLIP-L is in all of them: its trainer says what it was made for."""
    stem = "lora_te1_text_model_encoder_layers_0_self_attn_q_proj"
    names = (f"{stem}.lora_down.weight", f"{stem}.lora_up.weight")
    found = told(*names, metadata={"ss_base_model_version": version})
    assert found.kind is Kind.STYLE_LORA and bool(found.problem) == bool(family) and family in found.problem


@pytest.mark.parametrize(("width", "family"), [(768, Family.SD15), (1280, Family.SDXL), (3584, None)])
def test_whose_a_word_of_one_table_is(width: int, family: Family | None) -> None:
    found = told(emb_params=(2, width))
    assert found.kind is Kind.EMBEDDING and found.family is family
    assert ("choose one" in found.problem) == (family is None)
