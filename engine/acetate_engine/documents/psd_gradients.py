"""Gradients of Photoshop: the colours along one, and how far along it a pixel lies.

Between stops it draws a uniform Catmull-Rom spline whose end points count twice, mixed with straight lines by the
gradient's smoothness; "Linear" does so in linear light, "Perceptual" in Oklab (Björn Ottosson, 2020). Found in the
pixels of fill layers that Photoshop stored, and exact to half a step of 8 bits in them; psd-tools draws straight lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import cos, radians, sin
from typing import Any

import numpy as np
from psd_tools.api._descriptor import get_scalar
from psd_tools.composite import paint
from psd_tools.psd.descriptor import Descriptor
from psd_tools.terminology import Enum, Key, Type

from acetate.protocol.geometry import Bounds
from acetate_engine.documents.colour import ColourSpace, Plane

_LENGTH = 4096  # of a gradient, in its stops
_TABLE = 1 << 18  # steps: an eighth of one of 16 bits where a gradient spans its whole length
_HALF = 50  # percent: a midpoint that bends nothing
_METHODS = (b"Gcls", b"Lnr ", b"Perc")  # classic, linear, perceptual
_NATIVE = {"RGB": (b"RGBC", b"HSBC"), "CMYK": (b"CMYC",)}
_LMS = np.array(
    [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
     [0.0883024619, 0.2817188376, 0.6299787005]]
)  # fmt: skip
_LAB = np.array(
    [[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
     [0.0259040371, 0.7827717662, -0.8086757660]]
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Ramp:
    """Values at places along a gradient."""

    places: Plane  # (stops,) 0..1, rising
    values: Plane  # (stops, planes) of the space that is interpolated in
    smoothness: float  # 0..1
    method: bytes
    space: ColourSpace

    def at(self, place: Plane) -> Plane:
        """(…) 0..1 → (…, planes) 0..1 of the document's space."""
        if place.size <= _TABLE:
            return self._at(place)
        nearest = (np.clip(place, 0.0, 1.0) * _TABLE + 0.5).astype(np.int32)
        return self._table.take(nearest, 0)

    @cached_property
    def _table(self) -> Plane:
        return self._at(np.arange(_TABLE + 1) / _TABLE)

    def _at(self, place: Plane) -> Plane:
        place = np.clip(place, self.places[0], self.places[-1])
        index = np.clip(np.searchsorted(self.places, place, side="right") - 1, 0, len(self.places) - 2)
        start, stop = self.places[index], self.places[index + 1]
        part = np.where(stop > start, (place - start) / np.maximum(stop - start, 1e-9), 1.0)[..., None]
        points = np.concatenate([self.values[:1], self.values, self.values[-1:]])
        before, first, second, after = (points[index + offset] for offset in range(4))
        line = first + (second - first) * part
        mixed = line + (_spline(before, first, second, after, part) - line) * self.smoothness
        return np.clip(_from(mixed, self.method, self.space), 0.0, 1.0).astype(np.float32)


def _spline(before: Plane, first: Plane, second: Plane, after: Plane, t: Plane) -> Plane:
    leaving, arriving = (second - before) / 2.0, (after - first) / 2.0
    ends = (2 * t**3 - 3 * t**2 + 1) * first + (3 * t**2 - 2 * t**3) * second
    curve: Plane = ends + (t**3 - 2 * t**2 + t) * leaving + (t**3 - t**2) * arriving
    return curve


def _into(colours: Plane, method: bytes, space: ColourSpace) -> Plane:
    if method == b"Lnr ":
        return space.light(colours)
    return np.cbrt(space.light(colours) @ _LMS.T) @ _LAB.T if method == b"Perc" else colours


def _from(values: Plane, method: bytes, space: ColourSpace) -> Plane:
    if method == b"Lnr ":
        return space.from_light(np.clip(values, 0.0, 1.0))
    if method != b"Perc":
        return values
    light = (values @ np.linalg.inv(_LAB).T) ** 3 @ np.linalg.inv(_LMS).T
    return space.from_light(np.clip(light, 0.0, 1.0))


def ramp(stops: Sequence[tuple[float, Sequence[float]]], smoothness: float, method: bytes, space: ColourSpace) -> Ramp:
    """Of (place, colour) in the order of the file; of two at one place the last counts. Raises ValueError."""
    kept = dict(sorted(stops, key=lambda stop: stop[0]))
    if not kept:
        raise ValueError("a gradient without stops")
    places, colours = [*kept], [*kept.values()]
    if len(places) == 1:
        places, colours = [0.0, 1.0], colours * 2
    known = method if space.model == "RGB" and len(colours[0]) == 3 else b"Gcls"
    values = _into(np.array(colours, np.float32), known, space)
    return Ramp(np.array(places, np.float32), values, smoothness, known, space)


@dataclass(frozen=True, eq=False)
class Gradient:
    """A gradient as a fill or an overlay lays it out."""

    colours: Ramp
    alphas: Ramp
    kind: bytes
    angle: float  # degrees
    scale: float
    shift: tuple[float, float]  # parts of the box
    is_reversed: bool
    is_exact: bool

    def draw(self, region: Bounds, box: Bounds) -> tuple[Plane, Plane]:
        """(h, w, planes) colour and (h, w, 1) coverage of `region`, laid out on `box`."""
        x = np.arange(region.x, region.right) - (box.x + box.width * (0.5 + self.shift[0]))
        y = np.arange(region.y, region.bottom) - (box.y + box.height * (0.5 + self.shift[1]))
        place = np.clip(self._place(x[None, :], y[:, None], box), 0.0, 1.0)
        place = 1.0 - place if self.is_reversed else place
        return self.colours.at(place), self.alphas.at(place)

    def _place(self, x: Plane, y: Plane, box: Bounds) -> Plane:
        across, up = cos(radians(self.angle)), sin(radians(self.angle))
        reach = [side / abs(part) for side, part in ((box.width, across), (box.height, up)) if abs(part) > 1e-6]
        length = max(1e-6, min(reach) * self.scale)  # through the middle, from edge to edge
        along, beside = x * across - y * up, x * up + y * across
        if self.kind == Enum.Linear:
            return along / length + 0.5
        if self.kind == Enum.Reflected:
            return np.abs(along) * 2.0 / length
        if self.kind == Enum.Radial:
            return np.hypot(x, y) * 2.0 / length
        if self.kind == Enum.Diamond:
            return (np.abs(along) + np.abs(beside)) * 2.0 / length
        if self.kind == Enum.Angle:
            return (np.degrees(np.arctan2(-y, x)) - self.angle) % 360.0 / 360.0
        raise ValueError(f"a gradient of the kind {self.kind!r}")


def gradient(descriptor: Descriptor, mode: int, space: ColourSpace) -> Gradient:
    """Raises ValueError, KeyError, AttributeError or TypeError where it is of a kind that is not drawn (noise)."""
    data = descriptor[Key.Gradient]
    if data[Type.GradientForm].enum != Enum.CustomStops:
        raise ValueError("a gradient of noise")
    smoothness = float(data.get(b"Intr", _LENGTH)) / _LENGTH
    method = getattr(descriptor.get(b"gs99"), "enum", b"Gcls")
    colours = [(_place_of(stop), solid_colour(stop, mode)) for stop in data[Key.Colors]]
    alphas = [(_place_of(stop), (float(stop[Key.Opacity]) / 100.0,)) for stop in data.get(Key.Transparency, [])]
    kind, angle = descriptor[Key.Type].enum, get_scalar(descriptor, Key.Angle, float, 0.0)
    shift = descriptor.get(Key.Offset)
    x, y = (float(shift[Key.Horizontal]) / 100.0, float(shift[Key.Vertical]) / 100.0) if shift else (0.0, 0.0)
    bends = any(int(stop[Key.Midpoint]) != _HALF for stop in (*data[Key.Colors], *data.get(Key.Transparency, [])))
    return Gradient(
        ramp(colours, smoothness, method, space),
        ramp(alphas or [(0.0, (1.0,))], smoothness, b"Gcls", ColourSpace("GRAY")),
        kind,
        angle,
        get_scalar(descriptor, Key.Scale, float, 100.0) / 100.0,
        (x, y),
        get_scalar(descriptor, Key.Reverse, bool, False),
        not bends and kind == Enum.Linear and method in _METHODS and _is_native(data[Key.Colors], space),
    )


def _is_native(stops: Sequence[Descriptor], space: ColourSpace) -> bool:
    """Whether its colours are of the document's own kind, so that nobody had to convert them."""
    return not space.linear and all(stop[Key.Color].classID in _NATIVE.get(space.model, ()) for stop in stops)


def _place_of(stop: Any) -> float:
    return float(stop[Key.Location]) / _LENGTH


def solid_colour(descriptor: Descriptor, mode: int) -> tuple[float, ...]:
    """0..1, as many as the colour mode of the file has."""
    return tuple(map(float, paint.draw_solid_color_fill((0, 0, 1, 1), mode, descriptor)[0][0, 0]))
