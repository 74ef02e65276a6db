from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from acetate.protocol.geometry import Extent
from acetate_engine.compositing import resize as module
from acetate_engine.compositing.pixels import Pixels
from acetate_engine.compositing.resize import resize

SIDES = st.integers(1, 40)


@settings(deadline=None)
@given(SIDES, SIDES, SIDES, SIDES, st.sampled_from([np.uint8, np.uint16]), st.data())
def test_a_flat_picture_stays_flat_at_any_size(
    width: int, height: int, new_width: int, new_height: int, dtype: type[np.generic], data: st.DataObject
) -> None:
    colour = data.draw(arrays(dtype, 4))
    pixels = np.broadcast_to(colour, (height, width, 4)).copy()
    result = resize(pixels, Extent(new_width, new_height))
    assert result.shape == (new_height, new_width, 4) and result.dtype == dtype
    assert np.array_equal(result, np.broadcast_to(colour, result.shape))


@settings(deadline=None)
@given(arrays(np.uint8, (12, 9, 4)), SIDES, SIDES)
def test_hidden_colour_never_shows(pixels: Pixels, width: int, height: int) -> None:
    """What is under alpha 0 has no influence on any visible pixel."""
    other = pixels.copy()
    other[pixels[..., 3] == 0, :3] = 255 - pixels[pixels[..., 3] == 0, :3]
    a, b = resize(pixels, Extent(width, height)), resize(other, Extent(width, height))
    assert np.array_equal(a[..., 3], b[..., 3])
    visible = a[..., 3] > 0
    assert np.array_equal(a[visible], b[visible])


@settings(deadline=None)
@given(arrays(np.uint8, (23, 17, 4)), SIDES, SIDES, st.integers(1, 200))
def test_strips_do_not_show(pixels: Pixels, width: int, height: int, strip: int) -> None:
    whole = resize(pixels, Extent(width, height)).astype(int)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_STRIP_PIXELS", strip)
        in_strips = resize(pixels, Extent(width, height)).astype(int)
    seen = whole[..., 3] > 8  # colour under next to no alpha amplifies rounding
    assert np.abs(whole - in_strips)[..., 3].max() <= 1
    assert np.abs(whole - in_strips)[seen].max(initial=0) <= 2


def test_enlarging_draws_no_ghost_into_the_transparency() -> None:
    pixels = np.zeros((16, 16, 4), np.uint8)
    pixels[4:12, 4:12] = (200, 30, 40, 255)
    result = resize(pixels, Extent(256, 256))
    assert result[:32].max() == 0 or result[:32, :, 3].max() == 0
    inside = result[80:176, 80:176]
    assert np.array_equal(inside, np.broadcast_to((200, 30, 40, 255), inside.shape))
    visible = result[result[..., 3] > 0]
    assert np.abs(visible[:, :3].astype(int) - (200, 30, 40)).max() <= 1


def test_a_mask_keeps_its_mass() -> None:
    mask = np.zeros((64, 64), np.uint8)
    mask[16:48, 16:48] = 255
    assert abs(resize(mask, Extent(10, 10)).mean() - mask.mean()) < 1


def test_the_same_size_gives_the_same_bytes() -> None:
    pixels = np.random.default_rng(1).integers(0, 65536, (7, 5, 4), dtype=np.uint16)
    assert np.array_equal(resize(pixels, Extent(5, 7)), pixels)
