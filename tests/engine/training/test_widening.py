"""More channels for networks that were trained with fewer: at first nothing is seen or shown differently."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from acetate_engine.models.networks.autoencoder import SpaceToDepthAutoencoder
from acetate_engine.training.base import UNetModel, new_unet, widened
from acetate_engine.training.transparency import Networks


@pytest.fixture
def vae() -> SpaceToDepthAutoencoder:
    torch.manual_seed(0)
    return SpaceToDepthAutoencoder(latent_channels=4, stages=(4, 2), widths=(16, 24)).eval()


@torch.no_grad()
def test_a_wider_latent_begins_with_the_old_one(vae: SpaceToDepthAutoencoder) -> None:
    picture = torch.rand(2, 3, 16, 24) * 2 - 1
    wider = vae.widened(7, latent_std=0.05)
    old, new = vae.encode(picture).latent_dist.mode(), wider.encode(picture).latent_dist
    torch.testing.assert_close(new.mode()[:, :4], old)
    assert new.mode()[:, 4:].abs().min() > 0
    assert new.std.max() == pytest.approx(0.05)
    torch.testing.assert_close(wider.decode(new.mode()).sample, vae.decode(old).sample)
    assert (wider.config.latent_channels, vae.config.latent_channels) == (7, 4)


@torch.no_grad()
def test_a_wider_unet_predicts_the_same(vae: SpaceToDepthAutoencoder) -> None:
    torch.manual_seed(0)
    unet = new_unet(UNetModel(widths=(16,), head_width=8, groups=8), 4, 8)
    wider = widened(unet, 6)
    noisy, text = torch.randn(2, 6, 8, 8), torch.randn(2, 5, 384)
    before, after = unet(noisy[:, :4], 300, text).sample, wider(noisy, 300, text).sample
    torch.testing.assert_close(after[:, :4], before)
    assert not after[:, 4:].any()
    assert wider.conv_in.weight.requires_grad


def test_latents_are_never_narrowed(vae: SpaceToDepthAutoencoder) -> None:
    with pytest.raises(ValueError, match="4 channels cannot be narrowed to 3"):
        vae.widened(3, 0.1)
    with pytest.raises(ValueError, match="4 latent channels cannot be narrowed to 3"):
        widened(new_unet(UNetModel(widths=(16,), head_width=8, groups=8), 4, 8), 3)


@torch.no_grad()
def test_wider_transparency_networks_decode_the_same(vae: SpaceToDepthAutoencoder, tmp_path: Path) -> None:
    trained = Networks(vae)
    trained.start_from_features(vae)
    for weight in trained.parameters():
        weight.add_(torch.randn_like(weight) * 0.05)
    trained.encoder.save_pretrained(tmp_path / "encoder")
    trained.decoder.save_pretrained(tmp_path / "decoder")
    wider = Networks(vae, widths=(20, 32))
    wider.start_from_networks(tmp_path)
    layer, latent = torch.rand(2, 4, 16, 24), torch.randn(2, 4, 2, 3)
    torch.testing.assert_close(wider.encoder(layer), trained.encoder(layer), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(
        wider.decoder(layer[:, 1:], latent), trained.decoder(layer[:, 1:], latent), rtol=1e-4, atol=1e-5
    )
    assert wider.decoder.config.widths == (20, 32)
