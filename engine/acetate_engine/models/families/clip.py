"""Prompts → Text of SD1.5, which has one CLIP text encoder, and of SDXL, which has two."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from acetate.protocol.geometry import Extent
from acetate_engine.models.checkpoints.base import BaseModel
from acetate_engine.models.checkpoints.load import require_finite
from acetate_engine.models.families.add_ons import AddOns
from acetate_engine.models.families.components import Text, TextEncode
from acetate_engine.models.networks.clip_text import ClipEncoder, Coded

Tables = Mapping[str, Tensor]
"""Of one textual inversion: "clip_l" and "clip_g" for SDXL's two encoders, another name for SD1.5's."""

Bundled = Callable[[], Mapping[str, Tables]]
"""The textual inversions that came with the styles that are in the model now."""


def encode_by_clip(base: BaseModel, device: torch.device, add_ons: AddOns, bundled: Bundled) -> TextEncode:
    """What reads prompts for this model.

    Args:
        add_ons: its textual inversions, by the words that call them.
    """

    def encode(prompts: list[str], clip_skip: int, working: Extent) -> Text:
        clips = [_clip(base, index, add_ons.embeddings, bundled()) for index in range(len(base.text_encoders))]
        notes = tuple(_unused(prompts, {word.lower() for word in clips[0].words}, add_ons.other_embeddings))
        if len(clips) == 1:
            states = _coded(clips[0], prompts, device, partial(_normed, clips[0].model, clip_skip)).states
            return Text(states, notes=notes)
        return replace(_of_two(base, clips, prompts, clip_skip, working, device), notes=notes)

    return encode


def _unused(prompts: list[str], known: set[str], others: Mapping[str, str]) -> Iterator[str]:
    """Words of textual inversions that this model does not have."""
    for prompt in prompts:
        for word in re.findall(r"(?<!\w)embedding:([\w.-]+)", prompt):
            if word.lower() not in known and word not in others:
                yield f"embedding:{word} was not used: there is no textual inversion of that name"
        for word, what in others.items():
            if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", prompt, re.IGNORECASE) and word.lower() not in known:
                yield f"{word} was not used as a textual inversion: {what}"


def _clip(base: BaseModel, index: int, embeddings: Mapping[str, Path], bundled: Mapping[str, Tables]) -> ClipEncoder:
    model, table = base.text_encoders[index], ("clip_l", "clip_g")[index]
    width = model.config.hidden_size
    words: dict[str, Callable[[], Tensor | None]] = {
        name: cache(partial(_rows_of_file, path, table, width)) for name, path in embeddings.items()
    }
    words |= {name: partial(_rows, tables, table, width) for name, tables in bundled.items()}
    return ClipEncoder(base.tokenizers[index], model, words)


def _rows_of_file(path: Path, table: str, width: int) -> Tensor | None:
    """Raises CheckpointError where a value is no number."""
    require_finite(path)
    return _rows(load_file(path), table, width)


def _rows(tables: Tables, table: str, width: int) -> Tensor | None:
    """(vectors, width) for one encoder, of all words of a file; None where there are none as wide."""
    found = [tables[name] for name in ((table,) if "clip_g" in tables else tables) if name in tables]
    if not found or any(each.shape[-1] != width for each in found):
        return None
    return torch.cat([each.reshape(-1, width) for each in found])


def _coded(clip: ClipEncoder, prompts: list[str], device: torch.device, states_of: Callable[[Any], Tensor]) -> Coded:
    return clip.encode([clip.chunks(prompt) for prompt in prompts], device, states_of)


def _normed(model: Any, clip_skip: int, output: Any) -> Tensor:
    """SD1.5: the last layer's states, or earlier ones, through the last normalisation."""
    states: Tensor = model.final_layer_norm(output.hidden_states[-1 - clip_skip])
    return states


def _penultimate(clip_skip: int, output: Any) -> Tensor:
    """SDXL: the states before the last layer, or earlier ones, as they are."""
    states: Tensor = output.hidden_states[-2 - clip_skip]
    return states


def _of_two(
    base: BaseModel, clips: list[ClipEncoder], prompts: list[str], clip_skip: int, working: Extent, device: torch.device
) -> Text:
    coded = [_coded(clip, prompts, device, partial(_penultimate, clip_skip)) for clip in clips]
    tokens = max(each.states.shape[1] for each in coded)
    states = torch.cat([_filled_up(each.states, tokens) for each in coded], dim=-1)
    pooled = coded[1].pooled
    assert pooled is not None
    if base.zeros_for_empty:
        said = torch.tensor([bool(prompt.strip()) for prompt in prompts], device=device)
        states, pooled = _zero_unless(said, states), _zero_unless(said, pooled)
    sizes = [working.height, working.width, 0, 0, working.height, working.width]  # original, crop, target
    ids = torch.tensor([sizes] * len(prompts), dtype=states.dtype, device=device)
    return Text(states, pooled_prompt_embeds=pooled, time_ids=ids)


def _filled_up(states: Tensor, tokens: int) -> Tensor:
    """With zeros: where a word has more vectors for one encoder than for the other, it may need a chunk more."""
    return torch.nn.functional.pad(states, (0, 0, 0, tokens - states.shape[1]))


def _zero_unless(said: Tensor, rows: Tensor) -> Tensor:
    """Most SDXL models were trained with zeros for an empty prompt."""
    return torch.where(said.reshape(-1, *[1] * (rows.ndim - 1)), rows, torch.zeros_like(rows))
