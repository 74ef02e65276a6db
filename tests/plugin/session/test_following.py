"""Every turn, mirror, crop and scale of a canvas, and what it does to a picture, beside numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acetate.protocol.errors import DocumentError
from acetate.protocol.geometry import Bounds, Extent
from acetate.protocol.pixels import PixelFormat
from acetate.session.following import CanvasGeometry, Change, ImageStep, Turn, fitted, follow
from tests.plugin.session.paper import picture_of

CANVAS = Extent(100, 60)
BOXES = {"a": Bounds(0, 0, 100, 60), "b": Bounds(10, 5, 20, 12), "c": Bounds(50, 40, 9, 9), "d": Bounds(-5, 20, 30, 8)}
TURNS = [Turn(swaps, x, y) for swaps in (False, True) for x in (False, True) for y in (False, True)]
NUMPY = {
    ImageStep.MIRROR_X: lambda pixels: pixels[:, ::-1],
    ImageStep.MIRROR_Y: lambda pixels: pixels[::-1],
    ImageStep.RIGHT: lambda pixels: np.rot90(pixels, -1),
    ImageStep.LEFT: lambda pixels: np.rot90(pixels, 1),
    ImageStep.HALF: lambda pixels: np.rot90(pixels, 2),
}


def moved(change: Change, size: Extent, *steps: ImageStep) -> CanvasGeometry:
    return CanvasGeometry(size, {name: change.bounds(box) for name, box in BOXES.items()}, steps)


def turn_of(*steps: ImageStep) -> Turn:
    """As the documents say, without the layers."""
    return follow(CanvasGeometry(CANVAS), CanvasGeometry(size_after(*steps), {}, steps)).turn


def size_after(*steps: ImageStep) -> Extent:
    turns = sum(step in (ImageStep.RIGHT, ImageStep.LEFT) for step in steps)
    return Extent(CANVAS.height, CANVAS.width) if turns % 2 else CANVAS


@given(st.lists(st.sampled_from(list(NUMPY)), min_size=1, max_size=5), st.sampled_from(list(PixelFormat)))
def test_pictures_turn_as_numpy_turns_them(steps: list[ImageStep], kind: PixelFormat) -> None:
    size, channels = (7, 11), kind.bytes_per_pixel
    pixels = np.random.default_rng(1).integers(0, 256, (*size, channels), np.uint8)
    expected = pixels
    for step in steps:
        expected = NUMPY[step](expected)
    turned = turn_of(*steps).picture(picture_of(pixels, kind))
    assert (turned.extent.height, turned.extent.width) == expected.shape[:2]
    assert b"".join(turned.strips) == np.ascontiguousarray(expected).tobytes()


@pytest.mark.parametrize("turn", TURNS)
def test_a_rotation_of_unknown_angle_is_told_by_the_layers(turn: Turn) -> None:
    change = Change(CANVAS, turn)
    steps = [step for step in (ImageStep.MIRROR_X,) if turn.swaps == (turn.mirrors_x == turn.mirrors_y)]
    if turn == Turn() and not steps:
        return
    after = moved(change, turn.extent(CANVAS), *steps, ImageStep.ROTATE)
    if turn in (Turn(), Turn(mirrors_x=True)):  # no turn at all: not what a step called rotation leaves
        return
    assert follow(CanvasGeometry(CANVAS, BOXES), after) == change


def test_a_crop_is_told_by_most_layers() -> None:
    change, size = Change(CANVAS, shift=(-8, -3)), Extent(60, 50)
    cut = {name: change.bounds(box).intersection(Bounds.of(size)) for name, box in BOXES.items()}
    after = CanvasGeometry(size, {**cut, "c": Bounds(1, 1, 50, 40)}, (ImageStep.CROP,))  # “c” was painted on
    assert follow(CanvasGeometry(CANVAS, BOXES), after) == change


def test_a_scaled_canvas_scales_the_result() -> None:
    change = Change(CANVAS, scale=(1.5, 2.0))
    after = moved(change, Extent(150, 120), ImageStep.SCALE)
    assert follow(CanvasGeometry(CANVAS, BOXES), after) == change
    assert change.bounds(Bounds(10, 10, 4, 4)) == Bounds(15, 20, 6, 8)
    assert change.notes


def test_nothing_happened() -> None:
    painted = {**BOXES, "b": Bounds(0, 0, 60, 60)}
    assert follow(CanvasGeometry(CANVAS, BOXES), CanvasGeometry(CANVAS, painted)) == Change(CANVAS)


@pytest.mark.parametrize(
    "after",
    [
        CanvasGeometry(CANVAS, BOXES, (ImageStep.OTHER,)),
        CanvasGeometry(Extent(60, 60), {}, (ImageStep.CROP,)),
        CanvasGeometry(CANVAS, {"a": BOXES["a"]}, (ImageStep.ROTATE, ImageStep.ROTATE)),
    ],
)
def test_what_cannot_be_told_is_said(after: CanvasGeometry) -> None:
    with pytest.raises(DocumentError, match="meanwhile"):
        follow(CanvasGeometry(CANVAS, {"a": BOXES["a"]}), after)


@given(
    st.builds(Bounds, st.integers(-90, 90), st.integers(-90, 90), st.integers(1, 80), st.integers(1, 80)),
)
def test_what_is_fitted_lies_on_the_canvas(box: Bounds) -> None:
    canvas = Bounds(0, 0, 50, 40)
    x, y = fitted(box, canvas)
    there = Bounds(box.x + x, box.y + y, box.width, box.height)
    assert not there.intersection(canvas).is_empty
    if box.width <= 50 and box.height <= 40:
        assert canvas.contains(there)
    if canvas.contains(box):
        assert (x, y) == (0, 0)
