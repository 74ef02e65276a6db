"""Files of other programs and other models, told by names that only these have: a folder that is shared holds many."""

from __future__ import annotations

import re

from acetate_engine.models.checkpoints.header import Header
from acetate_engine.models.checkpoints.info import Family, FileInfo, Kind

CHOOSE = "Choose an SD 1.5 or SDXL checkpoint: layer adapters were published for these"
_NOT_HERE = "It is not used here; other programs may need it"
_WHOLE_NET = "Choose the ControlNet itself, for SD 1.5 or SDXL"
_PLAIN_LOOK = "Choose a plain IP-Adapter or a plus one, for SD 1.5 or SDXL"
_FOLDER = "Put the diffusers folder of the T2I-Adapter, config.json included, into adapters"
_IMAGE_FOLDER = "Put the folder that was published with it, config.json included, into ip_adapter"

_BESIDE = (  # what is no base model; what others have, too, comes last
    (Kind.CONTROLNET, "a Control-LoRA", _WHOLE_NET, r"lora_controlnet"),
    (Kind.CONTROLNET, "ControlNet-LLLite", _WHOLE_NET, r"lllite_unet_.*"),
    (Kind.CONTROLNET, "BrushNet", _WHOLE_NET, r"brushnet_\w*down_blocks\..*"),
    (Kind.CONTROLNET, "of FLUX, SD3 or another transformer", _WHOLE_NET, r"controlnet_blocks\..*"),
    (Kind.IP_ADAPTER, "PuLID, for faces", _PLAIN_LOOK, r"(id_adapter|pulid_encoder|id_adapter_attn_layers)\..*"),
    (Kind.IP_ADAPTER, "PhotoMaker, for faces", _PLAIN_LOOK, r"id_encoder\..*"),
    (Kind.IP_ADAPTER, "of FLUX", _PLAIN_LOOK, r".*ip_adapter_(double|single)_stream_.*|ip_adapter_proj_model\..*"),
    (
        Kind.IP_ADAPTER,
        "for faces, which needs another program to find them",
        _PLAIN_LOOK,
        r"ip_adapter\.\d+\.\w+_lora\..*|image_proj\.(proj\.\d|perceiver_resampler)\..*",
    ),
    (Kind.T2I_ADAPTER, "for colours", _FOLDER, r"body\.0\.body\.0\.block1\.weight"),
    (Kind.T2I_ADAPTER, "for styles", _FOLDER, r"style_embedding"),
    (Kind.T2I_ADAPTER, "", _FOLDER, r"adapter\.body\..*|body\.0\.block1\.weight"),
    (Kind.OTHER, "a motion module of AnimateDiff", CHOOSE, r"(.*\.)?motion_modules\.\d+\..*"),
    (Kind.OTHER, "T5, which FLUX, SD3 and others read text with", _NOT_HERE, r"encoder\.block\.\d+\.layer\.0\.Self.*"),
    (
        Kind.OTHER,
        "a language model, which Qwen-Image, Hunyuan Video and others read text with",
        _NOT_HERE,
        r"(model\.|language_model\.)*layers\.\d+\.self_attn\.q_proj\..*",
    ),
    (Kind.OTHER, "TAESD, for previews", _NOT_HERE, r"((en|de)coder\.layers\.)?\d+\.conv\.\d+\.weight"),
    (Kind.OTHER, "a VAE of Wan or Qwen-Image", _NOT_HERE, r"(.*\.)?decoder\.middle\.\d+\.residual\..*"),
    (Kind.IMAGE_ENCODER, "", _IMAGE_FOLDER, r"visual\.transformer\.resblocks\..*"),
    (Kind.OTHER, "Segment Anything", _NOT_HERE, r"mask_decoder\..*"),
    (Kind.OTHER, "a restorer of faces", _NOT_HERE, r"stylegan_decoder\..*"),
    (Kind.OTHER, "an estimator of depth", _NOT_HERE, r"depth_head\..*"),
    (Kind.OTHER, "a remover of backgrounds", _NOT_HERE, r"bb\.layers\..*"),
    (
        Kind.OTHER,
        "an upscaler",
        _NOT_HERE,
        r"(body\.\d+\.rdb1\.|model\.1\.sub\.|conv_first\.|block_1\.c1_r\.|feats\.0\.).*|body\.0\.weight",
    ),
)
_UNET = r"(?:model\.){0,2}(?:diffusion_model\.|net\.)?"
_BASES = (
    (Family.OTHER, "Stable Video Diffusion", r"input_blocks\.\d+\.\d+\.time_(stack|mixer)\..*"),
    (Family.OTHER, "an upscaler of Stable Diffusion", r"low_scale_model\..*"),
    (Family.OTHER, "Hunyuan Video", r"txt_in\.individual_token_refiner\..*"),
    (Family.OTHER, "HiDream", r"(double|single)_stream_blocks\..*"),
    (Family.OTHER, "AuraFlow", r"(double_layers|joint_transformer_blocks)\..*"),
    (Family.OTHER, "LTX-Video", r"patchify_proj\..*"),
    (Family.OTHER, "Kandinsky", r"add_embedding\.image_norm\..*"),
    (Family.OTHER, "Kolors", r"encoder_hid_proj\..*"),
    (Family.OTHER, "Chroma", r"distilled_guidance_layer\..*"),
    (Family.FLUX, "", r"(double_blocks|single_transformer_blocks)\..*"),
    (Family.SD3, "", r"joint_blocks\..*"),
    (Family.OTHER, "Sana", r"attention_y_norm\..*|blocks\.\d+\.mlp\.inverted_conv\..*"),
    (Family.OTHER, "Mochi", r"blocks\.\d+\.attn\.qkv_x\..*"),
    (Family.OTHER, "Cosmos", r"blocks\.(block\d+\.blocks|\d+\.adaln_modulation_self_attn)\..*"),
    (Family.OTHER, "Wan", r"blocks\.\d+\.(cross_attn|self_attn)\..*"),
    (Family.OTHER, "Qwen-Image", r"transformer_blocks\.\d+\.(img_mlp|txt_mlp)\..*"),
    (Family.OTHER, "OmniGen", r"ref_image_refiner\..*"),
    (Family.OTHER, "Lumina or Z-Image", r"(noise_refiner|context_refiner)\..*"),
    (Family.OTHER, "Hunyuan-DiT", r"mlp_t5\..*"),
    (Family.OTHER, "PixArt", r"(t_block|adaln_single)\..*"),
    (Family.OTHER, "CogVideoX", r"patch_embed\.text_proj\..*"),
    (Family.OTHER, "Stable Cascade", r"(clip_txt_pooled_mapper|clip_mapper)\..*"),
    (Family.OTHER, "Stable Audio", r"pretransform\..*"),
)
_BESIDE_PATTERNS = tuple((*row[:3], re.compile(row[3])) for row in _BESIDE)
_BASE_PATTERNS = tuple((family, name, re.compile(_UNET + f"(?:{pattern})")) for family, name, pattern in _BASES)


def beside_bases(header: Header) -> FileInfo | None:
    """What is no base model, and not read here."""
    for kind, name, problem, pattern in _BESIDE_PATTERNS:
        if any(pattern.fullmatch(each) for each in header.shapes):
            return FileInfo(header.path, kind, Family.OTHER if name else None, architecture=name, problem=problem)
    return None


def foreign_base(header: Header) -> FileInfo | None:
    """A base model of an architecture that layer adapters were not published for."""
    for family, name, pattern in _BASE_PATTERNS:
        if any(pattern.fullmatch(each) for each in header.shapes):
            return FileInfo(header.path, Kind.BASE, family, architecture=name, problem=CHOOSE)
    return None
