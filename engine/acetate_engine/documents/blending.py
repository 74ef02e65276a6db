"""Blend functions B(backdrop, source) on straight float32 colour of a document's own space, (…, planes) in 0..1.

Separable and non-separable modes of the W3C's Compositing and Blending Level 1; the rest as Krita's
KoCompositeOpFunctions compute them, and as Photoshop does where it differs: tests/references/documents/README.md.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from acetate_engine.documents.tree import Blend, Formulas

Colour = NDArray[np.float32]
_LUMA = {
    Formulas.KRITA: np.array([0.299, 0.587, 0.114], np.float32),  # Rec. 601, as its HSY modes
    Formulas.PHOTOSHOP: np.array([0.3, 0.59, 0.11], np.float32),  # the W3C's
}
_TINY = np.float32(1e-6)
_EDGE = np.float32(1e-6)  # well below half a step of 16 bit


def blend(mode: Blend, backdrop: Colour, source: Colour, formulas: Formulas = Formulas.KRITA) -> Colour:
    """What `source` makes of `backdrop` where both are opaque. The component modes know no grey: there they are
    normal; in CMYK they take black from one of the two, as Photoshop does.
    """
    if mode in _COMPONENTS:
        return _of_components(mode, backdrop, source, _LUMA[formulas])
    if mode in _CHOICES:
        return _CHOICES[mode](backdrop, source, lightness(backdrop, formulas), lightness(source, formulas))
    if formulas is Formulas.PHOTOSHOP and mode in _PHOTOSHOP:
        return _PHOTOSHOP[mode](backdrop, source)
    return _FUNCTIONS[mode](backdrop, source)


def filled(mode: Blend, backdrop: Colour, source: Colour, fill: float) -> Colour:
    """The eight modes of Photoshop in which fill opacity is not opacity: it moves the source to the value that
    changes nothing.
    """
    match mode:
        case Blend.COLOR_BURN | Blend.LINEAR_BURN:
            source = 1.0 - fill * (1.0 - source)
        case Blend.VIVID_LIGHT | Blend.LINEAR_LIGHT:
            source = 0.5 + fill * (source - 0.5)
        case Blend.HARD_MIX if fill < 1.0:
            return np.clip((backdrop - fill + fill * source) / (1.0 - fill), 0.0, 1.0).astype(np.float32)
        case _:
            source = fill * source
    return blend(mode, backdrop, source.astype(np.float32), Formulas.PHOTOSHOP)


FILLED = {Blend.COLOR_BURN, Blend.LINEAR_BURN, Blend.COLOR_DODGE, Blend.ADD, Blend.VIVID_LIGHT, Blend.LINEAR_LIGHT,
          Blend.HARD_MIX, Blend.DIFFERENCE}  # fmt: skip


def lightness(colour: Colour, formulas: Formulas) -> Colour:
    """(…, 1): by how light the darker and lighter colour modes and "Blend If: Gray" judge."""
    if colour.shape[-1] == 1:
        return colour
    return _luma(colour[..., :3], _LUMA[formulas]) * (colour[..., 3:] if colour.shape[-1] == 4 else 1.0)


def lightened(colour: Colour, by: Colour, formulas: Formulas) -> Colour:
    """(…, 3) with its luma moved `by` (…, 1), brought back into 0..1 around it."""
    return _clip_colour(colour + by, _LUMA[formulas]).astype(np.float32)


def _of_components(mode: Blend, b: Colour, s: Colour, weights: Colour) -> Colour:
    if b.shape[-1] == 1:
        return s
    mixed = _COMPONENTS[mode](b[..., :3], s[..., :3], weights)
    black = (s if mode is Blend.LUMINOSITY else b)[..., 3:]
    return np.concatenate([mixed, black], -1)


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


def _vivid_light_photoshop(b: Colour, s: Colour) -> Colour:
    """There the ends of the source win over those of the backdrop."""
    light = np.where(s <= 0.0, 0.0, _vivid_light(b, s))
    return np.where(s >= 1.0, 1.0, light).astype(np.float32)


def _hard_mix_photoshop(b: Colour, s: Colour) -> Colour:
    total = b + s
    on_the_edge = np.abs(total - 1.0) < _EDGE
    return np.where(on_the_edge, b > 0.5, total > 1.0).astype(np.float32)


def _divide(b: Colour, s: Colour) -> Colour:
    ratio = np.minimum(1.0, b / np.maximum(s, _TINY))
    return np.where(s <= 0.0, np.where(b <= 0.0, 0.0, 1.0), ratio).astype(np.float32)


def _luma(colour: Colour, weights: Colour) -> Colour:
    return (colour @ weights)[..., None]


def _clip_colour(colour: Colour, weights: Colour) -> Colour:
    """Back into 0..1 without changing the luma."""
    luma = _luma(colour, weights)
    low, high = colour.min(-1, keepdims=True), colour.max(-1, keepdims=True)
    colour = np.where(low < 0.0, luma + (colour - luma) * luma / np.maximum(luma - low, _TINY), colour)
    raised = luma + (colour - luma) * (1.0 - luma) / np.maximum(high - luma, _TINY)
    return np.where(high > 1.0, raised, colour)


def _with_luma(colour: Colour, of: Colour, weights: Colour) -> Colour:
    return _clip_colour(colour + (_luma(of, weights) - _luma(colour, weights)), weights)


def _saturation(colour: Colour) -> Colour:
    return colour.max(-1, keepdims=True) - colour.min(-1, keepdims=True)


def _with_saturation(colour: Colour, saturation: Colour) -> Colour:
    had: Colour = np.maximum(_saturation(colour), _TINY)
    return (colour - colour.min(-1, keepdims=True)) * (saturation / had)


def _hue(b: Colour, s: Colour, weights: Colour) -> Colour:
    return _with_luma(_with_saturation(s, _saturation(b)), b, weights)


def _saturate(b: Colour, s: Colour, weights: Colour) -> Colour:
    return _with_luma(_with_saturation(b, _saturation(s)), b, weights)


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
}
_PHOTOSHOP: dict[Blend, Callable[[Colour, Colour], Colour]] = {
    Blend.SOFT_LIGHT: _soft_light_svg,
    Blend.VIVID_LIGHT: _vivid_light_photoshop,
    Blend.HARD_MIX: _hard_mix_photoshop,
}
_COMPONENTS: dict[Blend, Callable[[Colour, Colour, Colour], Colour]] = {
    Blend.HUE: _hue,
    Blend.SATURATION: _saturate,
    Blend.COLOR: lambda b, s, weights: _with_luma(s, b, weights),
    Blend.LUMINOSITY: lambda b, s, weights: _with_luma(b, s, weights),
}
_CHOICES: dict[Blend, Callable[[Colour, Colour, Colour, Colour], Colour]] = {
    Blend.DARKER_COLOR: lambda b, s, of_b, of_s: np.where(of_b < of_s, b, s),
    Blend.LIGHTER_COLOR: lambda b, s, of_b, of_s: np.where(of_b > of_s, b, s),
}
