"""Blend functions B(backdrop, source) on straight sRGB float32 colour, (…, 3) in 0..1.

Separable and non-separable modes of the W3C's Compositing and Blending Level 1; the rest as Krita's
KoCompositeOpFunctions and Photoshop compute them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from acetate_engine.documents.tree import Blend

Colour = NDArray[np.float32]
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # Rec. 601, as Krita's HSY modes
_TINY = np.float32(1e-6)


def blend(mode: Blend, backdrop: Colour, source: Colour) -> Colour:
    """What `source` makes of `backdrop` where both are opaque."""
    return _FUNCTIONS[mode](backdrop, source)


def _multiply(b: Colour, s: Colour) -> Colour:
    return b * s


def _screen(b: Colour, s: Colour) -> Colour:
    return b + s - b * s


def _color_dodge(b: Colour, s: Colour) -> Colour:
    ratio = np.minimum(1.0, b / np.maximum(1.0 - s, _TINY))
    return np.where(b <= 0.0, 0.0, ratio).astype(np.float32)


def _color_burn(b: Colour, s: Colour) -> Colour:
    ratio = np.minimum(1.0, (1.0 - b) / np.maximum(s, _TINY))
    return np.where(b >= 1.0, 1.0, 1.0 - ratio).astype(np.float32)


def _hard_light(b: Colour, s: Colour) -> Colour:
    return np.where(s <= 0.5, b * 2.0 * s, _screen(b, 2.0 * s - 1.0))


def _soft_light(b: Colour, s: Colour) -> Colour:
    light = b + (2.0 * s - 1.0) * (np.sqrt(b) - b)
    return np.where(s > 0.5, light, b - (1.0 - 2.0 * s) * b * (1.0 - b))


def _soft_light_svg(b: Colour, s: Colour) -> Colour:
    lifted = np.where(b > 0.25, np.sqrt(b), ((16.0 * b - 12.0) * b + 4.0) * b)
    return np.where(s > 0.5, b + (2.0 * s - 1.0) * (lifted - b), b - (1.0 - 2.0 * s) * b * (1.0 - b))


def _vivid_light(b: Colour, s: Colour) -> Colour:
    burn = 1.0 - (1.0 - b) / np.maximum(2.0 * s, _TINY)
    dodge = b / np.maximum(2.0 * (1.0 - s), _TINY)
    return np.clip(np.where(s < 0.5, burn, dodge), 0.0, 1.0)


def _pin_light(b: Colour, s: Colour) -> Colour:
    return np.maximum(2.0 * s - 1.0, np.minimum(b, 2.0 * s))


def _divide(b: Colour, s: Colour) -> Colour:
    ratio = np.minimum(1.0, b / np.maximum(s, _TINY))
    return np.where(s <= 0.0, np.where(b <= 0.0, 0.0, 1.0), ratio).astype(np.float32)


def _luma(colour: Colour) -> Colour:
    return (colour @ _LUMA)[..., None]


def _clip_colour(colour: Colour) -> Colour:
    """Back into 0..1 without changing the luma."""
    luma = _luma(colour)
    low, high = colour.min(-1, keepdims=True), colour.max(-1, keepdims=True)
    colour = np.where(low < 0.0, luma + (colour - luma) * luma / np.maximum(luma - low, _TINY), colour)
    raised = luma + (colour - luma) * (1.0 - luma) / np.maximum(high - luma, _TINY)
    return np.where(high > 1.0, raised, colour)


def _with_luma(colour: Colour, luma: Colour) -> Colour:
    return _clip_colour(colour + (luma - _luma(colour)))


def _saturation(colour: Colour) -> Colour:
    return colour.max(-1, keepdims=True) - colour.min(-1, keepdims=True)


def _with_saturation(colour: Colour, saturation: Colour) -> Colour:
    scale = saturation / np.maximum(_saturation(colour), _TINY)
    return (colour - colour.min(-1, keepdims=True)) * scale


def _hue(b: Colour, s: Colour) -> Colour:
    return _with_luma(_with_saturation(s, _saturation(b)), _luma(b))


def _saturate(b: Colour, s: Colour) -> Colour:
    return _with_luma(_with_saturation(b, _saturation(s)), _luma(b))


def _darker(b: Colour, s: Colour) -> Colour:
    return np.where(_luma(b) < _luma(s), b, s)


def _lighter(b: Colour, s: Colour) -> Colour:
    return np.where(_luma(b) > _luma(s), b, s)


_FUNCTIONS: dict[Blend, Callable[[Colour, Colour], Colour]] = {
    Blend.NORMAL: lambda b, s: s,
    Blend.DARKEN: np.minimum,
    Blend.MULTIPLY: _multiply,
    Blend.COLOR_BURN: _color_burn,
    Blend.LINEAR_BURN: lambda b, s: np.maximum(b + s - 1.0, 0.0),
    Blend.LIGHTEN: np.maximum,
    Blend.SCREEN: _screen,
    Blend.COLOR_DODGE: _color_dodge,
    Blend.ADD: lambda b, s: np.minimum(b + s, 1.0),
    Blend.OVERLAY: lambda b, s: _hard_light(s, b),
    Blend.SOFT_LIGHT: _soft_light,
    Blend.SOFT_LIGHT_SVG: _soft_light_svg,
    Blend.HARD_LIGHT: _hard_light,
    Blend.VIVID_LIGHT: _vivid_light,
    Blend.LINEAR_LIGHT: lambda b, s: np.clip(b + 2.0 * s - 1.0, 0.0, 1.0),
    Blend.PIN_LIGHT: _pin_light,
    Blend.HARD_MIX: lambda b, s: (b + s > 1.0).astype(np.float32),
    Blend.DIFFERENCE: lambda b, s: np.abs(b - s),
    Blend.EXCLUSION: lambda b, s: b + s - 2.0 * b * s,
    Blend.SUBTRACT: lambda b, s: np.maximum(b - s, 0.0),
    Blend.DIVIDE: _divide,
    Blend.DARKER_COLOR: _darker,
    Blend.LIGHTER_COLOR: _lighter,
    Blend.HUE: _hue,
    Blend.SATURATION: _saturate,
    Blend.COLOR: lambda b, s: _with_luma(s, _luma(b)),
    Blend.LUMINOSITY: lambda b, s: _with_luma(b, _luma(s)),
}
