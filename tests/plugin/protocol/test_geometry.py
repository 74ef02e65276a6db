"""Rectangles."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acetate.protocol.geometry import Bounds, Extent

SMALL = st.builds(Bounds, st.integers(-6, 6), st.integers(-6, 6), st.integers(0, 6), st.integers(0, 6))


def pixels(bounds: Bounds) -> set[tuple[int, int]]:
    return {(x, y) for x in range(bounds.x, bounds.right) for y in range(bounds.y, bounds.bottom)}


@given(SMALL, SMALL)
def test_intersection_is_what_both_cover(a: Bounds, b: Bounds) -> None:
    assert pixels(a.intersection(b)) == pixels(a) & pixels(b)


@given(SMALL, SMALL)
def test_union_is_the_smallest_around_both(a: Bounds, b: Bounds) -> None:
    union, covered = a.union(b), pixels(a) | pixels(b)
    assert covered <= pixels(union)
    if covered:
        xs, ys = zip(*covered, strict=True)
        assert (union.x, union.y, union.right, union.bottom) == (min(xs), min(ys), max(xs) + 1, max(ys) + 1)


@given(SMALL, SMALL)
def test_contains(a: Bounds, b: Bounds) -> None:
    if pixels(b):
        assert a.contains(b) == (pixels(b) <= pixels(a))


@given(SMALL, st.integers(0, 3))
def test_padding(a: Bounds, margin: int) -> None:
    grown = a.padded(margin)
    assert grown.contains(a)
    assert grown.extent == Extent(a.width + 2 * margin, a.height + 2 * margin)


@given(SMALL, SMALL)
def test_relative_to(a: Bounds, b: Bounds) -> None:
    assert pixels(a.relative_to(b)) == {(x - b.x, y - b.y) for x, y in pixels(a)}


def test_negative_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        Extent(-1, 2)
    with pytest.raises(ValueError, match="negative"):
        Bounds(0, 0, 1, -2)
    assert Bounds.of(Extent(3, 4)) == Bounds(0, 0, 3, 4)
    assert Bounds(0, 0, 0, 4).is_empty and Extent(0, 4).is_empty


def test_around_and_window() -> None:
    assert Bounds.around([]) == Bounds(0, 0, 0, 0)
    assert Bounds.around([Bounds(5, 6, 0, 0), Bounds(1, 2, 3, 4), Bounds(-1, 4, 1, 9)]) == Bounds(-1, 2, 5, 11)
    rows, columns = Bounds(2, 3, 4, 5).window
    assert (rows, columns) == (slice(3, 8), slice(2, 6))
