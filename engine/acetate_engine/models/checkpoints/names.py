"""Names of UNet parameters: the original ("ldm") naming of released files <-> diffusers' naming.

Both directions are functions of one name; the blocks are counted as in SD1.5, SD2 and SDXL, with two layers a block.
"""

from __future__ import annotations

import re

_LAYERS = 2  # residual blocks of a down block; an up block has one more
_UP_LAYERS = _LAYERS + 1

_TOP = {
    "input_blocks.0.0": "conv_in",
    "out.0": "conv_norm_out",
    "out.2": "conv_out",
    "time_embed.0": "time_embedding.linear_1",
    "time_embed.2": "time_embedding.linear_2",
    "label_emb.0.0": "add_embedding.linear_1",
    "label_emb.0.2": "add_embedding.linear_2",
}
_CONTROLNET = {
    "controlnet_cond_embedding.conv_in": "input_hint_block.0",
    "controlnet_cond_embedding.conv_out": "input_hint_block.14",
    "controlnet_mid_block": "middle_block_out.0",
}
_RESNET = {
    "in_layers.0": "norm1",
    "in_layers.2": "conv1",
    "emb_layers.1": "time_emb_proj",
    "out_layers.0": "norm2",
    "out_layers.3": "conv2",
    "skip_connection": "conv_shortcut",
}
_MIDDLE = {"0": "resnets.0", "1": "attentions.0", "2": "resnets.1"}

_TOP_BACK = {ours: theirs for theirs, ours in _TOP.items()}
_RESNET_BACK = {ours: theirs for theirs, ours in _RESNET.items()}
_MIDDLE_BACK = {ours: theirs for theirs, ours in _MIDDLE.items()}

_LDM_BLOCK = re.compile(r"(input|output)_blocks\.(\d+)\.(\d)\.(.+)")
_LDM_MIDDLE = re.compile(r"middle_block\.(\d)\.(.+)")
_BLOCK = re.compile(r"(down|up)_blocks\.(\d+)\.(resnets|attentions|downsamplers|upsamplers)\.(\d+)\.(.+)")
_MIDDLE_BLOCK = re.compile(r"mid_block\.((?:resnets|attentions)\.\d)\.(.+)")

SDXL_ATTENTION_UP_BLOCKS = frozenset({0, 1})
SD15_ATTENTION_UP_BLOCKS = frozenset({1, 2, 3})


def to_diffusers(name: str) -> str:
    """`input_blocks.1.0.in_layers.0.weight` -> `down_blocks.0.resnets.0.norm1.weight`.

    Raises:
        KeyError: not the name of a UNet parameter in the original naming.
    """
    stem, _, parameter = name.rpartition(".")
    if stem in _TOP:
        return f"{_TOP[stem]}.{parameter}"
    if middle := _LDM_MIDDLE.fullmatch(stem):
        return f"mid_block.{_inner(_MIDDLE[middle[1]], middle[2])}.{parameter}"
    if block := _LDM_BLOCK.fullmatch(stem):
        side, index, part, rest = block[1], int(block[2]), block[3], block[4]
        path = _down(index, part, rest) if side == "input" else _up(index, part, rest)
        return f"{path}.{parameter}"
    raise KeyError(name)


def to_ldm(name: str, attention_up_blocks: frozenset[int] = SDXL_ATTENTION_UP_BLOCKS) -> str:
    """The inverse of `to_diffusers`.

    Args:
        attention_up_blocks: up blocks with attentions, after which their upsampler is numbered.

    Raises:
        KeyError: not the name of a UNet parameter in diffusers' naming.
    """
    stem, _, parameter = name.rpartition(".")
    if stem in _TOP_BACK:
        return f"{_TOP_BACK[stem]}.{parameter}"
    if middle := _MIDDLE_BLOCK.fullmatch(stem):
        return f"middle_block.{_MIDDLE_BACK[middle[1]]}.{_inner_back(middle[1], middle[2])}.{parameter}"
    if block := _BLOCK.fullmatch(stem):
        side, index, part, layer, rest = block[1], int(block[2]), block[3], int(block[4]), block[5]
        if part == "downsamplers":
            return f"input_blocks.{(index + 1) * _UP_LAYERS}.0.op.{parameter}"
        if part == "upsamplers":
            place = 2 if index in attention_up_blocks else 1
            return f"output_blocks.{index * _UP_LAYERS + _LAYERS}.{place}.{rest}.{parameter}"
        number = index * _UP_LAYERS + layer + (1 if side == "down" else 0)
        group = "input_blocks" if side == "down" else "output_blocks"
        return f"{group}.{number}.{int(part == 'attentions')}.{_inner_back(part, rest)}.{parameter}"
    raise KeyError(name)


def controlnet_to_ldm(name: str) -> str:
    """Of a ControlNet's parameter, without the prefix `control_model.`; only down blocks have attentions to number.

    Raises:
        KeyError: not the name of a ControlNet's parameter in diffusers' naming.
    """
    stem, _, parameter = name.rpartition(".")
    if found := re.fullmatch(r"controlnet_cond_embedding\.blocks\.(\d+)", stem):
        return f"input_hint_block.{2 * int(found[1]) + 2}.{parameter}"
    if found := re.fullmatch(r"controlnet_down_blocks\.(\d+)", stem):
        return f"zero_convs.{found[1]}.0.{parameter}"
    return f"{_CONTROLNET[stem]}.{parameter}" if stem in _CONTROLNET else to_ldm(name)


def _down(index: int, part: str, rest: str) -> str:
    block, layer = divmod(index - 1, _UP_LAYERS)
    if rest == "op":
        return f"down_blocks.{block}.downsamplers.0.conv"
    return f"down_blocks.{block}.{_inner(_kind(part) + f'.{layer}', rest)}"


def _up(index: int, part: str, rest: str) -> str:
    block, layer = divmod(index, _UP_LAYERS)
    if rest == "conv":
        return f"up_blocks.{block}.upsamplers.0.conv"
    return f"up_blocks.{block}.{_inner(_kind(part) + f'.{layer}', rest)}"


def _kind(part: str) -> str:
    return {"0": "resnets", "1": "attentions"}[part]


def _inner(path: str, rest: str) -> str:
    return f"{path}.{_RESNET[rest]}" if path.startswith("resnets") else f"{path}.{rest}"


def _inner_back(part: str, rest: str) -> str:
    return _RESNET_BACK[rest] if part.startswith("resnets") else rest
