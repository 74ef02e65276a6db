"""The stages that denoise: layers begun with trained weights, edges of cut-outs that stand anywhere, the loss."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import ControlNetModel

from acetate_engine.compositing.alpha import to_float
from acetate_engine.models.adapters.sharing_files import load_sharing_weights
from acetate_engine.models.networks.space_to_depth_transparency import SpaceToDepthOffsetEncoder
from acetate_engine.training.compose import vae_feed
from acetate_engine.training.config import STAGES
from acetate_engine.training.control import edges_of
from acetate_engine.training.diffusion import Takeover, TakeoverConfig, encode_feeds, noise_schedule, velocity_loss
from acetate_engine.training.loop import Step, Trainer


def test_a_layer_begins_with_exported_weights_and_trains_on(workshop: Path, data: Path, tmp_path: Path) -> None:
    goes_on("layer", "layer/transparent.safetensors", workshop, data, tmp_path)


@pytest.mark.parametrize(("name", "file"), [("joint", "joint"), ("conditioned", "bg2fg")])
def test_layers_of_one_picture_begin_with_exported_weights_and_train_on(
    workshop: Path, data: Path, tmp_path: Path, name: str, file: str
) -> None:
    STAGES[name].build(workshop / f"{name}.yaml", data)[1].export(workshop / name)
    goes_on(name, f"{name}/{file}.safetensors", workshop, data, tmp_path)


def goes_on(name: str, exported: str, workshop: Path, data: Path, tmp_path: Path) -> None:
    stage, settings = begun(name, exported, workshop, data)
    before = load_sharing_weights(workshop / exported).state_dict()
    assert all(torch.equal(value, before[key]) for key, value in stage.weights.state_dict().items())
    with torch.enable_grad():
        Trainer(stage, settings.schedule, tmp_path).run(until=2)
    assert any(not torch.equal(value, before[key]) for key, value in stage.weights.state_dict().items())


def begun(name: str, exported: str, workshop: Path, data: Path) -> tuple[Any, Any]:
    config = workshop / f"{name}_begun.yaml"
    config.write_text((workshop / f"{name}.yaml").read_text() + f"\nbegin: {exported}\n")
    settings, stage = STAGES[name].build(config, data)
    return stage, settings


@pytest.mark.parametrize(("weights", "draws_scenes"), [("", True), ("weak_weight: 1.0", False), ("latest: 0.5", False)])
def test_a_layer_learns_scenes_too_where_no_time_counts_more(
    workshop: Path, data: Path, weights: str, draws_scenes: bool
) -> None:
    """Without cut-outs to draw there is a loss of scenes alone; times are weighed for cut-outs alone."""
    config = workshop / "layer_scenes.yaml"
    text = (workshop / "layer.yaml").read_text()
    config.write_text(f"{text}\nscenes: 4\nscene_share: 1.0\n{weights}\n", encoding="utf-8")
    stage: Any = STAGES["layer"].build(config, data)[1]
    stage.plain.latent.fill_(torch.nan)
    loss = stage.batch_loss(np.random.default_rng(0), torch.device("cpu"))
    assert bool(loss.isfinite()) is draws_scenes


def test_a_controlnet_begins_with_an_exported_one(workshop: Path, data: Path, tmp_path: Path) -> None:
    settings, stage = STAGES["control"].build(workshop / "control.yaml", data)
    with torch.enable_grad():
        Trainer(stage, settings.schedule, tmp_path).run(until=2)
    stage.export(workshop / "control")
    begun_stage, _ = begun("control", "control", workshop, data)
    exported = ControlNetModel.from_pretrained(workshop / "control", torch_dtype=torch.float32).state_dict()
    assert all(torch.equal(value, exported[key]) for key, value in begun_stage.control.state_dict().items())


@pytest.fixture(scope="module")
def moved(workshop: Path, data: Path) -> Any:
    config = workshop / "moved.yaml"
    config.write_text((workshop / "control.yaml").read_text() + "\nmoved: 2\nscale: [0.5, 0.6]\n")
    return STAGES["control"].build(config, data)[1]


def test_moved_copies_come_with_their_own_edges_and_latents(moved: Any) -> None:
    views, count = moved.views(), len(moved.foregrounds)
    assert len(views) == 4  # as they are, mirrored, two copies
    assert len(moved.edges) == len(moved.plain.latent) == len(moved.plain.text) == 4 * count
    for view, edges in zip(views, np.split(moved.edges, 4), strict=True):
        np.testing.assert_array_equal(edges, edges_of(view))
    latent = moved.plain.latent.reshape(4, count, -1)
    assert all(not torch.allclose(latent[0, i], latent[2, i]) for i in range(count))


def test_moved_copies_are_smaller_and_whole(moved: Any) -> None:
    as_they_are, _, first, second = (view[..., 3].astype(float).sum((1, 2)) for view in moved.views())
    for copy in (first, second):
        assert np.all(copy > 0.2 * as_they_are) and np.all(copy < 0.45 * as_they_are)


def test_without_a_limit_all_times_count_the_same() -> None:
    def loss(limit: float) -> float:
        torch.manual_seed(0)
        latent = torch.ones(4000, 1, 1, 1)
        return velocity_loss(noise_schedule(), lambda noisy, time: noisy * 0, latent, limit).item()

    assert loss(None) == pytest.approx(1, abs=0.1)  # the velocity of latent 1 is as large as its noise's
    assert loss(5.0) < 0.5


def _taken_over(sigma: float) -> torch.Tensor:
    """What is clean in a latent of offset 3 over a plain one of 1, where the adapter took over at sigma 2."""
    takeover = Takeover(TakeoverConfig(share=1.0, sigmas=(2.0, 2.0)), torch.full((1, 1, 2, 2), 3.0))
    return 4.0 - sigma * takeover.left(torch.tensor([sigma]))


@pytest.mark.parametrize(("sigma", "clean"), [(0.0, 4.0), (1.0, 2.5), (2.0, 1.0), (5.0, 1.0)])
def test_a_latent_that_is_taken_over_is_plain_at_first_and_gets_its_offset_step_by_step(
    sigma: float, clean: float
) -> None:
    torch.testing.assert_close(_taken_over(sigma), torch.full((1, 1, 2, 2), clean))


def test_some_latents_are_never_plain() -> None:
    torch.manual_seed(0)
    takeover = Takeover(TakeoverConfig(share=0.75, sigmas=(1.0, 4.0)), torch.ones(400, 1, 1, 1))
    left = takeover.left(torch.zeros(400)).flatten()
    assert 0.2 < (left == 0).float().mean() < 0.3
    assert left[left > 0].min() >= 0.25
    assert left.max() <= 1.0


TAKEOVER = "\ntakeover: {share: 1.0}\ntransparency: hiding\n"


@pytest.mark.parametrize("name", ["layer", "control"])
def test_a_layer_learns_to_take_over_from_the_base(workshop: Path, data: Path, name: str) -> None:
    """Its latents lack what they have more than plain ones: with an offset of no number, no loss is one."""
    stage = _taking_over(name, workshop, data)
    plain = torch.cat([encode_feeds(stage.vae, vae_feed(to_float(view))) for view in stage.views()])
    torch.testing.assert_close(stage.plain.latent - stage.plain.offset, plain)
    assert stage.plain.offset.std() > 0.01
    _assert_lacks(stage, stage.plain.offset)


@pytest.mark.parametrize("name", ["joint", "conditioned"])
def test_the_frame_of_a_layer_is_taken_over_from_the_base(workshop: Path, data: Path, name: str) -> None:
    stage = _taking_over(name, workshop, data)
    (prepared,) = stage.prepared
    assert prepared.offset[:, 0].std() > 0.01
    assert not prepared.offset[:, 1:].any()
    _assert_lacks(stage, prepared.offset)


def _taking_over(name: str, workshop: Path, data: Path) -> Any:
    """With an encoder that hides something; an untrained one adds 0."""
    shutil.copytree(workshop / "transparency", workshop / "hiding", dirs_exist_ok=True)
    encoder = SpaceToDepthOffsetEncoder.from_pretrained(workshop / "hiding" / "encoder")
    for parameter in encoder.parameters():
        torch.nn.init.normal_(parameter, std=0.2, generator=torch.Generator().manual_seed(0))
    encoder.save_pretrained(workshop / "hiding" / "encoder")
    config = workshop / f"{name}_takeover.yaml"
    config.write_text((workshop / f"{name}.yaml").read_text() + TAKEOVER)
    return STAGES[name].build(config, data)[1]


def _assert_lacks(stage: Any, offset: torch.Tensor) -> None:
    step = Step(0, np.random.default_rng(0), torch.device("cpu"))
    assert next(stage.losses(step))[1].isfinite()
    offset.fill_(torch.nan)
    assert not next(stage.losses(step))[1].isfinite()
