"""Adjustments that psd-tools reads but does not draw, on straight colours 0..1 of the document's own space.

Each was found in, or held against, pictures that Photoshop rendered; tests/references/documents/README.md names them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from acetate_engine.documents.blending import blend, lightness
from acetate_engine.documents.colour import ColourSpace, Plane
from acetate_engine.documents.psd_gradients import ramp
from acetate_engine.documents.tree import Blend, Formulas

Adjust = Callable[[Plane], Plane]
_PHOTOSHOP = Formulas.PHOTOSHOP


def channel_mixer(data: Any, planes: int) -> Adjust | None:
    """Rows of percent: of red, green, blue (in CMYK of the four inks), then a constant; one row where monochrome."""
    rest = data.unknown[: len(data.unknown) // 2 * 2]
    values = [*data.data, *np.frombuffer(rest, ">i2").tolist()]
    if planes not in (3, 4) or len(values) < 5:
        return None
    rows = [values[5 * index : 5 * index + 5] for index in range(len(values) // 5)]
    if data.monochrome:
        rows = rows[:1] * planes
    if len(rows) < planes or (planes == 4 and data.monochrome):
        return None
    matrix = np.array([row[:planes] for row in rows[:planes]], np.float32) / 100.0
    constant = np.array([row[4] for row in rows[:planes]], np.float32) / 100.0
    if planes == 4:  # what is mixed is ink
        return lambda colour: 1.0 - np.clip((1.0 - colour) @ matrix.T + constant, 0.0, 1.0).astype(np.float32)
    return lambda colour: np.clip(colour @ matrix.T + constant, 0.0, 1.0).astype(np.float32)


def black_and_white(data: Any) -> Adjust:
    """Grey of the smallest component, of what the largest has beyond the middle one, and the middle beyond it."""
    primary = [float(data[key]) / 100.0 for key in (b"Rd  ", b"Grn ", b"Bl  ")]
    secondary = [float(data[key]) / 100.0 for key in (b"Cyn ", b"Mgnt", b"Yllw")]
    names = (b"Rd  ", b"Grn ", b"Bl  ")
    tint = [float(data[b"tintColor"][key]) / 255.0 for key in names] if data.get(b"useTint") else None

    def adjust(colour: Plane) -> Plane:
        low, middle, high = np.moveaxis(np.sort(colour, -1), -1, 0)
        own, beside = np.choose(colour.argmax(-1), primary), np.choose(colour.argmin(-1), secondary)
        grey = np.clip(low + (high - middle) * own + (middle - low) * beside, 0.0, 1.0).astype(np.float32)
        grey = np.repeat(grey[..., None], 3, -1)
        if tint is None:
            return grey
        return blend(Blend.COLOR, grey, np.broadcast_to(np.array(tint, np.float32), grey.shape), _PHOTOSHOP)

    return adjust


def selective_colour(data: Any) -> Adjust:
    """Rows of percent of cyan, magenta, yellow and black, for reds to magentas, whites, neutrals and blacks; how much
    of a colour is each, and what ink does to it, as FFmpeg's filter of the same name describes Photoshop's. Only the
    relative method was seen in a file.
    """
    rows = np.array(data.data[1:10], np.float32) / 100.0
    is_relative = data.method == 0

    def adjust(colour: Plane) -> Plane:
        result = colour.astype(np.float32)
        for share, row in zip(_shares(colour), rows, strict=True):
            change = -row[:3] - (1.0 + row[:3]) * row[3]
            change = change * (1.0 - colour) if is_relative else change
            result = result + share * np.clip(change, -colour, 1.0 - colour)
        return np.clip(result, 0.0, 1.0).astype(np.float32)

    return adjust


def _shares(colour: Plane) -> list[Plane]:
    """(…, 1) each: of reds, yellows, greens, cyans, blues, magentas, whites, neutrals, blacks."""
    low, middle, high = (part[..., None] for part in np.moveaxis(np.sort(colour, -1), -1, 0))
    is_high, is_low = colour == high, colour == low
    primary, secondary = high - middle, middle - low
    mixed = [
        (is_high[..., 0:1], primary),
        (is_low[..., 2:3], secondary),
        (is_high[..., 1:2], primary),
        (is_low[..., 0:1], secondary),
        (is_high[..., 2:3], primary),
        (is_low[..., 1:2], secondary),
    ]
    whites, blacks = np.maximum(2.0 * low - 1.0, 0.0), np.maximum(1.0 - 2.0 * high, 0.0)
    return [*(where * size for where, size in mixed), whites, 1.0 - np.abs(high - 0.5) - np.abs(low - 0.5), blacks]


def colour_balance(data: Any) -> tuple[Adjust | None, bool]:
    """Midtones are a gamma of two to the hundredth; shadows and highlights are not drawn. Whether it is exact, too:
    with "Preserve Luminosity" it is close.
    """
    if any((*data.shadows, *data.highlights)):
        return None, False
    exponents = np.exp2(-np.array(data.midtones, np.float32) / 100.0)

    def adjust(colour: Plane) -> Plane:
        changed = np.power(colour, exponents).astype(np.float32)
        return blend(Blend.LUMINOSITY, changed, colour, _PHOTOSHOP) if data.luminosity else changed

    return adjust, not data.luminosity or not any(data.midtones)


def gradient_map(data: Any, space: ColourSpace) -> tuple[Adjust, bool]:
    """Whether it is exact, too: midpoints that were moved are not drawn. Raises ValueError where it is a gradient of
    noise, or has colours of another kind than RGB.
    """
    stops = data.color_stops
    if data.mode or any(stop.mode for stop in stops):
        raise ValueError("a gradient of other colours")
    listed = [(stop.location / 4096.0, [value / 65535.0 for value in stop.color[:3]]) for stop in stops]
    colours = ramp(listed, data.interpolation / 4096.0, bytes(data.method), space)

    def adjust(colour: Plane) -> Plane:
        light = lightness(colour, _PHOTOSHOP)[..., 0]
        return colours.at(1.0 - light if data.is_reversed else light)

    return adjust, all(stop.midpoint == 50 for stop in stops)


def brightness_contrast_legacy(brightness: float, contrast: float, middle: float) -> Adjust:
    """As Photoshop 6 did it: in steps of 8 bits; contrast that is taken away comes first, that which is added last."""
    moved, around = np.float32(brightness / 255.0), np.float32(middle / 255.0)
    part = np.float32(contrast / 100.0)

    def adjust(colour: Plane) -> Plane:
        if part < 0.0:
            changed = (colour - around) * (1.0 + part) + around + moved
        else:
            changed = (colour + moved - around) / np.maximum(1.0 - part, np.float32(1e-6)) + around
        return np.clip(changed, 0.0, 1.0).astype(np.float32)

    return adjust
