"""`near.json`: which of the things that a model was taught are nearest to words that it was not.

Nearness is the cosine of MiniLM's sentence vectors (mean of the token states; Wang et al. 2020, arXiv:2002.10957), the
network that reads the prompts themselves. For words of its own vocabulary; `python -m acetate_engine.training.near
FOLDER` writes it beside a model's captions.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor

from acetate_engine.models.networks.text import MiniLMTextEncoder
from acetate_engine.prompts.taught import read_taught

_WORD = r"[a-z]{3,}"
_MOST = 3
_LEAST = 0.4  # cosine: below, two things have nothing to do with each other
_BATCH = 256


def write_near(folder: Path) -> None:
    """Writes `near.json` for `captions.json` and `backdrops.json` of that folder."""
    things = read_taught(folder).things
    text = MiniLMTextEncoder()
    words = sorted(word for word in text.tokenizer.get_vocab() if re.fullmatch(_WORD, word))
    cosines = _vectors(text, [f"a {word}" for word in words]) @ _vectors(text, [_thing(one) for one in things]).T
    best = cosines.topk(min(_MOST, len(things)))
    near = {}
    for word, values, indices in zip(words, best.values.tolist(), best.indices.tolist(), strict=True):
        row = [index for value, index in zip(values, indices, strict=True) if value >= _LEAST]
        if row:
            near[word] = row
    made = json.dumps({"things": list(things), "near": near}, ensure_ascii=False, separators=(",", ":"))
    (folder / "near.json").write_text(made.replace('],"', '],\n"') + "\n", encoding="utf-8")


def _thing(caption: str) -> str:
    """Without how it looks."""
    return caption.split(",")[0]


@torch.no_grad()
def _vectors(text: MiniLMTextEncoder, prompts: list[str]) -> Tensor:
    """N texts → (N, 384) unit vectors."""
    batches = (prompts[start : start + _BATCH] for start in range(0, len(prompts), _BATCH))
    sums = [text.encode(batch).sum(dim=1) for batch in batches]  # in the direction of the mean
    return torch.nn.functional.normalize(torch.cat(sums), dim=1)


def main(folder: Annotated[Path, typer.Argument(help="Model folder with captions.json and backdrops.json.")]) -> None:
    write_near(folder)


if __name__ == "__main__":
    typer.run(main)
