from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acetate.protocol.geometry import Bounds, Extent
from acetate.session.region import Length, Reach, Unit, good_region

CANVAS = Bounds(0, 0, 320, 200)
lengths = st.builds(Length, st.floats(0, 400), st.sampled_from(Unit))
pixels = st.integers(1, 100)
parts = st.builds(Bounds, st.integers(0, 200), st.integers(0, 90), pixels, pixels)


def test_per_cent_are_those_of_the_longer_side() -> None:
    assert Length(25, Unit.PERCENT).pixels(Extent(40, 200)) == 50
    assert Length(25, Unit.PIXELS).pixels(Extent(40, 200)) == 25


def test_grow_and_feather_widen_what_comes_back_and_padding_what_is_seen() -> None:
    reach = Reach(Length(3, Unit.PIXELS), Length(10, Unit.PERCENT), Length(50, Unit.PERCENT))
    region = reach.around(Bounds(100, 80, 50, 20), CANVAS, is_selected=True, uses_context=True)
    assert (region.bounds, region.grow, region.feather) == (Bounds(92, 72, 66, 36), 3, 5)
    assert region.context == Bounds(59, 39, 132, 102)


def test_only_a_selection_is_feathered_and_only_some_tasks_look_around() -> None:
    reach = Reach(Length(0, Unit.PIXELS), Length(9, Unit.PIXELS), Length(9, Unit.PIXELS))
    region = reach.around(Bounds(5, 5, 10, 10), CANVAS, is_selected=False, uses_context=False)
    assert region.bounds == region.context == Bounds(5, 5, 10, 10)


@given(parts, lengths, lengths, lengths, st.booleans(), st.booleans())
def test_a_region_stays_on_the_canvas_and_its_context_contains_it(
    base: Bounds, grow: Length, feather: Length, padding: Length, selected: bool, sees: bool
) -> None:
    region = Reach(grow, feather, padding).around(base, CANVAS, is_selected=selected, uses_context=sees)
    assert CANVAS.contains(region.context)
    assert region.context.contains(region.bounds) and region.bounds.contains(base)


@pytest.mark.parametrize("canvas", [Extent(321, 199), Extent(1, 1), Extent(16384, 64), Extent(1024, 1024)], ids=str)
def test_a_small_canvas_is_taken_whole(canvas: Extent) -> None:
    assert good_region(Bounds.of(canvas), (0, 0), 128) == Bounds.of(canvas)


@pytest.mark.parametrize(
    ("centre", "native", "region"),
    [
        ((1240, 1754), 128, Bounds(984, 1498, 512, 512)),
        ((10, 3500), 128, Bounds(0, 2996, 512, 512)),
        ((1240, 1754), 1024, Bounds(728, 1242, 1024, 1024)),
        ((99999, -5), 512, Bounds(1968, 0, 512, 512)),
    ],
)
def test_a_large_canvas_gets_a_layer_of_a_good_size_in_view(
    centre: tuple[int, int], native: int, region: Bounds
) -> None:
    assert good_region(Bounds(0, 0, 2480, 3508), centre, native) == region
