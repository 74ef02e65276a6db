from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from acetate_engine.models.networks.autoencoder import SpaceToDepthAutoencoder
from acetate_engine.models.networks.latent_transparency import LatentTransparency
from acetate_engine.models.networks.space_to_depth_transparency import (
    SpaceToDepthOffsetEncoder,
    SpaceToDepthTransparentDecoder,
)
from acetate_engine.models.networks.transparency_folders import read_transparency

SHAPE = (6, (4, 2), (8, 12))
VAE = {"latent_channels": 6, "stages": (4, 2), "widths": (8, 12), "decoder_blocks": 1}


@pytest.fixture
def transparency() -> LatentTransparency:
    torch.manual_seed(0)
    encoder, decoder = SpaceToDepthOffsetEncoder(*SHAPE), SpaceToDepthTransparentDecoder(*SHAPE)
    torch.nn.init.normal_(encoder.conv_out.weight)
    for skip in decoder.skips:
        torch.nn.init.normal_(skip.weight)
    return LatentTransparency(encoder.eval(), decoder.eval(), 1.0)


def test_there_and_back_at_any_size(transparency: LatentTransparency) -> None:
    vae = SpaceToDepthAutoencoder(**VAE)
    rgba = torch.rand(3, 4, 37, 50)
    latent = transparency.encode_rgba(rgba, vae, 8)
    assert latent.shape == (3, 6, 5, 7)
    layers = transparency.decode_layers(latent, vae, note=pytest.fail, passes=1, size=(37, 50))
    assert layers.shape == rgba.shape
    assert torch.isfinite(layers).all()


def test_passes_are_not_turned(transparency: LatentTransparency) -> None:
    """The channels of a latent pixel hold the inside of a patch: turning the grid does not turn that."""
    vae, latent = SpaceToDepthAutoencoder(**VAE), torch.randn(1, 6, 4, 4)
    eight, one = (transparency.decode_layers(latent, vae, note=pytest.fail, passes=passes) for passes in (8, 1))
    assert torch.equal(eight, one)


def test_training_starts_from_the_plain_picture() -> None:
    encoder, decoder = SpaceToDepthOffsetEncoder(*SHAPE), SpaceToDepthTransparentDecoder(*SHAPE)
    assert encoder(torch.rand(1, 4, 16, 16)).abs().max() == 0
    latent, pixel = torch.randn(1, 6, 2, 2), torch.rand(2, 3, 16, 16)
    first, second = decoder(pixel, latent.expand(2, -1, -1, -1))
    assert torch.allclose(first[1:] - pixel[0], second[1:] - pixel[1], atol=1e-5), "all that it adds is of the latent"


def test_sizes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="multiples of 8"):
        SpaceToDepthOffsetEncoder(*SHAPE)(torch.rand(1, 4, 12, 16))
    with pytest.raises(ValueError, match="multiples of 8"):
        SpaceToDepthTransparentDecoder(*SHAPE)(torch.rand(1, 3, 16, 12), torch.rand(1, 6, 2, 1))


def test_folders(transparency: LatentTransparency, tmp_path: Path) -> None:
    assert transparency.encoder is not None and transparency.decoder is not None
    transparency.encoder.save_pretrained(tmp_path / "encoder")
    transparency.decoder.save_pretrained(tmp_path / "decoder")
    read = read_transparency(tmp_path / "encoder", tmp_path / "decoder", 2.0)
    assert isinstance(read.decoder, SpaceToDepthTransparentDecoder)
    assert all(map(torch.equal, read.decoder.state_dict().values(), transparency.decoder.state_dict().values()))
    config = tmp_path / "encoder" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"_class_name": "Pickle"}))
    with pytest.raises(ValueError, match="names Pickle"):
        read_transparency(tmp_path / "encoder", tmp_path / "decoder", 2.0)
