"""How latent transparency begins where the autoencoder leaves channels of its latent empty."""

import pytest
import torch

from acetate_engine.models.autoencoder import SpaceToDepthAutoencoder
from acetate_engine.models.latent_transparency import adjusted_latent, plain_latent
from acetate_engine.models.padding import pad_rgb
from acetate_engine.training.loop import Trainer
from acetate_engine.training.stages import STAGES
from acetate_engine.training.transparency import Networks

LAMBDA = 3.0


@pytest.fixture
def pictures():
    torch.manual_seed(0)
    return torch.rand(40, 4, 16, 16)


def _vae(spare):
    torch.manual_seed(0)
    return SpaceToDepthAutoencoder(latent_channels=4 + spare, stages=(2, 2), widths=(8, 12), spare_channels=spare)


def _started(vae, pictures):
    networks = Networks(vae)
    networks.start_from_features(vae)
    networks.start_from_patches(pictures[:, 3:], 1 / (vae.latent_std * LAMBDA))
    return networks


@torch.no_grad()
def _there_and_back(vae, networks, pictures):
    """Alpha error, the adjusted latent and the plain one."""
    plain = plain_latent(pictures, vae)
    latent = adjusted_latent(plain, pictures[:, 3:], pad_rgb(pictures), networks.encoder, LAMBDA)
    picture = vae.decode(latent).sample / 2 + 0.5
    alpha = networks.decoder(picture, latent)[:, :1]
    return (alpha - pictures[:, 3:]).abs().mean().item(), latent, plain.mean


def test_with_a_channel_for_each_pixel_alpha_comes_back_exactly(pictures):
    vae = _vae(spare=16)
    error, latent, plain = _there_and_back(vae, _started(vae, pictures), pictures)
    assert error < 1e-4
    torch.testing.assert_close(latent[:, 16:].std((0, 2, 3)), torch.ones(4), rtol=0.05, atol=0)
    torch.testing.assert_close(vae.decode(latent).sample, vae.decode(plain).sample)


def test_the_more_channels_the_nearer(pictures):
    errors = [_there_and_back(vae, _started(vae, pictures), pictures)[0] for vae in map(_vae, (4, 8, 12))]
    assert errors == sorted(errors, reverse=True)


def test_a_second_run_goes_on_with_the_code_of_the_first(pictures, tmp_path):
    vae = _vae(spare=8)
    first = _started(vae, pictures)
    with torch.no_grad():
        first.encoder.alpha_code.linear.weight.mul_(0.5)
    first.encoder.save_pretrained(tmp_path / "encoder")
    first.decoder.save_pretrained(tmp_path / "decoder")
    second = Networks(vae)
    second.start_from_networks(tmp_path)
    assert all(map(torch.equal, second.state_dict().values(), first.state_dict().values()))


def test_a_run_of_the_code_alone_changes_nothing_else(workshop, data, tmp_path):
    config = workshop / "code.yaml"
    config.write_text((workshop / "transparency.yaml").read_text() + "\ncode_only: true\n")
    settings, stage = STAGES["transparency"].build(config, data)
    before = {name: weight.clone() for name, weight in stage.networks.state_dict().items()}
    with torch.enable_grad():
        trainer = Trainer(stage, settings.schedule, tmp_path)
        errors = [trainer.stage.evaluate()[0]["alpha_mae"]]
        trainer.run()
    changed = {name for name, weight in stage.networks.state_dict().items() if not torch.equal(weight, before[name])}
    assert {name.rsplit(".", 2)[0] for name in changed} == {"encoder.alpha_code", "decoder.coded_alpha"}
    with trainer.averaged():
        errors.append(stage.evaluate()[0]["alpha_mae"])
    assert errors[1] < errors[0]


def test_what_is_clipped_anyway_hardly_counts(workshop, data):
    _, stage = STAGES["transparency"].build(workshop / "transparency.yaml", data)
    target = torch.tensor([0.0, 1.0, 0.5])
    beyond, short = torch.tensor([-0.5, 1.5, 0.5]), torch.tensor([0.05, 0.95, 0.5])
    assert stage._alpha_error(beyond, target) < stage._alpha_error(short, target)
