"""Photo Filter of Photoshop: light through a coloured glass, in XYZ of D50, with the luma that it had.

Found in Aspose's PhotoFilterAdjustmentLayer.psd (equal in 96 % of the pixels that stay inside 0..1, else within 2 of
255) and AllAdjustments.psd (within 1, its working space being Adobe RGB).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from acetate_engine.documents.blending import lightened, lightness
from acetate_engine.documents.colour import ColourSpace, Plane
from acetate_engine.documents.tree import Formulas

Adjust = Callable[[Plane], Plane]
_WHITE = np.array([0.9642, 1.0, 0.8249])  # D50
_BRIGHTEST = 2.0  # parts of white: what Photoshop's fixed-point numbers hold
_RGB, _LAB = 0, 7  # colour spaces of the specification's "Color structure"


def photo_filter(data: Any, space: ColourSpace, depth: int) -> tuple[Adjust, bool]:
    """Whether it is exact, too: the primaries of a file without a profile are nowhere told, and no file shows other
    depths, colours of another kind than Lab, or a filter that does not preserve the luma. Raises ValueError.
    """
    glass = np.clip(_xyz(data, space) / _WHITE, 0.0, _BRIGHTEST)
    share = np.clip(data.density / 100.0, 0.0, 1.0)
    inward = space.primaries.T * (1.0 - share + share * glass)
    through = (inward @ np.linalg.inv(space.primaries).T).astype(np.float32)

    def adjust(colour: Plane) -> Plane:
        seen = _stepped(space.from_light(np.clip(space.light(colour) @ through, 0.0, 1.0)), depth)
        if not data.luminosity:
            return seen
        lost = [_stepped(lightness(one, Formulas.PHOTOSHOP), depth) for one in (colour, seen)]
        return lightened(seen, lost[0] - lost[1], Formulas.PHOTOSHOP)

    is_known = data.version == 2 and data.color_space == _LAB and bool(data.luminosity)
    return adjust, is_known and depth == 8 and space.profile is not None


def _xyz(data: Any, space: ColourSpace) -> Plane:
    if data.version != 2 or data.color_space not in (_RGB, _LAB):
        raise ValueError("a filter of another kind of colour")
    values = np.array(data.color_components[:3], np.float64)
    if data.color_space == _RGB:
        return np.asarray(space.light((values / 65535.0).astype(np.float32)) @ space.primaries.T)
    light, a, b = np.where(values > 32767, values - 65536, values) / 100.0
    middle = (light + 16.0) / 116.0
    return _WHITE * np.array([_cubed(middle + a / 500.0), _cubed(middle), _cubed(middle - b / 200.0)])


def _cubed(value: float) -> float:
    """CIE 1976 L*a*b*, backwards."""
    edge = 6.0 / 29.0
    return float(value**3 if value > edge else 3.0 * edge**2 * (value - 4.0 / 29.0))


def _stepped(values: Plane, depth: int) -> Plane:
    steps = np.float32(255 if depth == 8 else 65535)
    stepped: Plane = np.floor(values * steps + np.float32(0.5)) / steps
    return stepped
