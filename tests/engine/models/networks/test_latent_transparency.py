from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from diffusers import AutoencoderKL
from torch import Tensor

from acetate.protocol.errors import OutOfMemory
from acetate_engine.models.networks.alpha_residual import AlphaResidual
from acetate_engine.models.networks.latent_transparency import (
    LatentTransparency,
    _middle,
    decode_alpha_rgb,
    decode_rgb,
)
from tests.engine.models import small


@pytest.fixture(scope="module")
def vae() -> AutoencoderKL:
    return small.vae()


@pytest.fixture(scope="module")
def transparency() -> LatentTransparency:
    return LatentTransparency(small.encoder(), small.decoder())


def no_note(text: str) -> None:
    pytest.fail(f"unexpected note: {text}")


def random_rgba(batch: int, height: int, width: int) -> Tensor:
    return torch.rand(batch, 4, height, width, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("size", [(1, 1), (64, 64), (50, 130), (129, 7)])
@pytest.mark.parametrize("passes", [1, 2, 4, 8])
def test_any_size_and_quality(
    transparency: LatentTransparency, vae: AutoencoderKL, size: tuple[int, int], passes: int
) -> None:
    latent = transparency.encode_rgba(random_rgba(2, *size), vae)
    assert latent.shape[2:] == tuple(-(-side // 64) * 8 for side in size)
    layers = transparency.decode_layers(latent, vae, note=no_note, passes=passes, size=size)
    assert layers.shape == (2, 4, *size)
    assert layers.dtype == torch.float32
    assert layers.isfinite().all()
    assert layers.min() >= 0
    assert layers.max() <= 1
    assert layers.std() > 0.01


@pytest.mark.parametrize("size", [(1, 1), (64, 64), (50, 130)])
@torch.no_grad()
def test_a_code_of_what_is_lost_fits_its_layer(
    transparency: LatentTransparency, vae: AutoencoderKL, size: tuple[int, int]
) -> None:
    torch.manual_seed(0)
    coding = replace(transparency, residual=AlphaResidual(factor=8, channels=4, width=8))
    rgba = random_rgba(2, *size)
    latent = coding.encode_rgba(rgba, vae)
    without = coding.decode_layers(latent, vae, note=no_note)
    code = coding.code_residual(rgba, without)
    assert code.shape == (2, 4, *latent.shape[2:])
    nothing, with_code = (coding.with_residual(without, residual) for residual in (0 * code, code))
    assert torch.equal(nothing, without)
    assert torch.equal(with_code[:, 1:], without[:, 1:]), "colour is as it was"
    assert (with_code[:, 0] != without[:, 0]).any()
    assert with_code.min() >= 0 and with_code.max() <= 1


def test_a_model_without_a_network_for_what_is_lost_says_so(
    transparency: LatentTransparency, vae: AutoencoderKL
) -> None:
    rgba = random_rgba(1, 16, 16)
    latent = transparency.encode_rgba(rgba, vae)
    with pytest.raises(ValueError, match="no network for a residual"):
        transparency.code_residual(rgba, rgba)
    with pytest.raises(ValueError, match="no network for a residual"):
        transparency.with_residual(rgba, latent)


def test_latents_that_are_not_multiples_of_the_decoder(transparency: LatentTransparency, vae: AutoencoderKL) -> None:
    latent = torch.randn(1, 4, 3, 5, generator=torch.Generator().manual_seed(1))
    assert transparency.decode_layers(latent, vae, note=no_note).shape == (1, 4, 24, 40)


def test_pictures_of_a_batch_do_not_mix(transparency: LatentTransparency, vae: AutoencoderKL) -> None:
    latent = transparency.encode_rgba(random_rgba(3, 40, 72), vae)
    together = transparency.decode_layers(latent, vae, note=no_note, batch=8)
    alone = torch.cat([transparency.decode_layers(x[None], vae, note=no_note, batch=1) for x in latent])
    torch.testing.assert_close(together, alone, atol=2e-4, rtol=0)  # latents are large: lambda is 300


@torch.no_grad()
def test_eight_passes_are_equivariant(transparency: LatentTransparency) -> None:
    """A turned or mirrored picture gives the turned or mirrored result, since the eight passes are the same ones."""
    decoder = transparency.decoder
    pixel, latent = torch.rand(1, 3, 32, 48), torch.randn(1, 4, 4, 6)
    upright = decode_alpha_rgb(decoder, pixel, latent, note=no_note)
    for turn in (lambda x: torch.rot90(x, 1, (2, 3)), lambda x: x.flip(3)):
        turned = decode_alpha_rgb(decoder, turn(pixel), turn(latent), note=no_note)
        torch.testing.assert_close(turned, turn(upright), atol=1e-5, rtol=0)


@torch.no_grad()
def test_drafts_take_the_middle(transparency: LatentTransparency) -> None:
    decoder = transparency.decoder
    pixel, latent = torch.rand(1, 3, 32, 32), torch.randn(1, 4, 4, 4)
    one = decode_alpha_rgb(decoder, pixel, latent, note=no_note, passes=1)
    torch.testing.assert_close(one, decoder(pixel, latent).clamp(0, 1))
    two = decode_alpha_rgb(decoder, pixel, latent, note=no_note, passes=2)
    other = decoder(torch.rot90(pixel.flip(3), 2, (2, 3)), torch.rot90(latent.flip(3), 2, (2, 3))).clamp(0, 1)
    torch.testing.assert_close(two, (one + torch.rot90(other, 2, (2, 3)).flip(3)) / 2)


def test_bfloat16_is_close(transparency: LatentTransparency, vae: AutoencoderKL) -> None:
    rgba = random_rgba(1, 64, 64)
    exact = transparency.decode_layers(transparency.encode_rgba(rgba, vae), vae, note=no_note)
    rough = LatentTransparency(small.encoder().to(torch.bfloat16), small.decoder().to(torch.bfloat16))
    rough_vae = small.vae().to(torch.bfloat16)
    latent = rough.encode_rgba(rgba, rough_vae)
    assert latent.dtype == torch.float32
    close = rough.decode_layers(latent, rough_vae, note=no_note)
    assert (close - exact).abs().mean() < 0.05


def test_half_precision_autoencoder_is_refused(transparency: LatentTransparency) -> None:
    with pytest.raises(ValueError, match="overflows in fp16"):
        decode_rgb(torch.zeros(1, 4, 8, 8), small.vae().to(torch.float16), note=no_note)


def test_missing_networks_and_odd_qualities_are_named(vae: AutoencoderKL) -> None:
    empty = LatentTransparency(None, None)
    with pytest.raises(ValueError, match="no offset encoder"):
        empty.encode_rgba(torch.zeros(1, 4, 64, 64), vae)
    with pytest.raises(ValueError, match="no transparent decoder"):
        empty.decode_layers(torch.zeros(1, 4, 8, 8), vae, note=no_note)
    with pytest.raises(ValueError, match="passes must be one of"):
        decode_alpha_rgb(small.decoder(), torch.zeros(1, 3, 64, 64), torch.zeros(1, 4, 8, 8), note=no_note, passes=3)


class TightDecoder(torch.nn.Module):
    """The small decoder on a device with room for `pixels` at once; it fails as CUDA does."""

    orientations = 8

    def __init__(self, pixels: int) -> None:
        super().__init__()
        self.inner = small.decoder()
        self.multiple, self.dtype = self.inner.multiple, torch.float32
        self.pixels = pixels

    def forward(self, pixel: Tensor, latent: Tensor) -> Tensor:
        if pixel.shape[0] * pixel.shape[2] * pixel.shape[3] > self.pixels:
            raise torch.OutOfMemoryError("out of memory")
        return self.inner(pixel, latent)


def test_out_of_memory_takes_smaller_batches_and_says_so() -> None:
    pixel, latent = torch.rand(4, 3, 32, 32), torch.randn(4, 4, 4, 4)
    notes: list[str] = []
    tight = decode_alpha_rgb(TightDecoder(2 * 32 * 32), pixel, latent, note=notes.append, passes=1, batch=4)
    roomy = decode_alpha_rgb(small.decoder(), pixel, latent, note=no_note, passes=1)
    torch.testing.assert_close(tight, roomy, atol=1e-5, rtol=0)
    assert notes == ["Decoding transparency ran out of memory and was done 2 at a time"]


def test_a_processor_decodes_one_way_at_a_time() -> None:
    pixel, latent, notes = torch.rand(2, 3, 32, 32), torch.randn(2, 4, 4, 4), list[str]()
    decode_alpha_rgb(TightDecoder(32 * 32), pixel, latent, note=notes.append, passes=8)
    assert not notes


def test_out_of_memory_takes_tiles_and_says_so() -> None:
    pixel, latent = torch.rand(1, 3, 320, 640), torch.randn(1, 4, 40, 80)
    notes: list[str] = []
    tiled = decode_alpha_rgb(TightDecoder(256 * 256), pixel, latent, note=notes.append, passes=2)
    assert tiled.shape == (1, 4, 320, 640)
    assert tiled.isfinite().all()
    assert notes == ["Decoding transparency ran out of memory and was done in overlapping tiles of 32 latent pixels"]


def test_nothing_fits() -> None:
    with pytest.raises(OutOfMemory, match="not even in overlapping tiles"):
        decode_alpha_rgb(
            TightDecoder(10), torch.rand(1, 3, 512, 512), torch.randn(1, 4, 64, 64), note=no_note, passes=1
        )


def test_other_failures_are_not_taken_for_lack_of_memory(vae: AutoencoderKL) -> None:
    with pytest.raises(RuntimeError, match="channels"):
        decode_rgb(torch.zeros(1, 5, 8, 8), vae, note=no_note)


def test_the_middle_of_eight_ways_is_their_lower_median() -> None:
    """Exchanges that order all rows of zeros and ones order any values (Knuth 5.3.4, theorem Z)."""
    rows = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 8).T
    assert torch.equal(_middle(rows), rows.median(dim=0).values)
    values = torch.rand(8, 1, 4, 5, 6)
    assert torch.equal(_middle(values), values.median(dim=0).values)
