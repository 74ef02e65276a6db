from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from acetate_engine.models.networks.transparency import OffsetEncoder, TransparentDecoder
from acetate_engine.verification.seeded import seed_module
from tests.engine.models.small import PARAMETERS, REFERENCES


def shapes(module: torch.nn.Module) -> dict[str, list[int]]:
    return {name: list(tensor.shape) for name, tensor in module.state_dict().items()}


@pytest.mark.parametrize(
    ("kind", "build"), [("offset_encoder", OffsetEncoder), ("transparent_decoder", TransparentDecoder)]
)
def test_parameters_are_those_of_the_released_files(kind: str, build: type[torch.nn.Module]) -> None:
    with torch.device("meta"):
        module = build()
    assert shapes(module) == PARAMETERS["parameters"][kind]


@torch.no_grad()
def test_golden_offset() -> None:
    golden = load_file(REFERENCES / "offset_encoder.safetensors")
    encoder = OffsetEncoder()
    seed_module(encoder)
    assert (encoder(golden["alpha_and_padded_rgb"]) - golden["offset"]).abs().max() < 1e-5


@torch.no_grad()
def test_sixteenfold_latents_of_32_channels() -> None:
    decoder = TransparentDecoder(32, (24, 32, 64, 96, 96), vae_factor=16, attention_levels=0)
    encoder = OffsetEncoder(32, (8, 8, 16, 16, 16))
    assert 2e6 < sum(x.numel() for x in decoder.parameters()) < 4e6
    assert decoder(torch.rand(2, 3, 64, 32), torch.rand(2, 32, 4, 2)).shape == (2, 4, 64, 32)
    assert encoder(torch.rand(2, 4, 64, 32)).shape == (2, 32, 4, 2)


@torch.no_grad()
def test_untrained_networks_ignore_the_latent_and_leave_it_alone() -> None:
    pixel = torch.rand(1, 3, 64, 64)
    decoder = TransparentDecoder(widths=(8, 8, 16, 16), layers_per_block=1, attention_levels=0)
    assert torch.equal(decoder(pixel, torch.rand(1, 4, 8, 8)), decoder(pixel, torch.rand(1, 4, 8, 8)))
    assert OffsetEncoder()(torch.rand(1, 4, 16, 16)).abs().max() == 0


def test_sizes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="multiples of 8"):
        OffsetEncoder()(torch.rand(1, 4, 12, 16))
    decoder = TransparentDecoder(widths=(8, 8, 16, 16), layers_per_block=1, attention_levels=0)
    with pytest.raises(ValueError, match="multiples of 8"):
        decoder(torch.rand(1, 3, 16, 20), torch.rand(1, 4, 2, 2))
    with pytest.raises(ValueError, match="at least 5 widths"):
        TransparentDecoder(widths=(8, 8, 16, 16), vae_factor=16)


def test_saved_and_loaded_without_pickle(tmp_path: Path) -> None:
    decoder = TransparentDecoder(widths=(8, 8, 16, 16), layers_per_block=1, attention_levels=0)
    decoder.save_pretrained(tmp_path)
    assert [path.suffix for path in sorted(tmp_path.iterdir())] == [".json", ".safetensors"]
    again = TransparentDecoder.from_pretrained(tmp_path)
    assert all(torch.equal(x, y) for x, y in zip(decoder.parameters(), again.parameters(), strict=True))
