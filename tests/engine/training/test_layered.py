"""Layered pictures: what is composed, and that the weights trained on them are what the pipelines read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from acetate_engine.compositing.alpha import over, to_float
from acetate_engine.models.adapters.sharing_files import load_sharing_weights
from acetate_engine.training.config import STAGES
from acetate_engine.training.datasets import load_pictures
from acetate_engine.training.layered import CompositionConfig, harmonised, lay, placed, with_contact_shadow
from acetate_engine.training.loop import Trainer
from acetate_engine.training.scenes import Captions
from acetate_engine.training.shared import copy_loras, save_sharing


@pytest.fixture(scope="module")
def cutout(data: Path) -> NDArray[np.uint8]:
    return load_pictures(data, "fg", "train").pixels[1]


@pytest.mark.parametrize("seed", range(8))
def test_a_placed_cutout_stays_inside(cutout: NDArray[np.uint8], seed: int) -> None:
    moved = placed(cutout, np.random.default_rng(seed), (0.5, 0.5))
    expected = to_float(cutout)[..., 3].sum() / 4
    assert to_float(moved)[..., 3].sum() == pytest.approx(expected, rel=0.1)


def test_grey_surroundings_leave_colours_and_others_tint_them(cutout: NDArray[np.uint8]) -> None:
    layer = to_float(cutout)
    grey, red = np.full((32, 32, 3), 0.5, np.float32), np.zeros((32, 32, 3), np.float32)
    red[..., 0] = 1
    np.testing.assert_allclose(harmonised(layer, grey, 0.5), layer, atol=0.01)
    gain = harmonised(layer * np.float32(0.5), red, 0.5)[..., :3].sum((0, 1)) / (layer * 0.5)[..., :3].sum((0, 1))
    np.testing.assert_allclose(gain, [1.5, 0.5, 0.5], atol=0.02)


def test_a_contact_shadow_darkens_below_and_leaves_the_layer_in_front(cutout: NDArray[np.uint8]) -> None:
    layer = to_float(cutout)
    shadowed = with_contact_shadow(layer, 0.5)
    np.testing.assert_allclose(shadowed[layer[..., 3] == 1], layer[layer[..., 3] == 1], atol=1e-5)
    soft = (shadowed[..., 3] > 0.1) & (layer[..., 3] == 0)
    rows = np.flatnonzero(soft.any(1))
    assert soft.any() and rows.mean() > np.flatnonzero((layer[..., 3] > 0.5).any(1)).mean()
    assert shadowed[soft][:, :3].max() < 0.01


def test_layers_compose_to_the_blended_picture_and_repeat_by_seed(cutout: NDArray[np.uint8], data: Path) -> None:
    background = load_pictures(data, "bg", "train").pixels[0]
    made = [lay(cutout, background, np.random.default_rng(3), CompositionConfig(effect_share=0.5)) for _ in range(2)]
    np.testing.assert_array_equal(made[0].foreground, made[1].foreground)
    np.testing.assert_array_equal(made[0].blended, over(made[0].foreground, made[0].background))


@pytest.mark.parametrize(("name", "file", "frames"), [("joint", "joint", 3), ("conditioned", "bg2fg", 2)])
def test_exported_weights_are_read_by_the_pipelines(
    name: str, file: str, frames: int, workshop: Path, data: Path, tmp_path: Path
) -> None:
    _, stage = STAGES[name].build(workshop / f"{name}.yaml", data)
    stage.export(tmp_path)
    read = load_sharing_weights(tmp_path / f"{file}.safetensors")
    assert (read.frames, read.kwargs_encoder is not None) == (frames, name == "conditioned")
    for key, value in stage.weights.state_dict().items():
        assert torch.equal(read.state_dict()[key], value.half().float()), key


def test_a_frame_begins_with_the_loras_of_a_transparent_layer(workshop: Path, data: Path) -> None:
    _, stage = STAGES["joint"].build(workshop / "joint.yaml", data)
    source = load_sharing_weights(workshop / "layer" / "transparent.safetensors")
    for unit in source.units():
        unit.lora("q", 0).up.weight.fill_(0.5)
    copy_loras(source, stage.weights, 2)
    for theirs, ours in zip(source.units(), stage.weights.units(), strict=True):
        x = torch.ones(1, theirs.lora("q", 0).down.in_features)
        torch.testing.assert_close(ours.lora("q", 2)(x), theirs.lora("q", 0)(x))
        assert not ours.lora("q", 1).up.weight.any()


@pytest.mark.parametrize("name", ["joint", "conditioned"])
def test_a_frame_that_keeps_the_layer_learns_what_is_shared_alone(
    workshop: Path, data: Path, tmp_path: Path, name: str
) -> None:
    source = load_sharing_weights(workshop / "layer" / "transparent.safetensors")
    for unit in source.units():
        unit.lora("v", 0).up.weight.fill_(0.5)
    save_sharing(source, tmp_path / "layer.safetensors")
    text = (workshop / f"{name}.yaml").read_text().replace("layer: layer/transparent.safetensors", "")
    config = workshop / f"{name}_kept.yaml"
    config.write_text(f"{text}\nlayer: {tmp_path / 'layer.safetensors'}\nkeeps_layer: true\n", encoding="utf-8")
    settings, stage = STAGES[name].build(config, data)
    before = {key: value.clone() for key, value in stage.weights.state_dict().items()}
    with torch.enable_grad():
        Trainer(stage, settings.schedule, tmp_path / "run").run(until=2)
    kept = {key for key, value in stage.weights.state_dict().items() if torch.equal(value, before[key])}
    ours = {key for key in before if "_lora.0." in key}  # the foreground comes first
    assert ours <= kept and any("temporal" in key for key in before.keys() - kept)
    for theirs, mine in zip(source.units(), stage.weights.units(), strict=True):
        torch.testing.assert_close(mine.lora("v", 0).up.weight, theirs.lora("v", 0).up.weight)


def test_the_background_is_said_before_the_style_which_may_be_cut() -> None:
    assert Captions("a castle, 3d emoji", "the sea").blended == "a castle in front of the sea, 3d emoji"
    assert Captions("a castle", "the sea").blended == "a castle in front of the sea"
