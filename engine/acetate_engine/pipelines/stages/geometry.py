"""From the bounds asked for to the extent a model works on, and back to exactly the bounds asked for."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from acetate.protocol.geometry import Bounds, Extent
from acetate_engine.compositing.pixels import Pixels
from acetate_engine.compositing.regions import crop, extend, place
from acetate_engine.compositing.resize import resize
from acetate_engine.models.families.base import WorkingSize

_NOTED_ENLARGEMENT = 2.0

Resample = Callable[[Pixels, Extent], Pixels]


@dataclass(frozen=True)
class Geometry:
    """How a region of the canvas and the working extent lie on each other; nothing is distorted, up to rounding.

    `inner` of the working extent is `target` of the region. When content is *contained*, inner is the whole working
    extent, and the region may be wider or higher than the content. When it *covers*, target is the whole region, and
    the working extent may be wider or higher than what is asked for.
    """

    region: Bounds  # canvas pixels
    target: Bounds  # pixels from the corner of the region
    working: Extent  # what the model works on
    inner: Bounds  # working pixels

    @staticmethod
    def containing(region: Bounds, size: WorkingSize) -> Geometry:
        """For a layer alone, in a shape the model knows: the whole of it ends up in the region, centred."""
        limited = replace(size, max_aspect=min(size.max_aspect, size.layer_aspect))
        working = working_extent(region.extent, limited)
        return Geometry(region, _fitted(working, region.extent), working, Bounds.of(working))

    @staticmethod
    def covering(region: Bounds, size: WorkingSize) -> Geometry:
        """For backgrounds, and for whatever a painter's pixels may put anywhere in the region."""
        working = working_extent(region.extent, size)
        return Geometry(region, Bounds.of(region.extent), working, _fitted(region.extent, working))

    @property
    def enlargement(self) -> float:
        """Canvas pixels a working pixel."""
        return max(self.target.width / self.inner.width, self.target.height / self.inner.height)

    def note(self) -> str | None:
        """For the painter: what was made small and enlarged."""
        if self.enlargement <= _NOTED_ENLARGEMENT:
            return None
        return f"made at {self.inner.extent} and enlarged {self.enlargement:.3g}×"

    def coarse(self, longest: int) -> Geometry:
        """The same with the region scaled down until its longer side is at most `longest`: for previews."""
        scale = min(1.0, longest / max(self.region.width, self.region.height))
        region = _scaled(self.region, scale)
        return Geometry(
            region, _scaled(self.target, scale).intersection(Bounds.of(region.extent)), self.working, self.inner
        )

    def to_working(self, pixels: Pixels, *, repeat_border: bool) -> Pixels:
        """Pixels of the region → pixels of the working extent; around them the border repeated, or transparency."""
        scaled = resize(crop(pixels, self.target), self.inner.extent)
        surround = extend if repeat_border else place
        return surround(scaled, self.inner, self.working)

    def to_canvas(self, pixels: Pixels, resample: Resample = resize) -> Pixels:
        """Pixels of the working extent → exactly the region."""
        scaled = resample(crop(pixels, self.inner), self.target.extent)
        return scaled if self.target.extent == self.region.extent else place(scaled, self.target, self.region.extent)


def working_extent(wanted: Extent, size: WorkingSize) -> Extent:
    """The extent of multiples, at most `size.area` (one multiple is always allowed), nearest in shape to `wanted`.

    Among equally good shapes the larger one.
    """
    aspect = _limited(wanted.width / wanted.height, size.max_aspect)
    longest = math.isqrt(int(size.area * size.max_aspect)) // size.multiple + 1
    sides = [size.multiple * count for count in range(1, longest + 1)]
    fitting = [Extent(w, h) for w in sides for h in sides if _allowed(w, h, size)]
    return min(fitting, key=lambda extent: _misfit(extent, aspect, size.area))


def _allowed(width: int, height: int, size: WorkingSize) -> bool:
    smallest = width == height == size.multiple
    return smallest or (width * height <= size.area and max(width / height, height / width) <= size.max_aspect)


def _misfit(extent: Extent, aspect: float, area: int) -> float:
    """0 for the wanted shape at the full area. Shape counts four times as much as area."""
    return 4 * abs(math.log(extent.width / extent.height / aspect)) + abs(math.log(extent.area / area))


def _scaled(bounds: Bounds, scale: float) -> Bounds:
    x, y = int(bounds.x * scale), int(bounds.y * scale)
    return Bounds(x, y, max(1, round(bounds.width * scale)), max(1, round(bounds.height * scale)))


def _limited(aspect: float, limit: float) -> float:
    return min(max(aspect, 1 / limit), limit)


def _fitted(content: Extent, frame: Extent) -> Bounds:
    """The largest rectangle of the shape of `content` that fits into `frame`, centred; at least one pixel."""
    scale = min(frame.width / content.width, frame.height / content.height)
    width = min(max(round(content.width * scale), 1), frame.width)
    height = min(max(round(content.height * scale), 1), frame.height)
    return Bounds((frame.width - width) // 2, (frame.height - height) // 2, width, height)
