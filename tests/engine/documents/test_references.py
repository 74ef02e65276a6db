"""Documents of our own making against plain numbers: tests/references/documents/make.py says where they come from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from acetate_engine.documents.flatten import flatten
from acetate_engine.documents.reader import read_document
from tests.engine.documents.corpus import documents, judged
from tests.engine.documents.pictures import everything

FOLDER = Path(__file__).parents[2] / "references" / "documents"
VALUES: dict[str, dict[str, Any]] = json.loads((FOLDER / "values.json").read_text())


@pytest.mark.parametrize("name", sorted(VALUES))
def test_it_is_as_its_program_shows_it(name: str) -> None:
    told = VALUES[name]
    document = read_document(FOLDER / name)
    shown = flatten(document.layers, everything(document))[0].astype(int)
    wanted = np.array(told["pixels"])
    assert shown.shape == wanted.shape
    assert np.abs(shown - wanted).max() <= told["tolerance"], (shown.tolist(), told["source"])
    assert list(document.notes()) == told["notes"]


def test_every_file_has_its_numbers() -> None:
    files = {path.name for path in FOLDER.iterdir() if path.suffix not in (".py", ".json", ".md", ".txt")}
    assert files - {"__pycache__"} == set(VALUES)
    assert sum(path.stat().st_size for path in FOLDER.iterdir() if path.is_file()) < 5 << 20


@pytest.mark.parametrize("path", documents(FOLDER.parent / "psd"), ids=lambda path: path.name)
def test_the_judge_finds_nothing_different_in_silence(path: Path) -> None:
    verdict = judged(path)
    lost = path.name in ("clipping-u8.psd", "clipping-u16.psd")  # see test_flatten
    assert not verdict.layered or lost or verdict.outcome == "within", verdict
    assert not verdict.outcome.startswith("CRASH"), verdict
