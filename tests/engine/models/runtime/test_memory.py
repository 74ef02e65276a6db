from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL

from acetate.protocol.errors import OutOfMemory
from acetate_engine.models.networks.latent_transparency import encode_rgb
from acetate_engine.models.runtime.memory import is_out_of_memory, run_tiled
from tests.engine.models import small


@pytest.mark.parametrize("size", [(7, 9), (32, 32), (40, 100), (33, 64)])
def test_tiles_of_a_pointwise_function_are_the_whole(size: tuple[int, int]) -> None:
    latent, pixel = torch.rand(1, 4, *size), torch.rand(1, 3, size[0] * 8, size[1] * 8)

    def run(pixel: torch.Tensor, latent: torch.Tensor) -> torch.Tensor:
        return pixel * F.interpolate(latent[:, :3], scale_factor=8)

    tiled = run_tiled(run, [pixel, latent], tile=32, overlap=8)
    torch.testing.assert_close(tiled, run(pixel, latent))


def test_tiles_blend_without_a_seam() -> None:
    """Tiles that disagree by a constant meet in a ramp, not in a step."""
    values = iter([0.0, 1.0])
    tiled = run_tiled(lambda x: torch.full_like(x, next(values)), [torch.zeros(1, 1, 32, 56)], tile=32, overlap=8)
    row = tiled[0, 0, 0]
    assert row[0] == 0
    assert row[-1] == 1
    assert row.diff().max() < 0.2


def test_what_counts_as_out_of_memory() -> None:
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60)
    assert is_out_of_memory(caught.value)
    assert not is_out_of_memory(RuntimeError("shapes do not match"))


class TestEncoding:
    """Falls back to batches and tiles as decoding does."""

    def vae(self, most: int) -> AutoencoderKL:
        """That has memory for so many pixels at once."""
        vae = small.vae()
        encode = vae.encode

        def short(x: torch.Tensor) -> object:
            if x.shape[0] * x.shape[2] * x.shape[3] > most:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return encode(x)

        vae.encode = short
        return vae

    @torch.no_grad()
    @pytest.mark.parametrize(("most", "said"), [(10**9, None), (320 * 288, "1 at a time"), (256 * 256, "tiles of 32")])
    def test_a_picture_that_is_too_large(self, most: int, said: str | None) -> None:
        rgb = (
            F.interpolate(torch.rand(2, 3, 20, 18, generator=torch.Generator().manual_seed(0)), size=(320, 288)) * 2 - 1
        )
        notes: list[str] = []
        exact = small.vae().encode(rgb).latent_dist
        found = encode_rgb(rgb, self.vae(most), 8, notes.append)
        assert found.mean.shape == exact.mean.shape
        assert [said in note for note in notes] == ([True] if said else [])
        close = (found.mean - exact.mean).abs().mean() / exact.mean.abs().mean()
        assert close < (0.2 if said and "tiles" in said else 1e-5)

    def test_what_never_fits_says_so(self) -> None:
        with pytest.raises(OutOfMemory, match="Encoding colours"):
            encode_rgb(torch.zeros(1, 3, 512, 512), self.vae(1), 8, [].append)
