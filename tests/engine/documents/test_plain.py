"""Plain layers in integers, against the same layers composited in float32."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acetate.protocol.geometry import Bounds
from acetate_engine.documents import flatten as flattening
from acetate_engine.documents.colour import SRGB, ColourSpace
from acetate_engine.documents.compose import composed
from acetate_engine.documents.flatten import compose, flatten
from acetate_engine.documents.plain import composite_plain, plain_count
from acetate_engine.documents.planes import Strip
from acetate_engine.documents.tree import (
    AdjustmentLayer,
    Blend,
    Clip,
    Group,
    Knockout,
    LayerMask,
    Memory,
    PixelLayer,
)

CANVAS = Bounds(0, 0, 300, 40)  # more than a tile wide
GRAY = ColourSpace("GRAY")


def layer(seed: int, x: int = 0, y: int = 0, width: int = 300, height: int = 40, planes: int = 3) -> PixelLayer:
    """A third each of clear, half and opaque pixels; some whole tiles are of one kind."""
    generator = np.random.default_rng(seed)
    pixels = generator.integers(0, 256, (height, width, planes + 1), dtype=np.uint8)
    kind = generator.integers(0, 3, (height, width))
    kind[:, : width // 3] = seed % 3
    pixels[..., -1] = np.choose(kind, [0, pixels[..., -1], 255])
    return PixelLayer(str(seed), source=Memory.at(x, y, pixels, SRGB if planes == 3 else GRAY))


def in_float(layers: list[PixelLayer], space: ColourSpace = SRGB) -> np.ndarray:
    plane = composed(layers, Strip(CANVAS, 8, space))
    return np.concatenate([plane.colour, plane.alpha], -1) * 255


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 99),
            st.integers(-30, 290),
            st.integers(-30, 30),
            st.floats(0, 1),
            st.booleans(),
            st.booleans(),
        ),
        max_size=4,
    ),
    st.sampled_from([1, 3]),
)
def test_every_step_is_the_same(drawn: list[tuple[int, int, int, float, bool, bool]], planes: int) -> None:
    layers = [
        replace(layer(seed, x, y, planes=planes), opacity=opacity, fill=0.5 if faint else 1.0, visible=visible)
        for seed, x, y, opacity, faint, visible in drawn
    ]
    space = SRGB if planes == 3 else GRAY
    assert plain_count(layers, space) == len(layers)
    ours = np.full((CANVAS.height, CANVAS.width, planes + 1), 77, np.uint8)
    assert composite_plain(ours, layers, CANVAS)
    seen = ours[..., -1:] > 0
    assert np.abs(np.where(seen, ours - in_float(layers, space), 0)).max(initial=0) <= 1.001


def test_what_is_more_than_plain_is_left_to_float() -> None:
    plain, clipped = layer(1), replace(layer(2), clip=Clip.BASE)
    mask = LayerMask(Memory.at(0, 0, np.zeros((2, 2), np.uint8)))
    more = [
        replace(layer(3), blend=Blend.MULTIPLY),
        replace(layer(3), masks=(mask,)),
        replace(layer(3), clip=Clip.BELOW),
        Group("group", layers=(layer(3),)),
        layer(3, planes=1),
    ]
    for above in more:
        assert plain_count([plain, plain, above, plain], SRGB) == 2
    assert plain_count([plain, plain, clipped], SRGB) == 1
    assert plain_count([plain, Group("group", layers=(replace(plain, knockout=Knockout.DEEP),))], SRGB) == 0


@pytest.mark.parametrize("blend", [Blend.MULTIPLY, Blend.NORMAL])
def test_the_rest_goes_over_the_plain_ones(blend: Blend, monkeypatch: pytest.MonkeyPatch) -> None:
    clipped = replace(layer(5, 10, 3, 200, 30), clip=Clip.BASE)
    layers = [layer(1), layer(2, -5, 4), replace(layer(4), blend=blend, opacity=0.7), clipped, layer(3, 40, 5)]
    ours = compose(layers, CANVAS, depth=8, space=SRGB).astype(int)
    assert plain_count(layers, SRGB) > 1
    monkeypatch.setattr(flattening, "plain_count", lambda layers, space: 0)
    other = compose(layers, CANVAS, depth=8, space=SRGB)
    assert np.abs(np.where(ours[..., 3:] > 0, ours - other, 0)).max() <= 1


def test_deeper_pixels_are_not_rounded_before_their_time() -> None:
    deep = np.random.default_rng(0).integers(0, 65536, (40, 300, 4)).astype(np.uint16)
    layers = [layer(1), PixelLayer("deep", source=Memory.at(0, 0, deep))]
    assert not composite_plain(np.empty((CANVAS.height, CANVAS.width, 4), np.uint8), layers, CANVAS)
    assert np.abs(flatten(layers, CANVAS).astype(int) - in_float(layers)).max() <= 1.001


def test_what_is_hidden_may_be_of_any_kind() -> None:
    hidden = [Group("group", visible=False, layers=(layer(1),)), AdjustmentLayer("adjustment", visible=False)]
    seen = flatten([*hidden, layer(2)], CANVAS)
    assert (seen == flatten([layer(2)], CANVAS)).all()
