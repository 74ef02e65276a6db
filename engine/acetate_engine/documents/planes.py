"""Pixels of one strip while it is composited: their place and precision, and one layer mixed with what lies below it.

Computed in float32; at 8 bits what a program keeps in bytes is rounded as it rounds it, for where alpha is low a
rounded sum is several units of colour.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from acetate.protocol.geometry import Bounds
from acetate_engine.documents.blending import FILLED, Colour, blend, filled
from acetate_engine.documents.colour import ColourSpace, Samples
from acetate_engine.documents.tree import Blend, Formulas, Layer

_POWER = np.float32(1 / 1.45)
_Share = Callable[[Colour], Colour]
COVERING: dict[Blend, tuple[_Share, _Share]] = {
    Blend.ERASE: (np.zeros_like, lambda alpha: 1.0 - alpha),
    Blend.DESTINATION_IN: (np.zeros_like, lambda alpha: alpha),
    Blend.DESTINATION_ATOP: (lambda alpha: 1.0 - alpha, lambda alpha: alpha),
    Blend.XOR: (lambda alpha: 1.0 - alpha, lambda alpha: 1.0 - alpha),
}


@dataclass
class Composite:
    colour: Colour  # (h, w, planes) straight, 0..1; 0 where alpha is 0
    alpha: Colour  # (h, w, 1), 0..1

    def cut(self, place: Bounds) -> Composite:
        """A part of it; shares its memory."""
        window = place.window
        return Composite(self.colour[window], self.alpha[window])

    def with_part(self, place: Bounds, part: Composite) -> Composite:
        changed = Composite(self.colour.copy(), self.alpha.copy())
        changed.colour[place.window], changed.alpha[place.window] = part.colour, part.alpha
        return changed


@dataclass(frozen=True)
class Strip:
    """What is composited at a time, and how finely."""

    region: Bounds
    depth: int
    space: ColourSpace

    def empty(self) -> Composite:
        shape = (self.region.height, self.region.width)
        return Composite(np.zeros((*shape, self.space.planes), np.float32), np.zeros((*shape, 1), np.float32))

    def rounded(self, values: Colour) -> Colour:
        """To whole steps of 8 bits; deeper documents are not rounded on the way."""
        if self.depth > 8:
            return values
        steps: Colour = np.floor(np.clip(values, 0.0, 1.0) * np.float32(255) + np.float32(0.5))
        return steps / np.float32(255)

    def kept(self, plane: Composite) -> Composite:
        return Composite(self.rounded(plane.colour), self.rounded(plane.alpha))


def over(
    below: Composite, above: Composite, layer: Layer, strip: Strip, *, fill: float, keep_alpha: bool = False
) -> Composite:
    """W3C general formula: αr = αs + αb(1-αs); αr·Cr = (1-αs)αb·Cb + (1-αb)αs·Cs + αs·αb·B(Cb, Cs).

    Krita keeps each of the three terms in bytes, Photoshop only what they make together.
    """
    mode = Blend.NORMAL if layer.blend is Blend.PASS_THROUGH else layer.blend
    rounded = strip.rounded
    if mode in COVERING:
        return strip.kept(_covered(below, above.alpha * np.float32(fill), above.colour, *COVERING[mode]))
    is_filled = fill < 1.0 and mode in FILLED and layer.formulas is Formulas.PHOTOSHOP
    weight = rounded(above.alpha if is_filled else above.alpha * np.float32(fill))
    alone = rounded(above.alpha * np.float32(fill))  # where nothing lies below
    if is_filled:
        blended = rounded(filled(mode, below.colour, above.colour, fill))
    elif mode is Blend.NORMAL:
        blended = above.colour
    else:
        blended = rounded(blend(mode, below.colour, above.colour, layer.formulas))
    if layer.mixes_in_light and mode is Blend.NORMAL:
        return strip.kept(_over_in_light(below, Composite(blended, weight), strip.space, keep_alpha))
    if keep_alpha:
        return Composite(rounded(below.colour + (blended - below.colour) * weight), below.alpha)
    alpha = alone + below.alpha * (1.0 - alone)
    if mode is Blend.NORMAL:  # its two terms are one interpolation, rounded once
        return strip.kept(straight((1.0 - weight) * below.alpha * below.colour + weight * above.colour, alpha))
    terms = (
        (1.0 - weight) * below.alpha * below.colour,
        (1.0 - below.alpha) * alone * above.colour,
        weight * below.alpha * blended,
    )
    if layer.formulas is Formulas.PHOTOSHOP:
        return strip.kept(straight(sum(terms[1:], terms[0]), alpha))
    first, second, third = map(rounded, terms)
    return strip.kept(straight(first + second + third, rounded(alpha)))


def _covered(below: Composite, alpha: Colour, colour: Colour, own: _Share, rest: _Share) -> Composite:
    """Porter and Duff, Compositing Digital Images (1984): how much of each is left by the alpha of the other."""
    first, second = alpha * own(below.alpha), below.alpha * rest(alpha)
    return straight(first * colour + second * below.colour, first + second)


def _over_in_light(below: Composite, above: Composite, space: ColourSpace, keep_alpha: bool) -> Composite:
    """Photoshop's "Blend Text Colors Using Gamma: 1.45": mixed as values of a space of that gamma."""
    first, second = space.light(below.colour) ** _POWER, space.light(above.colour) ** _POWER
    alpha = below.alpha if keep_alpha else above.alpha + below.alpha * (1.0 - above.alpha)
    share = above.alpha if keep_alpha else np.divide(above.alpha, alpha, out=np.zeros_like(alpha), where=alpha > 0.0)
    return Composite(space.from_light((first + (second - first) * share) ** (1 / _POWER)), alpha)


def mixed(before: Composite, after: Composite, weight: Colour | np.float32) -> Composite:
    """Between the backdrop and what a pass-through group made of it; premultiplied: colour without alpha is void."""
    alpha = before.alpha + (after.alpha - before.alpha) * weight
    first, second = before.colour * before.alpha, after.colour * after.alpha
    return straight(first + (second - first) * weight, alpha)


def straight(premultiplied: Samples, alpha: Samples) -> Composite:
    colour = np.divide(premultiplied, alpha, out=np.zeros_like(premultiplied), where=alpha > 0.0)
    return Composite(colour, alpha)


def in_space(values: Samples, own: ColourSpace, space: ColourSpace) -> Colour:
    """(h, w, planes + 1) straight samples of one space → 0..1 of another."""
    if own == space:
        return unit(values)
    return np.concatenate([unit(own.converted(values[..., :-1], space)), unit(values[..., -1:])], -1)


def unit(values: Samples) -> Colour:
    """float32 stays as it is: 32 bit documents may hold more than white."""
    if values.dtype == np.float32:
        return np.nan_to_num(values, nan=0.0, posinf=1.0, neginf=0.0)
    return values.astype(np.float32) / np.float32(np.iinfo(values.dtype).max)
