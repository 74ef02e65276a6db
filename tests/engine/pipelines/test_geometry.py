from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acetate.protocol.geometry import Bounds, Extent
from acetate.protocol.notes import NoteKind, kind_of
from acetate_engine.models.families.base import WorkingSize
from acetate_engine.pipelines.stages.geometry import Geometry, working_extent

MINI = WorkingSize(128 * 128, 16, 4)
SD15 = WorkingSize(512 * 512, 64, 4)
SIZES = st.sampled_from([MINI, SD15, WorkingSize(256 * 256, 64, 2)])
SIDES = st.one_of(st.integers(1, 600), st.sampled_from([1, 16384]))


@given(SIDES, SIDES, SIZES)
def test_the_working_extent_is_one_the_model_can_do(width: int, height: int, size: WorkingSize) -> None:
    extent = working_extent(Extent(width, height), size)
    assert extent.width % size.multiple == 0 and extent.height % size.multiple == 0
    assert size.area / 3 <= extent.area <= size.area
    assert max(extent.width / extent.height, extent.height / extent.width) <= size.max_aspect


@given(SIDES, SIDES, SIZES, st.booleans())
def test_both_ways_of_fitting_stay_inside_and_keep_the_shape(
    width: int, height: int, size: WorkingSize, contain: bool
) -> None:
    region = Bounds(-7, 5, width, height)
    geometry = (Geometry.containing if contain else Geometry.covering)(region, size)
    assert Bounds.of(region.extent).contains(geometry.target)
    assert Bounds.of(geometry.working).contains(geometry.inner)
    content, frame, fitted = geometry.working, region.extent, geometry.target
    if not contain:
        content, frame, fitted = frame, content, geometry.inner
    scale = min(frame.width / content.width, frame.height / content.height)
    assert abs(fitted.width - content.width * scale) < 1 and abs(fitted.height - content.height * scale) < 1


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 200), st.integers(1, 200), st.booleans())
def test_pixels_come_back_at_exactly_the_region(width: int, height: int, contain: bool) -> None:
    geometry = (Geometry.containing if contain else Geometry.covering)(Bounds(3, -4, width, height), MINI)
    made = np.full((geometry.working.height, geometry.working.width, 4), 90, np.uint8)
    result = geometry.to_canvas(made)
    assert result.shape == (height, width, 4)
    if not contain:
        assert (result == 90).all()


def test_the_largest_and_the_narrowest_canvas() -> None:
    wide = Geometry.containing(Bounds(0, 0, 16384, 64), MINI)
    assert wide.working == Extent(256, 64) and wide.target == Bounds(8064, 0, 256, 64)
    assert wide.note() is None
    assert Geometry.containing(Bounds(0, 0, 1, 1), MINI).target == Bounds(0, 0, 1, 1)


def test_a_layer_alone_keeps_to_the_shape_that_the_model_knows() -> None:
    squares, region = WorkingSize(128 * 128, 16, 4, layer_aspect=1), Bounds(5, 0, 400, 300)
    layer = Geometry.containing(region, squares)
    assert layer.working == Extent(128, 128) and layer.target == Bounds(50, 0, 300, 300)
    assert Geometry.covering(region, squares) == Geometry.covering(region, MINI)


def test_enlarging_is_told() -> None:
    note = Geometry.containing(Bounds(0, 0, 2048, 2048), MINI).note()
    assert note == "made at 128×128 and enlarged 16×" and kind_of(note) is NoteKind.USUAL
    assert Geometry.containing(Bounds(0, 0, 256, 256), MINI).note() is None


@pytest.mark.parametrize("repeat", [True, False])
def test_conditions_lie_where_the_result_will(repeat: bool) -> None:
    """A mark on the canvas, brought to the working extent and back, is where it was."""
    region = Bounds(0, 0, 300, 111)
    canvas = np.zeros((111, 300, 4), np.uint8)
    canvas[40:70, 200:240] = 255
    geometry = Geometry.covering(region, SD15)
    working = geometry.to_working(canvas, repeat_border=repeat)
    assert working.shape[:2] == (geometry.working.height, geometry.working.width)
    back = geometry.to_canvas(working)
    assert back[45:65, 205:235, 3].min() > 250
    assert back[:35, :, 3].max() == 0 and back[75:, :, 3].max() == 0


def test_the_border_repeats_outwards() -> None:
    geometry = Geometry.covering(Bounds(0, 0, 100, 37), SD15)
    canvas = np.full((37, 100, 4), 200, np.uint8)
    assert (geometry.to_working(canvas, repeat_border=True) == 200).all()
    assert geometry.to_working(canvas, repeat_border=False).min() == 0
