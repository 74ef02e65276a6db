"""A Qwen-Image-Layered of random weights: the real classes, small, saved as its folder is."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import (
    AutoencoderKLQwenImage,
    FlowMatchEulerDiscreteScheduler,
    QwenImageLayeredPipeline,
    QwenImageTransformer2DModel,
)
from tokenizers.pre_tokenizers import ByteLevel
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, Qwen2Tokenizer

_SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>")
_WIDTH = 16


def write_qwen(folder: Path) -> None:
    torch.manual_seed(0)
    words = [*sorted(ByteLevel.alphabet()), *_SPECIAL]
    tokenizer = Qwen2Tokenizer(vocab={word: index for index, word in enumerate(words)}, merges=[])
    QwenImageLayeredPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=AutoencoderKLQwenImage(base_dim=4, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1, input_channels=4),
        text_encoder=_text_encoder(len(words)),
        tokenizer=tokenizer,
        processor=None,
        transformer=QwenImageTransformer2DModel(
            num_layers=1,
            attention_head_dim=_WIDTH,
            num_attention_heads=1,
            joint_attention_dim=_WIDTH,
            axes_dims_rope=(4, 6, 6),
            use_additional_t_cond=True,
            use_layer3d_rope=True,
        ),
    ).save_pretrained(folder)


def _text_encoder(words: int) -> Qwen2_5_VLForConditionalGeneration:
    size = {"hidden_size": _WIDTH, "intermediate_size": _WIDTH}
    text = {
        **size,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "vocab_size": words,
        "rope_parameters": {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 1e6},
    }
    vision = {**size, "depth": 1, "num_heads": 2, "out_hidden_size": _WIDTH}
    config = Qwen2_5_VLConfig(text_config=text, vision_config=vision)
    return Qwen2_5_VLForConditionalGeneration(config).eval()
