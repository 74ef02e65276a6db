"""MiniLM's encoder (Wang et al., arXiv 2002.10957), a small BERT (Devlin et al., arXiv 1810.04805).

transformers has the same, number for number; importing its BERT takes longer than all else that a first layer needs.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from acetate_engine.models.networks.empty import empty_parameters

_NAMES = {  # BERT's, and those of this module
    r"embeddings\.word_embeddings": "words",
    r"embeddings\.position_embeddings": "positions",
    r"embeddings\.token_type_embeddings": "kinds",
    r"embeddings\.LayerNorm": "norm",
    r"encoder\.layer\.(\d+)\.attention\.self\.(query|key|value)": r"layers.\1.\2",
    r"encoder\.layer\.(\d+)\.attention\.output\.dense": r"layers.\1.joined",
    r"encoder\.layer\.(\d+)\.attention\.output\.LayerNorm": r"layers.\1.attention_norm",
    r"encoder\.layer\.(\d+)\.intermediate\.dense": r"layers.\1.widen",
    r"encoder\.layer\.(\d+)\.output\.dense": r"layers.\1.narrow",
    r"encoder\.layer\.(\d+)\.output\.LayerNorm": r"layers.\1.norm",
}


class MiniLM(nn.Module):
    """Token ids (N, tokens) and which of them are read (N, tokens) bool -> the last states (N, tokens, width)."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()
        width, eps = config["hidden_size"], config["layer_norm_eps"]
        self.words = nn.Embedding(config["vocab_size"], width)
        self.positions = nn.Embedding(config["max_position_embeddings"], width)
        self.kinds = nn.Embedding(config["type_vocab_size"], width)
        self.norm = nn.LayerNorm(width, eps)
        heads, wide = config["num_attention_heads"], config["intermediate_size"]
        self.layers = nn.ModuleList(_Layer(width, heads, wide, eps) for _ in range(config["num_hidden_layers"]))

    @staticmethod
    def read(folder: Path) -> MiniLM:
        """Frozen, in float32 on the CPU; the file's pages are used as they lie on the disk, words that are read."""
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        with empty_parameters():
            model = MiniLM(config)
        model.load_state_dict(_renamed(load_file(folder / "model.safetensors")), assign=True)
        return model.eval().requires_grad_(False)

    def forward(self, ids: Tensor, read: Tensor) -> Tensor:
        states = self.words(ids) + self.kinds.weight[0] + self.positions.weight[: ids.shape[1]]
        states = self.norm(states)
        for layer in self.layers:
            states = layer(states, read[:, None, None])
        return states


class _Layer(nn.Module):
    """Attention and two linear maps, each added to what went in and normalised then."""

    def __init__(self, width: int, heads: int, wide: int, eps: float) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.joined = (nn.Linear(width, width) for _ in range(4))
        self.attention_norm = nn.LayerNorm(width, eps)
        self.widen, self.narrow = nn.Linear(width, wide), nn.Linear(wide, width)
        self.norm = nn.LayerNorm(width, eps)

    def forward(self, states: Tensor, read: Tensor) -> Tensor:
        query, key, value = (
            part(states).unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in (self.query, self.key, self.value)
        )
        seen = F.scaled_dot_product_attention(query, key, value, read).transpose(1, 2).flatten(2)
        states = self.attention_norm(self.joined(seen) + states)
        normed: Tensor = self.norm(self.narrow(F.gelu(self.widen(states))) + states)
        return normed


def _renamed(bert: dict[str, Tensor]) -> dict[str, Tensor]:
    """Without what only its training needed: a pooled state, and numbers of positions."""
    named = {}
    for name, tensor in bert.items():
        for theirs, ours in _NAMES.items():
            if found := re.fullmatch(rf"{theirs}\.(weight|bias)", name):
                named[f"{found.expand(ours)}.{found[found.re.groups]}"] = tensor
    return named
