"""One and the same low-rank offsets, as every trainer spells them; and every other kind of style file."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from acetate_engine.models.checkpoints.names import SD15_ATTENTION_UP_BLOCKS, SDXL_ATTENTION_UP_BLOCKS, to_ldm
from tests.engine.models import add_ons

Factors = dict[str, tuple[Tensor, Tensor]]
Spell = Callable[[Factors], dict[str, Tensor]]


def dotted(prefix: str, down: str = "lora_A.weight", up: str = "lora_B.weight") -> Spell:
    def spell(factors: Factors) -> dict[str, Tensor]:
        tensors = {f"{prefix}{name}.{down}": pair[0] for name, pair in factors.items()}
        return tensors | {f"{prefix}{name}.{up}": pair[1] for name, pair in factors.items()}

    return spell


def ldm(prefix: str, blocks: frozenset[int]) -> Spell:
    def spell(factors: Factors) -> dict[str, Tensor]:
        renamed = {to_ldm(f"{name}.weight", blocks).removesuffix(".weight"): pair for name, pair in factors.items()}
        return dotted(prefix)(renamed)

    return spell


def attention_processors(factors: Factors) -> dict[str, Tensor]:
    """diffusers' first form, which only knew attentions."""
    tensors = {}
    for name, (down, up) in factors.items():
        stem, _, layer = name.removesuffix(".0").rpartition(".")
        own = f"unet.{stem}.processor.{layer}_lora" if ".attn" in name else f"unet.{name}.lora"
        tensors |= {f"{own}.down.weight": down, f"{own}.up.weight": up}
    return tensors


def with_alpha(spell: Spell, alpha: float) -> Spell:
    """PEFT's scale as trainers note it beside the factors."""

    def spelled(factors: Factors) -> dict[str, Tensor]:
        tensors = spell({name: (down, up * len(down) / alpha) for name, (down, up) in factors.items()})
        stems = {name.rpartition(".lora_A")[0] for name in tensors if ".lora_A" in name}
        return tensors | {f"{stem}.alpha": torch.tensor(alpha) for stem in stems}

    return spelled


def kohya(prefix: str = "lora_unet") -> Spell:
    return lambda factors: add_ons.kohya({name: (down, up * 2) for name, (down, up) in factors.items()}, prefix)


ANY: dict[str, Spell] = {
    "kohya": kohya(),
    "lycoris": kohya("lycoris_unet"),
    "diffusers": dotted("unet."),
    "diffusers mixed": add_ons.mixed,
    "diffusers processors": attention_processors,
    "peft": dotted("base_model.model."),
    "peft unet": dotted("base_model.model.unet."),
    "peft default": dotted("base_model.model.", "lora_A.default.weight", "lora_B.default.weight"),
    "bare": dotted(""),
    "bare alpha": with_alpha(dotted(""), 0.5),
    "down and up": dotted("unet.", "lora_down.weight", "lora_up.weight"),
}
SD15: dict[str, Spell] = {"diffusion_model": ldm("diffusion_model.", SD15_ATTENTION_UP_BLOCKS)}
SDXL: dict[str, Spell] = {
    "kohya sgm": lambda factors: add_ons.kohya_sgm({name: (d, u * 2) for name, (d, u) in factors.items()}),
    "diffusion_model": ldm("diffusion_model.", SDXL_ATTENTION_UP_BLOCKS),
}
