"""One bad file never takes the list with it: every other model stays usable."""

from __future__ import annotations

import json
import os
import random
import struct
from pathlib import Path

import pytest

from acetate.protocol.events import JobState
from tests.engine.process import EngineProcess

pytestmark = pytest.mark.engine
REQUEST = {
    "task": "foreground",
    "bounds": {"x": 0, "y": 0, "width": 64, "height": 64},
    "seed": 1,
    "prompt": "a lemon",
    "steps": 1,
}
FOLDERS = ("checkpoints", "layerdiffuse", "controlnet", "adapters", "ip_adapter", "loras", "embeddings", "vae")


def safetensors(header: object, data: bytes = b"") -> bytes:
    text = json.dumps(header).encode() if not isinstance(header, bytes) else header
    return struct.pack("<Q", len(text)) + text + data


def put(models: Path, dice: random.Random) -> int:
    """Files of every bad kind in every folder; how many."""
    entry = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
    texts = [
        b"",
        b"PK\x03\x04",
        safetensors({"a": entry}),
        safetensors({"a": {**entry, "shape": -1}}, b"\0" * 4),
        safetensors({"a": {**entry, "data_offsets": ["x", None]}}, b"\0" * 4),
        safetensors({"blocks.0.weight": {**entry, "shape": "four"}}, b"\0" * 4),
        safetensors({"a": {**entry, "shape": [2**62, 2**62]}}, b"\0" * 4),
        safetensors([entry]),
        safetensors(b"[" * 50_000),
        safetensors(b"\xff\xfe"),
        struct.pack("<Q", 2**63) + b"{}",
        *(dice.randbytes(dice.randrange(60)) for _ in range(5)),
    ]
    count = 0
    for folder in FOLDERS:
        (models / folder).mkdir(parents=True)
        for number, text in enumerate(texts):
            (models / folder / f"bad{number}.safetensors").write_bytes(text)
        (models / folder / "gone.safetensors").symlink_to(models / "nowhere.safetensors")
        (models / folder / "round.safetensors").symlink_to("round.safetensors")
        os.mkfifo(models / folder / "pipe.safetensors")
        (models / folder / "folder.safetensors").mkdir()
        (models / os.fsencode(folder).decode() / os.fsdecode(b"no\xfftext.safetensors")).write_bytes(texts[2])
        (models / folder / "parts").mkdir()
        (models / folder / "parts" / "model_index.json").write_bytes(dice.choice((b"[]", b"{", b"\xff", b"null")))
        (models / folder / "config").mkdir()
        (models / folder / "config" / "config.json").write_bytes(dice.choice((b"[]", b"{", b"\xff", b'{"a": NaN}')))
        count += len(texts) + 7
    return count


def test_mini_works_beside_any_number_of_bad_files(tmp_path: Path) -> None:
    assert put(tmp_path / "data" / "acetate" / "models", random.Random(315)) > 100
    engine = EngineProcess(tmp_path)
    try:
        answer = engine.http.get("/v1/models")
        assert answer.status_code == 200, answer.text
        models = {model["name"]: model for model in answer.json()["models"]}
        assert models["mini"]["installed"], models["mini"]
        assert all(model["reason"] for model in models.values() if not model["installed"])
        answer = engine.http.post("/v1/jobs", json=REQUEST)
        assert answer.status_code == 202, answer.text
        engine.wait_for(answer.json()["id"], JobState.DONE)
    finally:
        engine.stop()
