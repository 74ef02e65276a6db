"""What the file with a header is."""

from __future__ import annotations

import re
from dataclasses import replace

from acetate_engine.models.checkpoints.foreign import CHOOSE, beside_bases, foreign_base
from acetate_engine.models.checkpoints.header import Header
from acetate_engine.models.checkpoints.info import Family, FileInfo, Kind
from acetate_engine.models.checkpoints.loras import (
    foreign_architecture,
    is_lora,
    is_text_only,
    kinds_unread,
    layers_read,
    listening_width,
    said_unread,
    text_widths,
)
from acetate_engine.models.checkpoints.parts import Naming, Part, PartPlace, find_parts
from acetate_engine.models.checkpoints.sampling import sampling_of
from acetate_engine.models.checkpoints.structure import Structure, differences, published

FAMILIES_BY_WIDTH = {
    384: Family.MINI,
    768: Family.SD15,
    1024: Family.SD2,
    1280: Family.SDXL_REFINER,
    2048: Family.SDXL,
}
_USABLE = (Family.SD15, Family.SDXL, None)
_LATENT_CHANNELS = 4


def identify(header: Header) -> FileInfo:
    """What the file with this header is; `Kind.UNKNOWN` if nothing known matches."""
    for recognise in (
        _transparency,
        _sharing,
        _offsets,
        beside_bases,
        _lora,
        foreign_base,
        _add_on,
        _base,
        _single_part,
        _embedding,
    ):
        if info := recognise(header):
            return info
    problem = "It is none of the models that are known here, and is left alone"
    return FileInfo(header.path, Kind.UNKNOWN, problem=problem)


def _transparency(header: Header) -> FileInfo | None:
    if "latent_conv_in.weight" in header.shapes and "conv_norm_out.weight" in header.shapes:
        return FileInfo(header.path, Kind.TRANSPARENT_DECODER)
    first = header.shapes.get("blocks.0.weight", ())
    if len(first) == 4 and first[1] == 4:
        return FileInfo(header.path, Kind.TRANSPARENT_ENCODER)
    return None


def _sharing(header: Header) -> FileInfo | None:
    if "hookers.layers.0.temporal_i.weight" not in header.shapes:
        return None
    frames = sum(f"hookers.layers.0.to_q_lora.{frame}.down.weight" in header.shapes for frame in range(8))
    context = (*header.shapes.get("hookers.layers.1.to_k_lora.0.down.weight", ()), 0, 0)[1]
    return FileInfo(header.path, Kind.SHARING, Family.SD15 if context == 768 else None, frames=frames)


def _offsets(header: Header) -> FileInfo | None:
    names = header.shapes
    if any(name.endswith("::lora::0") for name in names):
        return FileInfo(header.path, Kind.OFFSET_LORA, Family.SDXL)
    if any(name.endswith("::diff::0") for name in names):
        entry = names.get("diffusion_model.input_blocks.0.0.weight::diff::0", ())
        return FileInfo(header.path, Kind.OFFSET, Family.SDXL, input_channels=(*entry, None, None)[1])
    attention = re.compile(r"(down|mid|up)_blocks?\..*\.attn\d\.to_q\.weight")
    if any(attention.fullmatch(name) for name in names) and "conv_in.weight" not in names:
        return FileInfo(header.path, Kind.OFFSET_DIFFUSERS, Family.SDXL)
    return None


def _base(header: Header) -> FileInfo | None:
    parts = find_parts(header)
    if Part.UNET not in parts:
        return None
    unet = parts[Part.UNET]
    width = _listening(header, unet)
    family = FAMILIES_BY_WIDTH.get(width or 0) or _family_by_structure(header, parts)
    if family is Family.SDXL and _is_small(header, unet):
        family = Family.SDXL_SMALL
    channels = _channels(header, unet)
    info = FileInfo(
        header.path, Kind.BASE, family, None, channels, width, frozenset(parts), sampling=sampling_of(header)
    )
    problem = _quantised(header, unet) or problem_of_base(info, Structure.of_header(header, unet, width))
    return replace(info, problem=problem)


_PACKED = re.compile(r".*\.(qweight|absmax|quant_map|wscales|zeros|g_idx)")
_WHOLE_NUMBERS = ("U8", "I8", "I16", "I32", "F4", "F6_E2M3", "F6_E3M2")


def _quantised(header: Header, unet: PartPlace) -> str:
    """Of a UNet in fewer bits than are read here: bitsandbytes, GPTQ, Nunchaku, NVFP4 and the like."""
    names = (name for name in header.shapes if name.startswith(unet.prefix))
    packed = any(
        _PACKED.fullmatch(name) or (name.endswith(".weight") and header.dtypes[name] in _WHOLE_NUMBERS)
        for name in names
    )
    return "Its weights are packed into 4 or 8 bits: choose the file in 16 bits, or in plain or scaled fp8" * packed


def problem_of_base(info: FileInfo, built: Structure | None) -> str:
    """Why no layer can be made with a base model, and what to do; empty where one can."""
    other = differences(built, published(info.family))
    if info.family not in _USABLE:
        return CHOOSE
    if other and info.family:
        return f"It is no plain {info.family.value}: its UNet has {other}. {CHOOSE}"
    if info.sampling.edm:
        return f"It is an EDM model, whose noise and latents are spread in another way. {CHOOSE}"
    if info.sampling.unread:
        return f"It predicts {info.sampling.unread}, and not noise or velocity as the layer adapters do. {CHOOSE}"
    if info.input_channels not in (None, _LATENT_CHANNELS):
        return (
            f"It is an inpainting or editing model with {info.input_channels} input channels. "
            "Choose the model that it was made from; regions are inpainted with that one"
        )
    return ""


def _listening(header: Header, unet: PartPlace) -> int | None:
    names = re.compile(rf"{re.escape(unet.prefix)}.*\.transformer_blocks\.0\.attn2\.to_k\.weight")
    return _one_width(header, names)


def _one_width(header: Header, names: re.Pattern[str]) -> int | None:
    """Of the text that the maps of these names listen to."""
    widths = {shape[1] for name, shape in header.shapes.items() if len(shape) > 1 and names.fullmatch(name)}
    return widths.pop() if len(widths) == 1 else None


def _channels(header: Header, unet: PartPlace) -> int | None:
    name = "input_blocks.0.0.weight" if unet.naming is Naming.ORIGINAL else "conv_in.weight"
    return (*header.shapes.get(unet.prefix + name, ()), None, None)[1]


def _family_by_structure(header: Header, parts: dict[Part, PartPlace]) -> Family | None:
    """Of a UNet whose width is that of no published one."""
    prefix = parts[Part.UNET].prefix
    if any(name.startswith("conditioner.embedders.0.model.") for name in header.shapes):
        return Family.SDXL_REFINER
    if any(f"{prefix}{name}.weight" in header.shapes for name in ("label_emb.0.0", "add_embedding.linear_1")):
        return Family.SDXL
    if any(name.startswith("cond_stage_model.model.") for name in header.shapes):
        return Family.SD2
    first = (f"{prefix}input_blocks.1.1.norm.weight", f"{prefix}down_blocks.0.attentions.0.norm.weight")
    return Family.SD15 if any(name in header.shapes for name in first) else None


def _is_small(header: Header, unet: PartPlace) -> bool:
    """SSD-1B, Vega and the smaller KOALA have no attention in the middle; all leave blocks out."""
    middle, last = (
        ("middle_block.1.", "output_blocks.8.")
        if unet.naming is Naming.ORIGINAL
        else ("mid_block.attentions.", "up_blocks.2.resnets.2.")
    )
    return not all(any(name.startswith(unet.prefix + start) for name in header.shapes) for start in (middle, last))


def _lora(header: Header) -> FileInfo | None:
    if not is_lora(header):
        return None
    info = FileInfo(header.path, Kind.STYLE_LORA, sampling=sampling_of(header, is_lora=True))
    if architecture := foreign_architecture(header) or _foreign_told(header):
        problem = f"It is a LoRA of {architecture}: choose one that was made for SD 1.5 or SDXL"
        return replace(info, family=Family.OTHER, architecture=architecture, problem=problem)
    width = listening_width(header)
    family = FAMILIES_BY_WIDTH.get(width or 0) if width else _family_of_lora(header)
    problem = ""
    if family not in (*_USABLE, Family.MINI):
        problem = f"It is a LoRA of {family.value}: choose one that was made for SD 1.5 or SDXL" if family else ""
    elif (unread := kinds_unread(header.shapes)) and not layers_read(header.shapes):
        told = said_unread(unread)
        problem = f"It is of a kind that is not read here ({told}): choose a LoRA, LoCon, LoHa, LoKr or DoRA"
    return replace(info, family=family, width=width, problem=problem)


def _family_of_lora(header: Header) -> Family | None:
    """Of one that leaves the layers for text alone."""
    second = (
        "lora_te1_",
        "lora_te2_",
        "lycoris_te2_",
        "text_encoder_2.",
        "lora_unet_label_emb",
        "lora_unet_add_embedding",
    )
    if any(name.startswith(second) for name in header.shapes):
        return Family.SDXL
    widths = text_widths(header)
    if is_text_only(header):
        return {768: Family.SD15, 1024: Family.SD2}.get(widths.pop()) if len(widths) == 1 else None
    if any(_DEEP.fullmatch(name) for name in header.shapes):
        return Family.SDXL
    return _family_told(header)


_DEEP = re.compile(r".*[._]transformer_blocks[._][1-9]\d*[._].*")  # SD 1.5 has one transformer layer at each place
_TOLD = (  # what trainers write into the metadata
    (Family.SDXL, ("sdxl", "stable-diffusion-xl")),
    (Family.SD2, ("sd_v2", "stable-diffusion-v2")),
    (Family.SD15, ("sd_v1", "sd_1", "stable-diffusion-v1")),
)


_FOREIGN_TOLD = (("FLUX", ("flux",)), ("Stable Diffusion 3", ("sd3", "stable-diffusion-3", "stable-diffusion-v3")))


def _told(header: Header) -> str:
    names = ("ss_base_model_version", "modelspec.architecture")
    return " ".join(header.metadata.get(name, "") for name in names).lower()


def _family_told(header: Header) -> Family | None:
    said = _told(header)
    return next((family for family, words in _TOLD if any(word in said for word in words)), None)


def _foreign_told(header: Header) -> str | None:
    """Of one that changes nothing but a text encoder, which these share with SD 1.5 and SDXL."""
    said = _told(header) if is_text_only(header) else ""
    return next((name for name, words in _FOREIGN_TOLD if any(word in said for word in words)), None)


def _add_on(header: Header) -> FileInfo | None:
    names = list(header.shapes)
    if any(name.startswith(("ip_adapter.", "image_proj.")) for name in names):
        return _reading_text(header, Kind.IP_ADAPTER, r"ip_adapter\.\d+\.to_[kv]_ip\.weight")
    if any(name.startswith(("control_model.", "controlnet_", "input_hint_block.")) for name in names):
        kind = Kind.CONTROLNET_UNION if "task_embedding" in header.shapes else Kind.CONTROLNET
        return _reading_text(header, kind, r".*\.transformer_blocks\.0\.attn2\.to_k\.weight")
    if any(name.startswith("vision_model.") for name in names) and _text_width(header) is None:
        problem = "Put the folder that was published with it, config.json included, into ip_adapter"
        return FileInfo(header.path, Kind.IMAGE_ENCODER, problem=problem)
    return None


def _reading_text(header: Header, kind: Kind, names: str) -> FileInfo:
    """Of the family that the width of these tells."""
    width = _one_width(header, re.compile(names))
    family = FAMILIES_BY_WIDTH.get(width or 0)
    foreign = family not in (*_USABLE, Family.MINI)
    problem = f"It is of {family.value}: choose one for SD 1.5 or SDXL" if family and foreign else ""
    return FileInfo(header.path, kind, family, width=width, problem=problem)


def _single_part(header: Header) -> FileInfo | None:
    """A VAE or a text encoder alone."""
    parts = find_parts(header)
    if Part.VAE in parts:
        return FileInfo(header.path, Kind.VAE, parts=frozenset(parts), problem=_problem_of_vae(header, parts[Part.VAE]))
    if any(part in parts for part in (Part.TEXT, Part.TEXT_2)):
        return FileInfo(header.path, Kind.TEXT_ENCODER, width=_text_width(header), parts=frozenset(parts))
    return None


def _problem_of_vae(header: Header, place: PartPlace) -> str:
    channels = (*header.shapes.get(f"{place.prefix}decoder.conv_in.weight", ()), None, None)[1]
    if channels in (None, _LATENT_CHANNELS):
        return ""
    return f"Its latents have {channels} channels, as those of FLUX and SD3: choose a VAE of SD 1.5 or SDXL"


def _text_width(header: Header) -> int | None:
    return next((shape[-1] for name, shape in header.shapes.items() if name.endswith("token_embedding.weight")), None)


_EMBEDDINGS = {768: Family.SD15, 1024: Family.SD2, 1280: Family.SDXL}
_MOST_VECTORS = 256


def _embedding(header: Header) -> FileInfo | None:
    """Rows for the table of a text encoder: one table, or SDXL's two."""
    shapes = header.shapes
    if "clip_l" in shapes and any(name.startswith("t5") for name in shapes):
        other = Family.SD3 if "clip_g" in shapes else Family.FLUX
        problem = f"It is an embedding of {other.value}: choose one for SD 1.5 or SDXL"
        return FileInfo(header.path, Kind.EMBEDDING, other, problem=problem)
    if {"clip_l", "clip_g"} <= shapes.keys():
        return FileInfo(
            header.path, Kind.EMBEDDING, Family.SDXL, width=shapes["clip_l"][-1] if shapes["clip_l"] else None
        )
    widths = {shape[-1] if shape else 0 for shape in shapes.values()}
    if len(shapes) != 1 and not (all(name.startswith("<") for name in shapes) and len(widths) == 1):
        return None  # diffusers writes a word with several vectors as several words: <cat>, <cat>_1
    name, shape = next(iter(shapes.items()))
    if name not in ("emb_params", "string_to_param.*") and not (name.startswith("<") or len(shape) in (1, 2)):
        return None
    if (
        not 1 <= len(shape) <= 2
        or not 0 < (shape[0] if len(shape) == 2 else 1) <= _MOST_VECTORS
        or "." in name.replace("string_to_param.*", "")
    ):
        return None
    family = _EMBEDDINGS.get(shape[-1])
    whose = Family.SD2.value if family is Family.SD2 else "a model with another text encoder"
    foreign = family is Family.SD2 or shape[-1] > max(_EMBEDDINGS)
    problem = f"It is an embedding of {whose}: choose one for SD 1.5 or SDXL" if foreign else ""
    return FileInfo(header.path, Kind.EMBEDDING, family, width=shape[-1], problem=problem)
