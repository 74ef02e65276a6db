"""Prompts of any length, with weights and words of their own, through CLIP text encoders.

A text encoder reads 77 tokens; longer prompts are read in chunks of 75 between their start and end tokens, and the
chunks' states are put one behind the other, as A1111's web interface introduced. A weight moves a token's state along
the line from the state that the empty prompt has at its place: (state - empty) * weight + empty, as in ComfyUI; that
needs no bringing back of the mean, which fails where the mean is nearly 0.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from acetate_engine.prompts.weights import Piece, is_marked, parse

Words = Mapping[str, Callable[[], Tensor | None]]
"""Words of textual inversions: name → (vectors, width) for one encoder, None where it has none for it."""

_STAND_IN = 267  # "," : what stands where the vectors of a word go


@dataclass
class Chunk:
    """At most as many tokens as an encoder reads between the first and the last."""

    ids: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    vectors: dict[int, Tensor] = field(default_factory=dict)  # by place


@dataclass(frozen=True)
class ClipEncoder:
    """One encoder with its tokenizer. `words`: of textual inversions."""

    tokenizer: CLIPTokenizer
    model: CLIPTextModel | CLIPTextModelWithProjection
    words: Words = field(default_factory=dict)

    @property
    def length(self) -> int:
        return int(self.model.config.max_position_embeddings)

    def chunks(self, prompt: str) -> list[Chunk]:
        """At least one."""
        made = _Chunks(self.length - 2)
        pieces = parse(prompt) if is_marked(prompt) else [Piece(prompt)]
        for piece in pieces:
            if piece.begins_chunk:
                made.begin()
            for text, word in _split(piece.text, self.words):
                vectors = self.words[word]() if word else None
                if vectors is not None:
                    made.add_vectors(vectors, piece.weight)
                elif text:
                    made.add(self.tokenizer(text, add_special_tokens=False).input_ids, piece.weight)
        return made.chunks

    def encode(
        self, rows: Sequence[Sequence[Chunk]], device: torch.device, states_of: Callable[[Any], Tensor]
    ) -> Coded:
        """Prompts as chunks → their states; shorter prompts are filled up with the empty one's.

        Args:
            states_of: picks (n, tokens, width) from the encoder's output.
        """
        count = max(len(chunks) for chunks in rows)
        flat = [chunk for chunks in rows for chunk in (*chunks, *([Chunk()] * (count - len(chunks))))]
        output = self._run(flat, device)
        states = states_of(output)
        if any(weight != 1.0 for chunk in flat for weight in chunk.weights):
            states = self._weighed(states, flat, states_of(self._run([Chunk()], device)))
        pooled = getattr(output, "text_embeds", None)
        joined = states.reshape(len(rows), count * states.shape[1], -1)
        return Coded(joined, None if pooled is None else pooled[::count])

    def _run(self, chunks: Sequence[Chunk], device: torch.device) -> Any:
        ids = torch.tensor([self._framed(chunk) for chunk in chunks], device=device)
        with _in_place(self.model, chunks):
            return self.model(ids, output_hidden_states=True)

    def _framed(self, chunk: Chunk) -> list[int]:
        start, end, fill = self.tokenizer.bos_token_id, self.tokenizer.eos_token_id, self.tokenizer.pad_token_id
        return [start, *chunk.ids, end, *([fill] * (self.length - 2 - len(chunk.ids)))]

    def _weighed(self, states: Tensor, chunks: Sequence[Chunk], empty: Tensor) -> Tensor:
        rest = [[1.0, *chunk.weights, *([1.0] * (self.length - 1 - len(chunk.weights)))] for chunk in chunks]
        weights = torch.tensor(rest, dtype=states.dtype, device=states.device)[..., None]
        return (states - empty) * weights + empty


@dataclass(frozen=True)
class Coded:
    """(n, tokens, width), and (n, width) of the first chunks where the encoder has such."""

    states: Tensor
    pooled: Tensor | None


class _Chunks:
    """Being filled."""

    def __init__(self, room: int) -> None:
        self.chunks = [Chunk()]
        self._room = room

    def begin(self) -> None:
        if self.chunks[-1].ids:
            self.chunks.append(Chunk())

    def add(self, ids: Sequence[int], weight: float) -> None:
        for token in ids:
            self._make_room(1)
            self.chunks[-1].ids.append(token)
            self.chunks[-1].weights.append(weight)

    def add_vectors(self, vectors: Tensor, weight: float) -> None:
        """Of one word: not divided between chunks."""
        kept = vectors[: self._room]
        self._make_room(len(kept))
        chunk = self.chunks[-1]
        for vector in kept:
            chunk.vectors[len(chunk.ids)] = vector
            self.add([_STAND_IN], weight)

    def _make_room(self, count: int) -> None:
        if len(self.chunks[-1].ids) + count > self._room:
            self.chunks.append(Chunk())


def _split(text: str, words: Words) -> Iterator[tuple[str, str | None]]:
    """Text between words of textual inversions, and these: (text, None) or ("", word)."""
    if not words:
        yield text, None
        return
    names = "|".join(re.escape(name) for name in sorted(words, key=len, reverse=True))
    by_name = {name.lower(): name for name in words}
    for index, part in enumerate(re.split(rf"(?<!\w)(?:embedding:)?({names})(?!\w)", text, flags=re.IGNORECASE)):
        yield (part, None) if index % 2 == 0 else ("", by_name[part.lower()])


@contextmanager
def _in_place(model: Any, chunks: Sequence[Chunk]) -> Iterator[None]:
    """The vectors of words in the place of the tokens that stand for them, while the encoder runs."""
    places = [(row, place + 1, vector) for row, chunk in enumerate(chunks) for place, vector in chunk.vectors.items()]
    if not places:
        yield
        return

    def put(module: object, given: object, embedded: Tensor) -> Tensor:
        embedded = embedded.clone()
        for row, place, vector in places:
            embedded[row, place] = vector.to(embedded)
        return embedded

    handle = model.get_input_embeddings().register_forward_hook(put)
    try:
        yield
    finally:
        handle.remove()
