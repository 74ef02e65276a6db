"""What trainers write before the name of a layer, and a layer's name for a person. Torch-free."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

# what stands before a layer's name, and the parts that it may mean; longer ones first
PREFIXES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("base_model.model.text_encoder_2.", ("text_encoder_2",)),
    ("base_model.model.text_encoder.", ("text_encoder",)),
    ("base_model.model.unet.", ("unet",)),
    ("base_model.model.diffusion_model.", ("unet",)),
    ("base_model.model.", ("unet", "text_encoder", "text_encoder_2")),
    ("model.diffusion_model.", ("unet",)),
    ("diffusion_model.", ("unet",)),
    ("lora_unet_", ("unet",)),
    ("lycoris_unet_", ("unet",)),
    ("unet.", ("unet",)),
    ("text_encoders.clip_l.transformer.", ("text_encoder",)),
    ("text_encoders.clip_g.transformer.", ("text_encoder_2",)),
    ("cond_stage_model.transformer.", ("text_encoder",)),
    ("conditioner.embedders.0.transformer.", ("text_encoder",)),
    ("text_encoder_2.", ("text_encoder_2",)),
    ("text_encoder.", ("text_encoder",)),
    ("lora_te2_", ("text_encoder_2",)),
    ("lora_te1_", ("text_encoder",)),
    ("lora_te_", ("text_encoder",)),
    ("lycoris_", ("unet", "text_encoder", "text_encoder_2")),
    ("clip_g.", ("text_encoder_2",)),
    ("clip_l.", ("text_encoder",)),
    ("", ("unet", "text_encoder", "text_encoder_2")),
)


def split(stem: str) -> tuple[tuple[str, ...], str]:
    """The parts of a model that a file's name of a layer may mean, and the rest of the name."""
    prefix, parts = next(row for row in PREFIXES if stem.startswith(row[0]))
    return parts, stem.removeprefix(prefix)


def readable(stem: str) -> str:
    """`lora_unet_down_blocks_9_attentions_0_proj_in` → `down_blocks.9.attentions.0.proj_in`."""
    parts, plain = split(stem)
    rest = re.sub(r"_(?=\d+(_|$))", ".", plain)
    rest = re.sub(r"(\.\d+)_", r"\1.", rest)
    return rest if parts[0] == "unet" else f"{parts[0]}.{rest}"


def by_part(stems: Iterable[str]) -> str:
    """How many names there are of each part of a model: `down_blocks.9 (2), text_encoder_2 (24)`."""
    counts: dict[str, int] = defaultdict(int)
    for stem in stems:
        counts[re.split(r"\.(?=\D)", readable(stem))[0]] += 1
    return ", ".join(f"{part} ({count})" for part, count in sorted(counts.items()))
