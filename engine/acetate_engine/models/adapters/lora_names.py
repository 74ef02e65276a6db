"""How trainers call the layers of a model: every spelling of one layer leads to the same module."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from torch import Tensor, nn

from acetate_engine.models.checkpoints.info import Family
from acetate_engine.models.checkpoints.names import SD15_ATTENTION_UP_BLOCKS, SDXL_ATTENTION_UP_BLOCKS, to_ldm

LoraPlace = tuple[str, str]
"""(part of the model, module in it)."""

# what stands before a layer's name, and the parts that it may mean; longer ones first
_PREFIXES: tuple[tuple[str, tuple[str, ...]], ...] = (
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


class LayerNames:
    """The layers of a model's parts by all of their spellings.

    Args:
        parts: "unet", and "text_encoder" and "text_encoder_2" where there are such; without any adapter in them.
    """

    def __init__(self, parts: Mapping[str, nn.Module], family: Family) -> None:
        blocks = SD15_ATTENTION_UP_BLOCKS if family is Family.SD15 else SDXL_ATTENTION_UP_BLOCKS
        self.parts = tuple(parts)
        self._known: dict[tuple[str, str], str] = {}
        for part, module in parts.items():
            for name, layer in module.named_modules():
                if isinstance(getattr(layer, "weight", None), Tensor):
                    spelled = _of_unet(name, blocks) if part == "unet" else _of_text(name)
                    self._known |= {(part, _plain(spelling)): name for spelling in spelled}

    def find(self, stem: str) -> list[LoraPlace]:
        """Where a file's name of a layer may lead: one place, and several where it does not say of which encoder."""
        prefix, parts = next(row for row in _PREFIXES if stem.startswith(row[0]))
        rest = _plain(stem.removeprefix(prefix))
        return [(part, self._known[part, rest]) for part in parts if (part, rest) in self._known]

    def lacks_part(self, stem: str) -> str | None:
        """The part that a name speaks of, where this model has no such part."""
        _, parts = next(row for row in _PREFIXES if stem.startswith(row[0]))
        return parts[0] if len(parts) == 1 and parts[0] not in self.parts else None


def _plain(name: str) -> str:
    """Trainers write dots as underscores, and older files name the processor of an attention."""
    return name.replace(".processor.", ".").replace(".", "_").removeprefix("text_model_")


def _of_unet(name: str, blocks: frozenset[int]) -> Iterator[str]:
    yield name
    if name.endswith(".to_out.0"):
        yield name.removesuffix(".0")
    try:
        yield to_ldm(f"{name}.weight", blocks).removesuffix(".weight")
    except KeyError:  # no published UNet has this layer
        return


def _of_text(name: str) -> Iterator[str]:
    yield name
    for ours, older in (("q_proj", "to_q"), ("k_proj", "to_k"), ("v_proj", "to_v"), ("out_proj", "to_out")):
        if name.endswith(f"self_attn.{ours}"):
            yield name.removesuffix(ours) + older


def readable(stem: str) -> str:
    """`lora_unet_down_blocks_9_attentions_0_proj_in` → `down_blocks.9.attentions.0.proj_in`."""
    prefix, parts = next(row for row in _PREFIXES if stem.startswith(row[0]))
    rest = re.sub(r"_(?=\d+(_|$))", ".", stem.removeprefix(prefix))
    rest = re.sub(r"(\.\d+)_", r"\1.", rest)
    return rest if parts[0] == "unet" else f"{parts[0]}.{rest}"


def by_part(stems: list[str]) -> str:
    """How many names there are of each part of a model: `down_blocks.9 (2), text_encoder_2 (24)`."""
    counts: dict[str, int] = defaultdict(int)
    for stem in stems:
        counts[re.split(r"\.(?=\D)", readable(stem))[0]] += 1
    return ", ".join(f"{part} ({count})" for part, count in sorted(counts.items()))
