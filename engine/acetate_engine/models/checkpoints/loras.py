"""Telling of a LoRA whose it is, from its header: by the names of what it changes, and by their widths."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from acetate_engine.models.checkpoints.header import Header, Shape
from acetate_engine.models.checkpoints.lora_stems import by_part

# what every trainer writes behind the name of a layer
SUFFIX = re.compile(
    r"(?P<stem>.+?)[._](?P<what>"
    r"lora_(?:down|up|mid|A|B)(?:\.default(?:_\d+)?)?\.weight|lora_magnitude_vector(?:\.default(?:_\d+)?)?(?:\.weight)?"
    r"|lora(?:_linear_layer)?\.(?:down|up|mid)\.weight|lora\.(?:alpha)|lora_(?:down|up)\.bias|lora_B\.bias"
    r"|hada_[wt][12](?:_[ab])?|lokr_[wt][12](?:_[ab])?|lokr_t2|dora_scale|alpha|diff_b|diff|w_norm|b_norm"
    r"|(?P<unread>b?oft_(?:blocks|diag|R|r|s)|on_input|ia3_l|[ab][12]\.weight|bm\.weight|vera_lambda_[bd])"
    r"(?:\.default(?:_\d+)?)?(?:\.weight)?)"
)
_KINDS_UNREAD = (
    ("OFT", r"b?oft_\w+"),
    ("IA³", r"on_input|ia3_l"),
    ("GLoRA", r"[ab][12m]\.weight"),
    ("VeRA", r"vera_\w+"),
)
_MARK = re.compile(
    r".*(\.lora_(down|up|mid|A|B)\b|[._]lora\.(down|up)\.|_lora\d?\.(down|up)\.|lora_linear_layer\.|\.hada_w|\.lokr_w"
    r"|\.dora_scale|[._]b?oft_|\.w_norm$|\.b_norm$|\.diff(_b)?$|[._]ia3_l|\.on_input|\.[ab][12]\.weight$|\.vera_).*"
)
_LISTENING = re.compile(r".*attn2[._](processor\.)?to_[kv].*")
_TEXT_ONLY = re.compile(
    r"(lora_te\d?_|text_encoder(_\d)?\.|lycoris_te\d?_|base_model\.model\.text_model\.|text_model\.).*"
)
_PREFIX = r"(?:lora_unet_|lora_transformer_|lycoris_|transformer\.|diffusion_model\.|base_model\.model\.)*"
_FOREIGN = (  # layers that only these have; what others have, too, comes last
    ("Chroma", r".*distilled_guidance_layer[._].*"),
    ("Kolors", r".*encoder_hid_proj[._].*"),
    ("FLUX or SD3", r"(lora_te[23]_|text_encoder_[23]\.)encoder[._]block[._].*"),
    (
        "Hunyuan Video",
        r".*(double_blocks\.\d+\.(img|txt)_attn_(qkv|proj)\.|individual_token_refiner"
        r"|double_blocks[._]\d+[._](img|txt)_mlp[._]fc\d).*",
    ),
    ("HiDream", r".*(double|single)_stream_blocks[._].*"),
    ("AuraFlow", _PREFIX + r"(single_transformer_blocks[._]\d+[._]ff[._]|joint_transformer_blocks[._]).*"),
    ("FLUX", _PREFIX + r"(double_blocks|single_blocks|single_transformer_blocks)[._].*"),
    ("SD3", r".*joint_blocks[._].*"),
    ("Cosmos", r".*blocks[._]\d+[._](cross_attn|self_attn)[._](q|k|v|output)_proj[._].*"),
    ("Wan", r".*blocks[._]\d+[._](cross_attn|self_attn|ffn)[._].*"),
    ("Qwen-Image", r".*transformer_blocks[._]\d+[._](img_mlp|txt_mlp|img_mod|txt_mod).*"),
    ("Lumina", r".*(noise_refiner|context_refiner)[._].*"),
    ("SD3", _PREFIX + r"transformer_blocks[._]\d+[._]attn[._](add|to)_[qkv][._].*"),
    ("PixArt", r"(.*[._])?t_block[._].*"),
    ("Stable Cascade", r"(lora_prior_|lora_unet_down_blocks_\d+_\d+_).*"),
    ("a transformer such as LTX-Video or PixArt", _PREFIX + r"(transformer_blocks[._]\d+[._]|adaln_single[._]).*"),
    ("a transformer such as Z-Image or Hunyuan-DiT", _PREFIX + r"(layers|blocks)[._]\d+[._](attn|attention)\w*[._].*"),
)
_FOREIGN_PATTERNS = tuple((name, re.compile(pattern)) for name, pattern in _FOREIGN)
_IMAGE_ONLY = {"SD3": "Stable Diffusion 3"}
_FLUX_WIDTH = 3072  # of Qwen-Image, too; SD3 has 1536 or 2432
_FLUX_DEPTH = 19  # blocks of joint attention; Qwen-Image has 60


def kinds_unread(names: Iterable[str]) -> dict[str, set[str]]:
    """{kind that is not read here: names of the layers that it changes}."""
    found: dict[str, set[str]] = defaultdict(set)
    for name in names:
        if (matched := SUFFIX.fullmatch(name)) and (told := matched["unread"]):
            found[next(kind for kind, pattern in _KINDS_UNREAD if re.fullmatch(pattern, told))].add(matched["stem"])
    return found


def layers_read(names: Iterable[str]) -> set[str]:
    """Layers that a file changes in ways that are read here."""
    given = list(names)
    unread = {stem for stems in kinds_unread(given).values() for stem in stems}
    return {found["stem"] for name in given if (found := SUFFIX.fullmatch(name))} - unread


def said_unread(found: Mapping[str, Iterable[str]]) -> str:
    """`OFT: mid_block (3), text_encoder (24)`."""
    return "; ".join(f"{kind}: {by_part(stems)}" for kind, stems in found.items())


def is_lora(header: Header) -> bool:
    return any(_MARK.fullmatch(name) for name in header.shapes)


def foreign_architecture(header: Header) -> str | None:
    """The family of models that a LoRA was made for, where it is none that is known here; None where it may be."""
    for family, pattern in _FOREIGN_PATTERNS:
        if any(pattern.fullmatch(name) for name in header.shapes):
            told = _of_width(family, header)
            return _IMAGE_ONLY.get(told, told)
    return None


def _of_width(family: str, header: Header) -> str:
    """Layers of joint attention alone have the same names in three families: width and depth tell these apart."""
    joint = {name: shape for name, shape in header.shapes.items() if re.search(r"attn[._](add|to)_[qkv]", name)}
    down = [shape for name, shape in joint.items() if re.search(r"lora_A|lora_down|lora\.down", name)]
    if family != "SD3" or all(shape[-1] != _FLUX_WIDTH for shape in down):
        return family
    depth = max(int(found[1]) for name in joint if (found := re.search(r"transformer_blocks[._](\d+)", name)))
    return "FLUX" if depth < _FLUX_DEPTH else "Qwen-Image"


def listening_width(header: Header) -> int | None:
    """Of the text that its layers for text listen to."""
    widths = {width for name, shape in header.shapes.items() if (width := _source_width(name, shape, header.shapes))}
    return widths.pop() if len(widths) == 1 else None


def _source_width(name: str, shape: Shape, shapes: Mapping[str, Shape]) -> int | None:
    """Of one tensor, that of what the layer reads; None where it does not tell."""
    if not _LISTENING.fullmatch(name) or len(shape) < 2:
        return None
    if re.search(r"lora_A|lora_down|lora\.down|lora_linear_layer\.down|hada_w1_b|(?<!_b)\.diff$", name):
        return shape[1]
    if name.endswith(("lokr_w1", "lokr_w1_b")):
        stem = re.sub(r"lokr_w1(_b)?$", "", name)
        second = shapes.get(f"{stem}lokr_w2") or shapes.get(f"{stem}lokr_w2_b")
        return shape[1] * second[1] if second and len(second) > 1 else None
    return None


def text_widths(header: Header) -> set[int]:
    """Widths of the text encoders that it changes: 768 of CLIP-L, 1280 of CLIP-G."""
    down = re.compile(
        r".*self_attn[._](q|k|v)_proj[._](lora_A|lora_down|lora\.down|lora_linear_layer\.down|hada_w1_b).*"
    )
    return {shape[1] for name, shape in header.shapes.items() if len(shape) > 1 and down.fullmatch(name)}


def is_text_only(header: Header) -> bool:
    return all(_TEXT_ONLY.match(name) or name.startswith("bundle_emb.") for name in header.shapes)
