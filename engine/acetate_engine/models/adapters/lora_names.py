"""How trainers call the layers of a model: every spelling of one layer leads to the same module."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from torch import Tensor, nn

from acetate_engine.models.checkpoints.info import Family
from acetate_engine.models.checkpoints.lora_stems import split
from acetate_engine.models.checkpoints.names import SD15_ATTENTION_UP_BLOCKS, SDXL_ATTENTION_UP_BLOCKS, to_ldm

LoraPlace = tuple[str, str]
"""(part of the model, module in it)."""


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
        parts, inner = split(stem)
        rest = _plain(inner)
        return [(part, self._known[part, rest]) for part in parts if (part, rest) in self._known]

    def lacks_part(self, stem: str) -> str | None:
        """The part that a name speaks of, where this model has no such part."""
        parts, _ = split(stem)
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
