from __future__ import annotations

import json
from pathlib import Path

import pytest

from acetate.protocol.words import Untaught
from acetate_engine.prompts.taught import read_taught
from acetate_engine.training import near
from acetate_engine.training.near import write_near


def test_words_lead_to_what_means_nearly_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near, "_WORD", r"kitten|automobile|because")  # 20,000 words take half a minute
    (tmp_path / "captions.json").write_text(json.dumps(["a car, 3d emoji", "a cat, photo"]))
    (tmp_path / "backdrops.json").write_text(json.dumps(["the sea"]))
    write_near(tmp_path)
    taught = read_taught(tmp_path)
    assert taught.untaught("a kitten").near == ("a cat, photo",)
    assert taught.untaught("an automobile").near == ("a car, 3d emoji",)
    assert taught.untaught("because") == Untaught("because")
