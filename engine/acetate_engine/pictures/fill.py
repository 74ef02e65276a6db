"""What may lie behind something that is taken away: PatchMatch (Barnes et al. 2009), coarse to fine, then enlarged."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress

import cv2
import numpy as np
from numpy.typing import NDArray

from acetate_engine.compositing.pixels import Floats

_FILLED = 160_000  # pixels of the picture that is searched, at most: its time grows with them
_SEAM = 3  # pixels over which old and new go into each other, either way
_PATCH = 7  # pixels

SEARCHED = (
    "filled by PatchMatch, from the picture itself: paint over it, or choose a model of your own, which paints there"
)

Note = Callable[[str], None]
Paint = Callable[[Floats | None, Floats, NDArray[np.bool_], Note], Floats | None]
"""(H, W, 3) as it is, or None where nothing was in the hole; the same with the hole filled from its surroundings; and
the hole → the same painted better, and how is noted; None where it cannot, and why is noted."""


def fill(rgb: Floats, hole: NDArray[np.bool_], seed: int, note: Note, paint: Paint | None = None) -> Floats:
    """(H, W, 3) in 0..1 with the hole painted as its surroundings go on; outside of it every value stays.

    A hole without surroundings becomes the mean colour. `paint` goes on from what PatchMatch finds. `note` is told
    which way was taken.
    """
    if not hole.any():
        return rgb.copy()
    if hole.all():
        return np.broadcast_to(rgb.mean(axis=(0, 1)), rgb.shape).astype(np.float32)
    height, width = hole.shape
    scale = min(1.0, math.sqrt(_FILLED / hole.size))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    marked = cv2.resize(hole.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0
    way: list[str] = []
    small = _searched(_without(rgb, hole, size), marked, seed, way.append)
    made = np.clip(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), 0, 1)
    joined = _joined(rgb, made, hole)
    painted = None if paint is None else paint(rgb, joined, hole, note)
    if painted is not None:
        return _joined(rgb, painted, hole)
    for said in way:
        note(said)
    return joined


def _without(rgb: Floats, hole: NDArray[np.bool_], size: tuple[int, int]) -> Floats:
    """The picture made smaller, of what is outside of the hole alone."""
    share = (~hole).astype(np.float32)[..., None]
    colour = cv2.resize(rgb * share, size, interpolation=cv2.INTER_AREA)
    weight = cv2.resize(share, size, interpolation=cv2.INTER_AREA)[..., None]
    small: Floats = np.divide(colour, weight, out=np.zeros_like(colour), where=weight > 1e-3)
    return small


def _searched(rgb: Floats, hole: NDArray[np.bool_], seed: int, note: Note) -> Floats:
    picture = np.rint(rgb * 255).astype(np.uint8)
    search = _patch_match(note)
    if search is None:
        return _smooth(picture, hole)
    if not hole.all() and min(hole.shape) >= 4 * _PATCH:
        with suppress(ValueError):  # what is left around the hole has no whole patch, at some scale
            found = search(picture, hole, patch_size=_PATCH, seed=seed % 2**31, em_loops=2)
            note(SEARCHED)
            return np.asarray(found, np.float32) / np.float32(255)
    note("filled smoothly: what is left of the picture is too small to be searched")
    return _smooth(picture, hole)


def _smooth(picture: NDArray[np.uint8], hole: NDArray[np.bool_]) -> Floats:
    found: Floats = np.asarray(cv2.inpaint(picture, hole.astype(np.uint8), 3, cv2.INPAINT_TELEA), np.float32)
    return found / np.float32(255)


def _patch_match(note: Note) -> Callable[..., NDArray[np.uint8]] | None:
    try:
        from patchmatch_cython import inpaint_pyramid
    except ImportError:
        note("filled smoothly: PatchMatch is not installed; run `pip install patchmatch-cython`")
        return None
    search: Callable[..., NDArray[np.uint8]] = inpaint_pyramid
    return search


def _joined(rgb: Floats, made: Floats, hole: NDArray[np.bool_]) -> Floats:
    """The rim of the hole takes on the colours around it, so that no seam shows."""
    outside = (~hole).astype(np.uint8)
    reach = max(_SEAM, round(0.01 * max(hole.shape)))
    difference = np.where(hole[..., None], 0, rgb - made).astype(np.float32)
    sigma = float(reach)
    weight = cv2.GaussianBlur(outside.astype(np.float32), (0, 0), sigma)[..., None]
    carried = cv2.GaussianBlur(difference, (0, 0), sigma) / np.maximum(weight, 1e-3)
    near = np.exp(-cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 3) / reach)[..., None]
    return np.where(hole[..., None], (made + carried * near).clip(0, 1), rgb).astype(np.float32)
