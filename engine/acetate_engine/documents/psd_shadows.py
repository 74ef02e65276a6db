"""Drop and inner shadows of Photoshop, without contours and noise.

Their size is the width of two box blurs, one after the other: found in Aspose's Shadow.psd, to the byte. What of it is
spread (choke, inside) is how far the layer grows before: up to 3 of 255 off in Aspose's 548_Example.psd, 6 in ag-psd's
group-drop-shadows.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, cos, radians, sin

import cv2
import numpy as np
from psd_tools.api._descriptor import get_scalar
from psd_tools.psd.descriptor import Descriptor
from psd_tools.terminology import Key

from acetate.protocol.geometry import Bounds
from acetate_engine.documents.colour import Plane
from acetate_engine.documents.psd_drawing import Drawing
from acetate_engine.documents.psd_gradients import solid_colour
from acetate_engine.documents.tree import Blend

_SOLID = 0.5  # of coverage


@dataclass(frozen=True, eq=False)
class Shadow:
    blend: Blend
    opacity: float
    colour: tuple[float, ...]
    x: int  # pixels to the right
    y: int  # pixels down
    conceals: bool  # "Layer Knocks Out Drop Shadow"
    inside: bool
    size: float  # pixels; 0 where it is hard
    spread: float  # 0..1: how much of the size is solid
    reach: int

    def paint(self, coverage: Plane, region: Bounds, layer: Bounds) -> tuple[Plane, Plane]:
        shift = np.array([[1, 0, self.x], [0, 1, self.y]], np.float32)
        size = (coverage.shape[1], coverage.shape[0])
        moved = cv2.warpAffine(coverage[..., 0], shift, size, flags=cv2.INTER_NEAREST)[..., None]
        painted = self._softened(1.0 - moved if self.inside else moved)
        return np.full((*coverage.shape[:2], len(self.colour)), self.colour, np.float32), painted

    def _softened(self, coverage: Plane) -> Plane:
        if self.size <= 0.0:
            return coverage
        solid = self.size * self.spread
        soft = _widened(np.ascontiguousarray(coverage[..., 0]), solid)
        box = _box(round(self.size - solid) if solid > 0.0 else self.size)
        for _ in range(2):
            soft = cv2.sepFilter2D(soft, -1, box, box, borderType=cv2.BORDER_REPLICATE)
        return np.clip(soft[..., None], 0.0, 1.0).astype(np.float32)


def _widened(coverage: Plane, by: float) -> Plane:
    """(h, w), grown round by some pixels, with an edge of one pixel."""
    if by <= 0.0:
        return coverage
    apart = cv2.distanceTransform((coverage < _SOLID).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.maximum(coverage, np.clip(by + 1.0 - apart, 0.0, 1.0)).astype(np.float32)


def _box(width: float) -> Plane:
    """A kernel of odd length, whose ends hold what a whole pixel would be too much."""
    inside = int((width - 1.0) / 2.0) if width > 1.0 else 0
    end = max(0.0, (width - 1.0) / 2.0 - inside)
    kernel = np.array([end, *[1.0] * (2 * inside + 1), end], np.float32)
    return kernel / kernel.sum()


def shadow(descriptor: Descriptor, drawing: Drawing, blend: Blend, opacity: float) -> Shadow | str:
    """Its name where it is shaped or grainy."""
    inside = descriptor.classID == b"IrSh"
    size, noise = (get_scalar(descriptor, key, float, 0.0) for key in (Key.Blur, Key.Noise))
    if noise > 0.0 or _has_contour(descriptor):
        return "Inner Shadow" if inside else "Drop Shadow"
    uses_global = get_scalar(descriptor, Key.UseGlobalAngle, bool, False)
    angle = radians(drawing.angle if uses_global else get_scalar(descriptor, Key.LocalLightingAngle, float, 0.0))
    distance = get_scalar(descriptor, Key.Distance, float, 0.0)
    x, y = round(-distance * cos(angle)), round(distance * sin(angle))
    colour = solid_colour(descriptor, drawing.file.header.color_mode)
    conceals = get_scalar(descriptor, b"layerConceals", bool, True)
    spread = min(1.0, get_scalar(descriptor, b"Ckmt", float, 0.0) / 100.0)
    reach = ceil(abs(distance) + size) + 1
    return Shadow(blend, opacity, colour, x, y, conceals, inside, size, spread, reach)


def _has_contour(descriptor: Descriptor) -> bool:
    curve = descriptor.get(Key.TransferSpec)
    points = curve.get(b"Crv ") if curve is not None else None
    return points is not None and len(points) > 2
