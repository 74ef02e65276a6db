"""A tiny data folder, and every stage at a size that trains in a second."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SIDE = 32  # pixels
LICENCES = {"statements": {"MIT (someone)": "MIT"}, "photos": {"park/alps.jpg": "CC-BY-4.0"}}


def _foreground(rng):
    """One random disc of one random colour."""
    y, x = np.mgrid[:SIDE, :SIDE]
    distance = np.hypot(x - rng.uniform(10, 22), y - rng.uniform(10, 22))
    rgba = np.zeros((SIDE, SIDE, 4), np.uint8)
    rgba[..., :3] = rng.integers(0, 256, 3)
    rgba[..., 3] = np.clip((rng.uniform(5, 12) - distance) * 128, 0, 255)
    return Image.fromarray(rgba, "RGBA")


def _background(rng):
    return Image.fromarray(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)).resize((SIDE, SIDE))


def _write(folder, kind, make, splits, row):
    rng = np.random.default_rng(7)
    (folder / kind).mkdir()
    lines = []
    for number, split in enumerate(splits):
        file = f"{kind}/{number:05d}.webp"
        make(rng).save(folder / file, lossless=True, exact=True)
        lines.append(json.dumps({"file": file, "split": split, **row(number)}))
    (folder / f"{kind}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _foreground_row(number):
    licence = "see the fine print" if number == 0 else "MIT (someone)"
    return {"caption": f"disc number {number}", "style": "3d emoji", "source": "test", "licence": licence}


def _background_row(number):
    return {"caption": "hills", "photo": "park/alps.jpg", "licence": "CC-BY or so"}


@pytest.fixture(scope="session")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    _write(folder, "fg", _foreground, ["train"] * 8 + ["val"] * 4, _foreground_row)
    _write(folder, "bg", _background, ["train"] * 4 + ["val"] * 2, _background_row)
    return folder


@pytest.fixture(scope="session")
def workshop(tmp_path_factory, data) -> Path:
    """A folder with configuration files of every stage, and what each stage needs of the ones before it."""
    from acetate_engine.training.base import BaseConfig, BaseStage
    from acetate_engine.training.config import read_config
    from acetate_engine.training.transparency import TransparencyConfig, TransparencyStage
    from acetate_engine.training.vae import VaeConfig, VaeStage

    folder = tmp_path_factory.mktemp("workshop")
    (folder / "licences.json").write_text(json.dumps(LICENCES), encoding="utf-8")
    for name, text in CONFIGS.items():
        rate = 1e-2 if name == "layer" else 2e-3  # few low-rank weights on a UNet that knows nothing yet
        (folder / f"{name}.yaml").write_text(SCHEDULE.replace("RATE", str(rate)) + text, encoding="utf-8")
    VaeStage(read_config(folder / "vae.yaml", VaeConfig), data).export(folder / "vae")
    BaseStage(read_config(folder / "base.yaml", BaseConfig), data).export(folder / "base")
    TransparencyStage(read_config(folder / "transparency.yaml", TransparencyConfig), data).export(folder)
    return folder


SCHEDULE = """
schedule: {steps: 40, batch: 4, learning_rate: RATE, warmup: 5, ema: 0.9, log_every: 1, sheet_every: 1000}
"""
UNET = """
vae: vae
model: {widths: [16, 32], head_width: 8, groups: 8}
"""
CONFIGS = {
    "vae": "model: {latent_channels: 4, stages: [4, 2], widths: [16, 24]}",
    "base": UNET + "scenes: 4",
    "transparency": """
vae: vae
model: {encoder_widths: [4, 4, 8, 8], decoder_widths: [4, 8, 8, 8], groups: 4}
critic_start: 2
""",
    "layer": UNET + "{start: base/unet, encoder: encoder, decoder: decoder, rank: 4}".strip("{}").replace(", ", "\n"),
}
