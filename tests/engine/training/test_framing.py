"""Other shapes and poses: cut-outs stay whole, crops show what they can, and stages train on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from acetate_engine.training.config import STAGES
from acetate_engine.training.framing import FramingConfig, PoseConfig, framed_cutout, framed_ground, framed_scene, posed
from acetate_engine.training.layer import ripples
from acetate_engine.training.layered import Layered
from acetate_engine.training.loop import Step, Trainer

SHAPES = [(24, 32), (32, 24)]


def disc(side: int = 32, radius: float = 10.0, x: float = 16.0, y: float = 16.0) -> NDArray[np.uint8]:
    rows, columns = np.mgrid[:side, :side] + 0.5
    rgba = np.zeros((side, side, 4), np.uint8)
    rgba[..., :3] = (200, 90, 40)
    rgba[..., 3] = np.clip((radius - np.hypot(columns - x, rows - y)) * 255, 0, 255)
    return rgba


@pytest.mark.parametrize("shape", SHAPES)
def test_a_framed_cutout_is_whole_and_keeps_its_shape(shape: tuple[int, int]) -> None:
    for seed in range(5):
        framed = framed_cutout(disc(), shape, np.random.default_rng(seed))
        assert framed.shape == (*shape, 4)
        seen = framed[..., 3] > 127
        rows, columns = seen.any(1).sum(), seen.any(0).sum()
        assert abs(int(rows) - int(columns)) <= 1, "a disc stays a disc"
        assert seen.sum() == pytest.approx(np.pi * 7.5**2, rel=0.12)
    places = {framed_cutout(disc(), shape, np.random.default_rng(seed))[..., 3].tobytes() for seed in range(9)}
    assert len(places) > 3


@pytest.mark.parametrize("shape", SHAPES)
def test_a_framed_scene_shows_the_foreground_as_far_as_it_fits(shape: tuple[int, int]) -> None:
    front = disc(radius=6, x=8, y=25).astype(np.float32) / 255
    behind = np.random.default_rng(0).random((32, 32, 3), np.float32)
    cut = framed_scene(Layered(front, behind), shape, np.random.default_rng(1))
    assert cut.foreground.shape == (*shape, 4) and cut.background.shape == (*shape, 3)
    assert cut.foreground[..., 3].sum() == pytest.approx(front[..., 3].sum())
    assert cut.blended.shape == (*shape, 3)


def test_grounds_are_cropped() -> None:
    picture = np.arange(32 * 32 * 3, dtype=np.uint8).reshape(32, 32, 3)
    assert framed_ground(picture, (24, 32), np.random.default_rng(0)).shape == (24, 32, 3)


def test_poses_differ_and_nothing_of_them_is_lost() -> None:
    how = PoseConfig(copies=1)
    copies = [posed(disc(radius=9), np.random.default_rng(seed), how, mirror=True) for seed in range(8)]
    assert len({copy.tobytes() for copy in copies}) == 8
    for copy in copies:
        area = (copy[..., 3] / 255).sum()
        assert 0.45 * np.pi * 81 < area < 1.05 * np.pi * 81
        assert copy[[0, -1], :, 3].max() == copy[:, [0, -1], 3].max() == 0
        inside = copy[copy[..., 3] == 255][:, :3].astype(int)
        assert np.abs(inside - [200, 90, 40]).max() < 60, "hue and light move a little"


def test_the_square_is_the_rule_and_costs_no_randomness() -> None:
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    assert FramingConfig().choose(rng) == 0
    assert rng.bit_generator.state == before
    chosen = [FramingConfig(shapes=tuple(SHAPES), share=0.5).choose(rng) for _ in range(400)]
    assert 150 < chosen.count(0) < 250 and min(chosen.count(1), chosen.count(2)) > 60


@pytest.mark.parametrize("name", ["base", "layer", "joint"])
def test_stages_train_on_other_shapes_and_poses(name: str, workshop: Path, data: Path, tmp_path: Path) -> None:
    config = workshop / f"{name}_framed.yaml"
    poses = "" if name == "joint" else "\nposes: {copies: 1}"
    text = (workshop / f"{name}.yaml").read_text()
    config.write_text(text + poses + "\nframing: {shapes: [[24, 32], [32, 24]], share: 0.99}\n")
    settings, stage = STAGES[name].build(config, data)
    shapes = [tuple(part.latent.shape[-2:]) for part in (stage.prepared if name == "joint" else _plain(stage))]
    assert shapes == [(4, 4), (3, 4), (4, 3)]
    with torch.enable_grad():
        Trainer(stage, settings.schedule, tmp_path).run(until=3)


def _plain(stage: Any) -> list[Any]:
    count = len(stage.foregrounds)
    assert all(len(pool.plain.latent) == 3 * count for pool in stage.pools)  # as it is, mirrored, one pose
    return [pool.plain for pool in stage.pools]


def test_ripples_are_what_repeats_with_the_patches() -> None:
    column = torch.arange(64.0)

    def wave(period: float) -> Tensor:
        return torch.sin(2 * torch.pi * column / period).expand(1, 3, 64, 64)

    for period in (16.0, 8.0, 4.0):
        assert ripples(wave(period), 16).item() > 0.1, period
    for period in (64.0, 32.0, 64 / 5):
        assert ripples(wave(period), 16).item() < 1e-6, period
    assert ripples(torch.ones(2, 3, 64, 64), 16).max().item() < 1e-9


def test_layers_learn_not_to_weave(workshop: Path, data: Path) -> None:
    """The further terms are there, fall for a better latent, and reach the trained weights."""
    text = (workshop / "layer.yaml").read_text() + "\nweak_weight: 1.0\nidentity_weight: 1.0\nspectrum_weight: 5.0\n"
    (workshop / "layer_smooth.yaml").write_text(text)
    _, plain = STAGES["layer"].build(workshop / "layer.yaml", data)
    _, smooth = STAGES["layer"].build(workshop / "layer_smooth.yaml", data)
    losses = []
    for stage in (plain, smooth):
        torch.manual_seed(0)
        with torch.enable_grad():
            _, loss, _ = next(stage.losses(Step(0, np.random.default_rng(0), torch.device("cpu"))))
            loss.backward()
        losses.append(loss.item())
        assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in stage.weights.parameters())
    assert losses[1] > losses[0]
    pool = smooth.pools[0].plain
    near, far = (smooth._strangeness(pool.latent[:4] + noise, pool.shown[:4]) for noise in (0.0, 1.0))
    assert (far > near).all()
