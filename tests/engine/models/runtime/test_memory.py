import pytest
import torch
import torch.nn.functional as F

from acetate_engine.models.runtime.memory import is_out_of_memory, run_tiled


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
