from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

from acetate_engine.models.networks import padding
from acetate_engine.models.networks.padding import pad_rgb, pad_to_multiple
from tests.engine.models.small import REFERENCES

sizes = st.integers(1, 40)


def random_rgba(height: int, width: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    rgba = torch.rand(1, 4, height, width, generator=generator)
    rgba[:, 3] = (rgba[:, 3] * 3 - 1).clamp(0, 1)  # a third each of transparent, half and opaque
    return rgba


def test_golden() -> None:
    golden = load_file(REFERENCES / "transparent_encoder.safetensors")
    ours = pad_rgb(golden["rgba"].permute(2, 0, 1)[None] / 255)[0].permute(1, 2, 0)
    assert (ours - golden["padded_rgb"]).abs().max() < 1e-5


@pytest.mark.parametrize("size", [(130, 97), (2, 300), (3, 2)])
def test_compiled_loops_fill_as_opencv_does(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    rgba = random_rgba(*size, 3)
    opencv = pad_rgb(rgba)
    monkeypatch.setattr(padding, "_LARGE", 0)
    for threads in (1, 3):
        torch.testing.assert_close(filled_by(threads, rgba), opencv, atol=1e-4, rtol=0)


def test_compiled_loops_keep_opaque_colour_and_know_nothing_visible(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(padding, "_LARGE", 0)
    rgba = random_rgba(70, 90, 4)
    opaque = rgba[:, 3:].eq(1).expand(-1, 3, -1, -1)
    assert torch.equal(pad_rgb(rgba)[opaque], rgba[:, :3][opaque])
    rgba[:, 3] = 0
    assert pad_rgb(rgba).abs().max() == 0


def filled_by(threads: int, rgba: torch.Tensor) -> torch.Tensor:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        return pad_rgb(rgba)
    finally:
        torch.set_num_threads(before)


@settings(max_examples=30, deadline=None)
@given(sizes, sizes, st.integers(0, 99))
def test_opaque_colour_stays_and_the_rest_comes_from_visible_colour(height: int, width: int, seed: int) -> None:
    rgba = random_rgba(height, width, seed)
    filled = pad_rgb(rgba)
    opaque = rgba[:, 3:].eq(1).expand_as(filled)
    assert torch.equal(filled[opaque], rgba[:, :3][opaque])
    assert filled.min() >= -1e-5
    assert filled.max() <= 1 + 1e-5


def test_colour_under_alpha_zero_does_not_matter() -> None:
    rgba = random_rgba(20, 30, 1)
    hidden = rgba[:, 3:].eq(0).expand(-1, 3, -1, -1)
    other = rgba.clone()
    other[:, :3][hidden] = 0.123
    torch.testing.assert_close(pad_rgb(rgba), pad_rgb(other))


def test_one_colour_fills_everything() -> None:
    rgba = torch.zeros(1, 4, 50, 33)
    rgba[:, :3] = torch.tensor([0.9, 0.2, 0.4])[None, :, None, None]
    rgba[:, 3, 20:25, 10:14] = 1
    filled = pad_rgb(rgba)
    torch.testing.assert_close(filled, rgba[:, :3].expand_as(filled), atol=1e-4, rtol=0)


def test_nothing_visible_is_black() -> None:
    assert pad_rgb(torch.cat([torch.rand(1, 3, 9, 7), torch.zeros(1, 1, 9, 7)], dim=1)).abs().max() == 0


def test_pictures_of_a_batch_do_not_mix() -> None:
    first, second = random_rgba(12, 17, 1), random_rgba(12, 17, 2)
    both = pad_rgb(torch.cat([first, second]))
    torch.testing.assert_close(both, torch.cat([pad_rgb(first), pad_rgb(second)]))


@pytest.mark.parametrize("size", [(1, 1), (64, 64), (65, 1), (100, 130)])
def test_extension_repeats_the_border(size: tuple[int, int]) -> None:
    picture = torch.rand(2, 3, *size)
    extended = pad_to_multiple(picture, 64)
    assert all(side % 64 == 0 for side in extended.shape[2:])
    assert torch.equal(extended[:, :, : size[0], : size[1]], picture)
    assert torch.equal(extended[:, :, -1, -1], picture[:, :, -1, -1])
