"""Pairs by inpainting, and rounds of human choice."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from acetate_engine.compositing.alpha import over
from acetate_engine.training.config import STAGES, read_config
from acetate_engine.training.datasets import load_training
from acetate_engine.training.licences import Licences
from acetate_engine.training.pairs import PairsConfig, core, grown, make_pairs
from acetate_engine.training.scenes import read_pairs
from acetate_engine.training.select import generate_round, keep, numbers, sheet


@pytest.fixture(scope="module")
def pairs(workshop: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = workshop / "pairs.yaml"
    config.write_text("include: [parts.yaml]\nschedule: {steps: 1, batch: 2}\npairs: 3\nsteps: 3\n", encoding="utf-8")
    out = tmp_path_factory.mktemp("pairs")
    assert make_pairs(read_config(config, PairsConfig), data, out) == 3
    return out


def test_a_pair_differs_only_where_the_cutout_is(pairs: Path) -> None:
    for scene in read_pairs(pairs):
        layers = scene.layers
        inside = grown(layers.foreground[..., 3], 8) > 0
        np.testing.assert_array_equal(layers.background[~inside], layers.blended[~inside])
        assert np.abs(layers.background[inside] - layers.blended[inside]).mean() > 0.05
        solid = layers.foreground[..., 3] == 1
        np.testing.assert_allclose(layers.blended[solid], layers.foreground[solid][:, :3], atol=1 / 255)
        assert np.abs(layers.blended[~inside] - 0.5).mean() > 0.02  # the plain colour is gone
        assert scene.captions.background == "hills"


def test_masks_are_scaled_to_the_picture() -> None:
    alpha = np.zeros((512, 512), np.float32)
    alpha[100:400, 100:400] = 1
    assert core(alpha, 8).sum() == (300 - 2 * 4) ** 2
    assert grown(alpha, 8).sum() == (300 + 2 * 4) ** 2


def test_stages_train_on_pairs_too(pairs: Path, workshop: Path, data: Path) -> None:
    text = (workshop / "joint.yaml").read_text(encoding="utf-8")
    (workshop / "paired.yaml").write_text(f"{text}\npairs: {pairs}\n", encoding="utf-8")
    _, stage = STAGES["joint"].build(workshop / "paired.yaml", data)
    assert len(stage.latent) == 6 + 3
    scene = read_pairs(pairs)[0]
    assert not np.allclose(over(scene.layers.foreground, scene.layers.background), scene.layers.blended)


@pytest.fixture
def candidates(tmp_path: Path) -> Path:
    folder = tmp_path / "round-1"
    (folder / "candidates").mkdir(parents=True)
    rows = []
    for number in range(3):
        file = f"candidates/{number:05d}.webp"
        Image.new("RGBA", (32, 32), (number * 50, 0, 0, 200)).save(folder / file, lossless=True, exact=True)
        rows.append({"file": file, "caption": "a <red> disc, 3d emoji", "model": "mini", "seed": number})
    (folder / "candidates.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return folder


def test_what_is_kept_is_trained_on(candidates: Path, data: Path, workshop: Path, tmp_path: Path) -> None:
    extended = shutil.copytree(data, tmp_path / "data")
    licences = Licences.read(workshop / "licences.json")
    before = len(load_training(extended, "fg", licences))
    assert keep(candidates, numbers("0, 2"), extended, "MIT") == 2
    assert keep(candidates, numbers("0-2"), extended, "MIT") == 1  # the others are there already
    after = load_training(extended, "fg", licences)
    assert len(after) == before + 3
    assert after.pixels[-1][0, 0].tolist() == [50, 0, 0, 200]
    assert after.captions[-1] == "a <red> disc, 3d emoji" and after.rows[-1]["style"] == "3d emoji"


def test_a_number_that_is_none_is_refused(candidates: Path, data: Path) -> None:
    before = (data / "fg.jsonl").read_bytes()
    with pytest.raises(ValueError, match="3 is none of them"):
        keep(candidates, [3], data, "MIT")
    with pytest.raises(ValueError, match="neither a number nor a range"):
        list(numbers("1 two"))
    assert (data / "fg.jsonl").read_bytes() == before


def test_the_sheet_shows_every_candidate_and_escapes_captions(candidates: Path) -> None:
    page = sheet([json.loads(line) for line in (candidates / "candidates.jsonl").read_text().splitlines()])
    assert page.count("<img") == 3 and "a &lt;red&gt; disc" in page and "<red>" not in page


def test_a_round_of_the_embedded_model(tmp_path: Path) -> None:
    assert generate_round(["a red apple, 3d emoji"], 2, tmp_path, seed=5) == 2
    rows = [json.loads(line) for line in (tmp_path / "candidates.jsonl").read_text().splitlines()]
    assert [row["seed"] for row in rows] == [5, 6]
    pictures = [np.asarray(Image.open(tmp_path / row["file"])) for row in rows]
    assert pictures[0].shape == (128, 128, 4) and not np.array_equal(*pictures)
