"""Reads the folder format of captioned cut-outs and backgrounds: `fg/*.webp` + `fg.jsonl`, `bg/*.webp` + `bg.jsonl`.

A row of `fg.jsonl` holds `file, caption, style, source, licence, split`; one of `bg.jsonl` `file, photo, caption,
licence, split`.
Everything is held in memory as bytes: 4,000 pictures of 128 x 128 are 260 MB.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from acetate_engine.training.licences import Licences

Bytes = NDArray[np.uint8]
Row = dict[str, Any]  # one line of a .jsonl file


@dataclass(frozen=True)
class PictureSet:
    """Pictures of one split with their rows; `pixels` (N, H, W, 4) straight RGBA or (N, H, W, 3) RGB, uint8, sRGB."""

    pixels: Bytes
    rows: list[Row]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def captions(self) -> list[str]:
        return [row["caption"] for row in self.rows]

    def counts(self, *keys: str) -> Counter[tuple[str, ...]]:
        """How many pictures share each combination of the rows' values, for the model card."""
        return Counter(tuple(str(row.get(key)) for key in keys) for row in self.rows)


def read_rows(data: Path, kind: str, split: str) -> list[Row]:
    """Rows of `kind` ("fg" or "bg") in `split`, in file order."""
    index = data / f"{kind}.jsonl"
    if not index.exists():
        raise FileNotFoundError(f"{index} is missing: give a folder with fg.jsonl and bg.jsonl as --data")
    rows = [json.loads(line) for line in index.read_text(encoding="utf-8").splitlines()]
    return [row for row in rows if row["split"] == split]


def load_pictures(data: Path, kind: str, split: str, keep: Callable[[Row], bool] = lambda row: True) -> PictureSet:
    """Decode the pictures of a split that `keep` accepts; raises ValueError when none is left."""
    rows = [row for row in read_rows(data, kind, split) if keep(row)]
    if not rows:
        raise ValueError(
            f"{data}/{kind}.jsonl holds no {split} picture that passes the filter: check styles and licences"
        )
    mode = "RGBA" if kind == "fg" else "RGB"
    return PictureSet(np.stack([np.asarray(Image.open(data / row["file"]).convert(mode)) for row in rows]), rows)


def load_training(
    data: Path, kind: str, licences: Licences, styles: tuple[str, ...] = (), split: str = "train"
) -> PictureSet:
    """Pictures whose licence resolves to an SPDX name, of these styles (none: all); each row gains the key `spdx`."""
    pictures = load_pictures(
        data, kind, split, lambda row: licences.spdx(row) is not None and (not styles or row.get("style") in styles)
    )
    for row in pictures.rows:
        row["spdx"] = licences.spdx(row)
    return pictures
