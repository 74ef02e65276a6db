"""Sizes and rectangles in canvas pixels. Qt-free, so that engine and plugin share them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce


@dataclass(frozen=True)
class Extent:
    """A size in pixels; both sides are at least 0."""

    width: int
    height: int

    def __post_init__(self) -> None:
        if self.width < 0 or self.height < 0:
            raise ValueError(f"an extent cannot be negative: {self.width}×{self.height}")

    @property
    def area(self) -> int:
        return self.width * self.height

    @property
    def is_empty(self) -> bool:
        return self.area == 0

    def __str__(self) -> str:
        return f"{self.width}×{self.height}"


@dataclass(frozen=True)
class Bounds:
    """A rectangle: x, y of its top left corner (may be negative: off the canvas), width, height; canvas pixels."""

    x: int
    y: int
    width: int
    height: int

    def __post_init__(self) -> None:
        if self.width < 0 or self.height < 0:
            raise ValueError(f"bounds cannot have a negative size: {self.width}×{self.height}")

    @staticmethod
    def of(extent: Extent) -> Bounds:
        """The whole of a canvas of this size."""
        return Bounds(0, 0, extent.width, extent.height)

    @staticmethod
    def around(all_bounds: Iterable[Bounds]) -> Bounds:
        """The smallest rectangle around all of them; 0×0 at the origin around none."""
        return reduce(Bounds.union, all_bounds, Bounds(0, 0, 0, 0))

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of an array whose corner is the origin: `pixels[bounds.window]`."""
        return slice(self.y, self.bottom), slice(self.x, self.right)

    @property
    def extent(self) -> Extent:
        return Extent(self.width, self.height)

    @property
    def right(self) -> int:
        """First column behind the rectangle."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """First row below the rectangle."""
        return self.y + self.height

    @property
    def is_empty(self) -> bool:
        return self.width == 0 or self.height == 0

    def intersection(self, other: Bounds) -> Bounds:
        """What both cover; empty (0×0 at the larger corner) where they do not meet."""
        x, y = max(self.x, other.x), max(self.y, other.y)
        width, height = min(self.right, other.right) - x, min(self.bottom, other.bottom) - y
        return Bounds(x, y, width, height) if width > 0 and height > 0 else Bounds(x, y, 0, 0)

    def union(self, other: Bounds) -> Bounds:
        """The smallest rectangle around both; an empty one adds nothing."""
        if self.is_empty or other.is_empty:
            return other if self.is_empty else self
        x, y = min(self.x, other.x), min(self.y, other.y)
        return Bounds(x, y, max(self.right, other.right) - x, max(self.bottom, other.bottom) - y)

    def contains(self, other: Bounds) -> bool:
        return self.x <= other.x and self.y <= other.y and other.right <= self.right and other.bottom <= self.bottom

    def padded(self, pixels: int) -> Bounds:
        """Grown by `pixels` on every side."""
        return Bounds(self.x - pixels, self.y - pixels, self.width + 2 * pixels, self.height + 2 * pixels)

    def moved(self, x: int, y: int) -> Bounds:
        return Bounds(self.x + x, self.y + y, self.width, self.height)

    def relative_to(self, other: Bounds) -> Bounds:
        """The same rectangle, measured from the corner of `other`."""
        return Bounds(self.x - other.x, self.y - other.y, self.width, self.height)

    def __str__(self) -> str:
        return f"{self.width}×{self.height} px, {self.x} from the left, {self.y} from the top"
