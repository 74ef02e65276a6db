"""Which parts of a base model a single file holds, and under which names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from acetate_engine.models.checkpoints.header import Header


class Part(str, Enum):
    """By its name in a diffusers folder."""

    UNET = "unet"
    VAE = "vae"
    TEXT = "text_encoder"  # CLIP-L
    TEXT_2 = "text_encoder_2"  # CLIP-G: SDXL's second

    @property
    def said(self) -> str:
        return _SAID[self]


_SAID = {
    Part.UNET: "UNet",
    Part.VAE: "VAE",
    Part.TEXT: "text encoder (CLIP-L)",
    Part.TEXT_2: "second text encoder (CLIP-G)",
}


class Naming(Enum):
    """How the parameters of a part are called."""

    ORIGINAL = "as in the code that it was published with"
    DIFFUSERS = "as in diffusers and transformers"


@dataclass(frozen=True)
class PartPlace:
    """A part's parameters: names that begin with `prefix`."""

    prefix: str
    naming: Naming


# prefixes and a name behind them that tells the part; the first that is there counts
_SIGNS: Mapping[Part, tuple[tuple[str, str, Naming], ...]] = {
    Part.UNET: (
        *(
            (prefix, "input_blocks.0.0.weight", Naming.ORIGINAL)
            for prefix in ("model.diffusion_model.", "diffusion_model.", "")
        ),
        *(
            (prefix, "down_blocks.0.resnets.0.norm1.weight", Naming.DIFFUSERS)
            for prefix in ("model.diffusion_model.", "unet.", "")
        ),
    ),
    Part.VAE: (
        *(
            (prefix, "decoder.up.0.block.0.norm1.weight", Naming.ORIGINAL)
            for prefix in ("first_stage_model.", "vae.", "")
        ),
        *(
            (prefix, "decoder.up_blocks.0.resnets.0.norm1.weight", Naming.DIFFUSERS)
            for prefix in ("first_stage_model.", "vae.", "")
        ),
    ),
    Part.TEXT: tuple(
        (prefix, f"{inner}embeddings.token_embedding.weight", Naming.DIFFUSERS)
        for prefix in (
            "cond_stage_model.transformer.",
            "conditioner.embedders.0.transformer.",
            "text_encoders.clip_l.transformer.",
            "text_encoder.",
            "",
        )
        for inner in ("text_model.", "")
    ),
    Part.TEXT_2: (
        ("conditioner.embedders.1.model.", "token_embedding.weight", Naming.ORIGINAL),
        *(
            (prefix, "text_model.embeddings.token_embedding.weight", Naming.DIFFUSERS)
            for prefix in ("text_encoders.clip_g.transformer.", "text_encoder_2.")
        ),
    ),
}
_WIDTH_OF_CLIP_G = 1280
_SCALES = re.compile(r".*\.(scale_weight|weight_scale|scale_input|input_scale|comfy_quant)|.*scaled_fp8")
_UNUSED = re.compile(r".*(position_ids|logit_scale)|v_pred|ztsnr|edm_(mean|std)|edm_vpred\.sigma_m\w+")  # or are marks


def find_parts(header: Header) -> dict[Part, PartPlace]:
    """The parts that are there, whole or not."""
    found = dict(_found(header))
    alone = header.shapes.get("text_model.embeddings.token_embedding.weight") or header.shapes.get(
        "token_embedding.weight"
    )
    if alone and Part.UNET not in found and len(alone) == 2 and "token_embedding.weight" in header.shapes:
        return {Part.TEXT_2: PartPlace("", Naming.ORIGINAL)}
    if alone and Part.TEXT in found and found[Part.TEXT].prefix == "" and alone[-1:] == (_WIDTH_OF_CLIP_G,):
        found[Part.TEXT_2] = found.pop(Part.TEXT)
    return found


def _found(header: Header) -> Iterator[tuple[Part, PartPlace]]:
    for part, signs in _SIGNS.items():
        for prefix, name, naming in signs:
            if prefix + name in header.shapes and _is_whole(header, part, prefix):
                yield part, PartPlace(prefix, naming)
                break


def _is_whole(header: Header, part: Part, prefix: str) -> bool:
    """A ControlNet has the first half of a UNet's names."""
    if part is not Part.UNET:
        return True
    return any(name.startswith((f"{prefix}output_blocks.", f"{prefix}up_blocks.")) for name in header.shapes)


def names_of(header: Header, place: PartPlace) -> list[str]:
    """Names of a part's parameters in the file; its scales for 8 bits, and what no part reads, are none of them."""
    return [name for name in header.shapes if name.startswith(place.prefix) and not is_beside(name)]


def is_beside(name: str) -> bool:
    return bool(_SCALES.fullmatch(name) or _UNUSED.fullmatch(name))
