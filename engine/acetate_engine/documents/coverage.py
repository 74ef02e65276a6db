"""Where a layer shows: its opacity, its masks, and how light it or what lies below it is (Photoshop's "Blend If")."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from acetate.protocol.geometry import Bounds
from acetate_engine.documents.blending import Colour, lightness
from acetate_engine.documents.planes import Composite, unit
from acetate_engine.documents.tree import BlendIf, Formulas, Layer, LayerMask


def weight_of(layer: Layer, region: Bounds) -> Colour | np.float32:
    """Opacity times masks: a number, or (h, w, 1)."""
    return masked(layer, region) * np.float32(layer.opacity)


def masked(layer: Layer, region: Bounds) -> Colour | np.float32:
    weight: Colour | np.float32 = np.float32(1.0)
    for mask in layer.masks:
        weight = weight * _coverage(mask, region)
    return weight


def _coverage(mask: LayerMask, region: Bounds) -> NDArray[np.float32]:
    coverage = np.full((region.height, region.width, 1), mask.outside / 255.0, np.float32)
    part = mask.source.bounds.intersection(region)
    if not part.is_empty:
        coverage[part.relative_to(region).window] = unit(mask.source.read(part))[..., None]
    return coverage


def shown_if(condition: BlendIf, below: Composite, plane: Composite, formulas: Formulas) -> Colour:
    def faded(colour: Colour, thresholds: tuple[int, int, int, int]) -> Colour:
        value = lightness(colour, formulas) if condition.channel is None else colour[..., condition.channel :][..., :1]
        dark, light = thresholds[:2], thresholds[2:]
        value = np.floor(value * np.float32(255.0) + np.float32(0.5))  # the sliders know whole levels
        rise = np.clip((value - dark[0] + 1.0) / (dark[1] - dark[0] + 1.0), 0.0, 1.0) if dark[1] else 1.0
        fall = np.clip((light[1] - value + 1.0) / (light[1] - light[0] + 1.0), 0.0, 1.0) if light[0] < 255 else 1.0
        return np.asarray(rise * fall, np.float32)

    of_below = np.where(below.alpha > 0.0, faded(below.colour, condition.below), 1.0)
    return (faded(plane.colour, condition.own) * of_below).astype(np.float32)
