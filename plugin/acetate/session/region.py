"""What part of the canvas a task works on, and how far around it counts. Lengths are pixels, or per cent of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from acetate.protocol.geometry import Bounds, Extent

_SMALL, _GOOD = 1024, 512  # canvas pixels: sides up to which all of a canvas is taken, and of a good layer


class RegionKind(str, Enum):
    SELECTION = "selection"  # what fits the task where nothing is selected
    LAYER = "layer"
    CANVAS = "canvas"


class Unit(str, Enum):
    PIXELS = "px"
    PERCENT = "%"  # of the longer side of the region


@dataclass(frozen=True)
class Length:
    value: float
    unit: Unit

    def pixels(self, extent: Extent) -> int:
        """Canvas pixels, for a region of this size."""
        if self.unit is Unit.PIXELS:
            return round(self.value)
        return round(self.value / 100 * max(extent.width, extent.height))


@dataclass(frozen=True)
class Region:
    """`bounds` is what comes back, `context` what is looked at; both lie on the canvas."""

    bounds: Bounds  # canvas pixels
    context: Bounds  # contains `bounds`
    grow: int = 0  # pixels
    feather: int = 0  # pixels
    is_selected: bool = False  # whether the selection shapes it


def good_region(canvas: Bounds, centre: tuple[int, int], native: int) -> Bounds:
    """Where nothing is selected: the canvas, or on a large one a square in the middle of the view.

    `native` is the side that the model works best at: far beyond that a picture would only be blown up.
    """
    if canvas.extent.area <= max(_SMALL, 2 * native) ** 2:
        return canvas
    width, height = (min(side, max(_GOOD, native)) for side in (canvas.width, canvas.height))
    x = min(max(centre[0] - width // 2, canvas.x), canvas.right - width)
    y = min(max(centre[1] - height // 2, canvas.y), canvas.bottom - height)
    return Bounds(x, y, width, height)


@dataclass(frozen=True)
class Reach:
    """How a region is made from what is selected."""

    grow: Length
    feather: Length
    padding: Length

    def around(self, base: Bounds, canvas: Bounds, *, is_selected: bool, uses_context: bool) -> Region:
        """The region that grows from `base`, which lies on the canvas. Feathering takes a selection."""
        grow = self.grow.pixels(base.extent)
        feather = self.feather.pixels(base.extent) if is_selected else 0
        bounds = base.padded(grow + feather).intersection(canvas)
        padding = self.padding.pixels(bounds.extent) if uses_context else 0
        return Region(bounds, bounds.padded(padding).intersection(canvas), grow, feather, is_selected)
