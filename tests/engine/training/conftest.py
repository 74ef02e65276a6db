"""A tiny data folder, and every stage at a size that trains in a second."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from acetate_engine.training.config import STAGES

SIDE = 32  # pixels
LICENCES = {"statements": {"MIT (someone)": "MIT"}, "photos": {"park/alps.jpg": "CC-BY-4.0"}}


def _foreground(rng: np.random.Generator) -> Image.Image:
    """One random disc of one random colour."""
    y, x = np.mgrid[:SIDE, :SIDE]
    distance = np.hypot(x - rng.uniform(10, 22), y - rng.uniform(10, 22))
    rgba = np.zeros((SIDE, SIDE, 4), np.uint8)
    rgba[..., :3] = rng.integers(0, 256, 3)
    rgba[..., 3] = np.clip((rng.uniform(5, 12) - distance) * 128, 0, 255)
    return Image.fromarray(rgba, "RGBA")


def _background(rng: np.random.Generator) -> Image.Image:
    return Image.fromarray(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)).resize((SIDE, SIDE))


def _write(
    folder: Path,
    kind: str,
    make: Callable[[np.random.Generator], Image.Image],
    splits: Sequence[str],
    row: Callable[[int], dict[str, Any]],
) -> None:
    rng = np.random.default_rng(7)
    (folder / kind).mkdir()
    lines = []
    for number, split in enumerate(splits):
        file = f"{kind}/{number:05d}.webp"
        make(rng).save(folder / file, lossless=True, exact=True)
        lines.append(json.dumps({"file": file, "split": split, **row(number)}))
    (folder / f"{kind}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _foreground_row(number: int) -> dict[str, Any]:
    licence = "see the fine print" if number == 0 else "MIT (someone)"
    return {"caption": f"disc number {number}, 3d emoji", "style": "3d emoji", "source": "test", "licence": licence}


def _background_row(number: int) -> dict[str, Any]:
    return {"caption": "hills", "photo": "park/alps.jpg", "licence": "CC-BY or so"}


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    _write(folder, "fg", _foreground, ["train"] * 8 + ["val"] * 4, _foreground_row)
    _write(folder, "bg", _background, ["train"] * 4 + ["val"] * 2, _background_row)
    return folder


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Path:
    """A folder with configuration files of every stage, and what each stage needs of the ones before it."""
    folder = tmp_path_factory.mktemp("workshop")
    (folder / "licences.json").write_text(json.dumps(LICENCES), encoding="utf-8")
    (folder / "backgrounds.json").write_text(json.dumps({"captions": {"park/alps.jpg": "hills"}}), encoding="utf-8")
    (folder / "parts.yaml").write_text(PARTS, encoding="utf-8")
    for name, (rate, text) in CONFIGS.items():
        (folder / f"{name}.yaml").write_text(SCHEDULE.replace("RATE", str(rate)) + text, encoding="utf-8")
    for name, place in EXPORTED.items():
        _, stage = STAGES[name].build(folder / f"{name}.yaml", data)
        stage.export(folder / place)
    return folder


SCHEDULE = """
schedule: {steps: 20, batch: 4, learning_rate: RATE, warmup: 5, ema: 0.9, log_every: 1, sheet_every: 1000}
"""
PARTS = """
vae: vae
start: base/unet
transparency: transparency
sheet_steps: 2
"""
EXPORTED = {"vae": "vae", "base": "base", "transparency": "transparency", "layer": "layer"}  # where
SHARED = "include: [parts.yaml]\nscenes: 6\nrank: 4\n"
CONFIGS = {
    "probe": (2e-3, "scenes: 0.5"),  # learning rate; low-rank weights on a UNet that knows nothing yet need much
    "vae": (2e-3, "model: {latent_channels: 4, stages: [4, 2], widths: [16, 24]}"),
    "base": (2e-3, "vae: vae\nmodel: {widths: [16], head_width: 8, groups: 8}\nscenes: 4\nsheet_steps: 2"),
    "transparency": (2e-3, "vae: vae\ncritic_start: 2"),
    "residual": (2e-3, "include: [parts.yaml]\npictures: 8\nchannels: 8\nwidth: 16"),
    "layer": (1e-2, "include: [parts.yaml]\nrank: 4"),
    "joint": (1e-2, SHARED + "layer: layer/transparent.safetensors"),
    "concat": (4e-3, "include: [parts.yaml]\nscenes: 6\nway: bgble2fg"),
    "control": (2e-2, "include: [parts.yaml]\nlayer: layer/transparent.safetensors\nhint_width: 4"),
    "style": (1e-2, "include: [parts.yaml]\nrank: 4\nlayer: layer/transparent.safetensors"),
    "conditioned": (1e-2, SHARED + "wanted: foreground\ncondition_channels: 8"),
}
