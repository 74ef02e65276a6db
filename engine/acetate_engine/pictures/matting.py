"""From a rough idea of what is in front to a soft alpha and the colour of the front alone.

Alpha in closed form (Levin, Lischinski and Weiss 2008), solved small and around the unknown band alone; carried to full
size by a guided filter whose coefficients are made small as well (He and Sun 2015, arXiv 1505.00996); colour on several
levels (Germer et al. 2020, arXiv 2006.14970).
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from acetate.protocol.geometry import Bounds
from acetate_engine.compositing.pixels import Floats
from acetate_engine.compositing.regions import crop
from acetate_engine.pictures.solvers import estimate_alpha_cf, estimate_foreground_ml

_SOLVED = 400_000  # pixels of the part that is solved, at most
_GUIDED = 2  # pixels of the small picture, radius
_EPSILON = 1e-5  # of the guided filter: colours closer than its root are one
_ITERATIONS = 400

UNKNOWN = np.float32(0.5)


def trimap(front: Floats, reach: int) -> Floats:
    """(H, W) in 0..1 → 0 behind, 1 in front, UNKNOWN within `reach` pixels of the edge and wherever it is unsure."""
    inside = (front > 0.5).astype(np.uint8)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    sure_in = (cv2.erode(inside, disc, borderValue=1) > 0) & (front > 0.9)
    sure_out = (cv2.dilate(inside, disc) == 0) & (front < 0.1)
    return np.where(sure_in, np.float32(1), np.where(sure_out, np.float32(0), UNKNOWN))


def matte(rgb: Floats, known: Floats) -> Floats:
    """(H, W, 3) in 0..1 and its trimap → alpha (H, W); exactly 0 and 1 where the trimap is."""
    unknown = known == UNKNOWN
    alpha = known.copy()
    if not unknown.any():
        return alpha
    window = _around(unknown)
    part, rough = crop(rgb, window), crop(known, window)
    scale = min(1.0, math.sqrt(_SOLVED / (window.width * window.height)))
    small, marks = _smaller(part, scale), _smaller_marks(rough, scale)
    solved = _solved(small, marks)
    fine = solved if scale == 1.0 else _guided(small, solved, part)
    crop(alpha, window)[...] = np.where(rough == UNKNOWN, _settled(fine), rough)
    return alpha


def front_colour(rgb: Floats, alpha: Floats) -> Floats:
    """(H, W, 3): the colour of what is in front without that behind it, also under soft alpha."""
    colour: NDArray[np.float32] = estimate_foreground_ml(rgb.astype(np.float32), alpha.astype(np.float32))
    return np.where(alpha[..., None] == 1, rgb, colour.clip(0, 1)).astype(np.float32)


def _solved(rgb: Floats, known: Floats) -> Floats:
    if not ((known == 0).any() and (known == 1).any()):
        return (known > 0).astype(np.float32)  # nothing to tell front from behind by
    options = {"maxiter": _ITERATIONS, "rtol": 1e-5}
    solved = estimate_alpha_cf(rgb.astype(np.float64), known.astype(np.float64), cg_kwargs=options)
    return np.asarray(solved, np.float32)


def _around(unknown: NDArray[np.bool_]) -> Bounds:
    """The unknown band, and a little of what is known on both sides of it."""
    height, width = unknown.shape
    rows, columns = np.nonzero(unknown.any(axis=1))[0], np.nonzero(unknown.any(axis=0))[0]
    tight = Bounds(int(columns[0]), int(rows[0]), int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1)
    return tight.padded(max(8, max(height, width) // 50)).intersection(Bounds(0, 0, width, height))


def _smaller(values: Floats, scale: float) -> Floats:
    if scale == 1.0:
        return np.ascontiguousarray(values)
    small: Floats = cv2.resize(values, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return small


def _smaller_marks(known: Floats, scale: float) -> Floats:
    """Known only where all of a small pixel is."""
    small = _smaller(known, scale)
    return np.where(small >= 1 - 1e-4, np.float32(1), np.where(small <= 1e-4, np.float32(0), UNKNOWN))


def _settled(alpha: Floats) -> Floats:
    """What is hardly in or hardly out is out or in: solving leaves a haze of a few hundredths."""
    settled: Floats = ((alpha - 0.03) / 0.94).clip(0, 1)
    return settled


def _guided(small: Floats, alpha: Floats, full: Floats) -> Floats:
    """`alpha` of the small picture at the size of the full one: in every window linear in the picture's colour."""
    size = (2 * _GUIDED + 1, 2 * _GUIDED + 1)
    mean, mean_alpha = cv2.blur(small, size), cv2.blur(alpha, size)
    spread = (
        cv2.blur(small[..., :, None].reshape(*small.shape[:2], 3) * alpha[..., None], size)
        - mean * mean_alpha[..., None]
    )
    outer = (small[..., :, None] * small[..., None, :]).reshape(*small.shape[:2], 9)
    covariance = _blurred(outer, size).reshape(*small.shape[:2], 3, 3) - mean[..., :, None] * mean[..., None, :]
    slope = np.linalg.solve(covariance + _EPSILON * np.eye(3, dtype=np.float32), spread[..., None])[..., 0]
    offset = mean_alpha - (slope * mean).sum(axis=-1)
    lines = _blurred(np.dstack([slope, offset]).astype(np.float32), size)
    height, width = full.shape[:2]
    fine = cv2.resize(lines, (width, height), interpolation=cv2.INTER_LINEAR)
    guided: Floats = ((fine[..., :3] * full).sum(axis=-1) + fine[..., 3]).clip(0, 1)
    return guided


def _blurred(values: Floats, size: tuple[int, int]) -> Floats:
    """`cv2.blur` takes four channels."""
    parts = [
        cv2.blur(np.ascontiguousarray(part), size) for part in np.split(values, range(3, values.shape[2], 3), axis=2)
    ]
    return np.concatenate([np.atleast_3d(part) for part in parts], axis=2)
