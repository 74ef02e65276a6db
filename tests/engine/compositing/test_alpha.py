from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from acetate.protocol.pixels import PixelFormat
from acetate_engine.compositing.alpha import bleed, convert, over, premultiply, to_float, to_pixels, unpremultiply
from acetate_engine.compositing.pixels import Pixels

SHAPES = st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(4))
RGBA8 = arrays(np.uint8, SHAPES)
RGBA16 = arrays(np.uint16, SHAPES)


@given(RGBA8)
def test_eight_bits_survive_sixteen(pixels: Pixels) -> None:
    wide = convert(pixels, PixelFormat.RGBA16)
    assert wide.dtype == np.uint16
    assert np.array_equal(convert(wide, PixelFormat.RGBA8), pixels)


@given(RGBA16)
def test_sixteen_bits_become_the_nearest_eight(pixels: Pixels) -> None:
    assert np.array_equal(convert(pixels, PixelFormat.RGBA8), np.rint(pixels / 257).astype(np.uint8))


@given(RGBA8, RGBA16)
def test_floats_come_back_as_the_same_integers(narrow: Pixels, wide: Pixels) -> None:
    assert np.array_equal(to_pixels(to_float(narrow), PixelFormat.RGBA8), narrow)
    assert np.array_equal(to_pixels(to_float(wide), PixelFormat.RGBA16), wide)


@given(RGBA16)
def test_unpremultiply_undoes_premultiply_where_visible(pixels: Pixels) -> None:
    straight = to_float(pixels)
    back = to_pixels(unpremultiply(premultiply(straight)), PixelFormat.RGBA16)
    visible = pixels[..., 3] > 0
    assert np.array_equal(back[visible], pixels[visible])


@given(RGBA8)
def test_over_nothing_and_under_opaque_change_nothing(pixels: Pixels) -> None:
    layer = to_float(pixels)
    nothing = np.zeros_like(layer)
    opaque = layer.copy()
    opaque[..., 3] = 1
    visible = pixels[..., 3] > 0
    assert np.array_equal(to_pixels(over(layer, nothing), PixelFormat.RGBA8)[visible], pixels[visible])
    assert np.array_equal(over(opaque, layer), opaque)


@given(arrays(np.uint8, (3, 4, 4)), arrays(np.uint8, (3, 4, 4)), arrays(np.uint8, (3, 4, 4)))
def test_over_is_associative(a: Pixels, b: Pixels, c: Pixels) -> None:
    x, y, z = to_float(a), to_float(b), to_float(c)
    left, right = over(over(x, y), z), over(x, over(y, z))
    assert np.allclose(premultiply(left), premultiply(right), atol=1e-5)


@given(RGBA8)
def test_bleed_keeps_visible_pixels_and_alpha(pixels: Pixels) -> None:
    straight = to_float(pixels)
    result = bleed(straight)
    visible = pixels[..., 3] > 0
    assert np.array_equal(result[visible], straight[visible])
    assert np.array_equal(result[..., 3], straight[..., 3])


def test_bleed_takes_the_colour_of_the_neighbourhood() -> None:
    straight = np.zeros((32, 32, 4), np.float32)
    straight[12:20, 4:8] = (1, 0, 0, 1)
    straight[12:20, 24:28] = (0, 0, 1, 0.5)
    result = bleed(straight)
    assert result[16, 2, 0] > 0.75 and result[16, 2, 2] < 0.25
    assert result[16, 30, 2] > 0.75 and result[16, 30, 0] < 0.25
