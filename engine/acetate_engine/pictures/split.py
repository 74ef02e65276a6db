"""A picture as layers that together look like it: subjects, front to back, and what lies behind them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from acetate.protocol.events import Stage
from acetate_engine.compositing.pixels import Floats
from acetate_engine.pictures.fill import Paint, fill
from acetate_engine.pictures.subject import Hints, Note, cut, find, reach, subjects

_SURE = 0.8  # salience that a subject has in the middle, at least
_OWN = 0.3  # of a subject may be what was painted here, at most
_LARGEST = 0.95  # of the picture: more is no subject in front of something

Check = Callable[[Stage], None]


@dataclass(frozen=True, eq=False)
class Split:
    """Layers (H, W, 4) straight; the subjects front to back."""

    background: Floats
    subjects: tuple[Floats, ...]

    @property
    def layers(self) -> tuple[Floats, ...]:
        """Bottom to top."""
        return (self.background, *reversed(self.subjects))


def split(
    rgba: Floats, hints: Hints, most: int, seed: int, note: Note, check: Check, paint: Paint | None = None
) -> Split:
    """(H, W, 4) straight → at most `most` subjects and the rest, whose composite is the picture.

    Each round finds what strikes most, cuts it out, fills behind it, and looks at what is left. The first is what the
    hints mean. `check` is told of each of these, as it begins.
    """
    behind, found = rgba, []
    painted = np.zeros(rgba.shape[:2], bool)
    for index in range(most):
        check(Stage.FIND)
        front = _next(behind, hints if index == 0 else Hints(), note)
        if front is None or painted[front > 0.5].mean() > _OWN:
            break
        check(Stage.CUT_OUT)
        layer = cut(behind, front)
        check(Stage.FILL)
        layer, behind = consistent(behind, layer, removed(behind, layer, seed + index, note, paint))
        painted |= layer[..., 3] > 0.01
        found.append(layer)
    if not found:
        note("no subject was found: the picture is the background")
    return Split(behind, tuple(found))


def removed(rgba: Floats, layer: Floats, seed: int, note: Note, paint: Paint | None = None) -> Floats:
    """The picture with what lies under the layer painted as its surroundings go on; its alpha stays."""
    return filled(rgba, layer[..., 3] > 0.01, seed, note, paint)


def filled(rgba: Floats, hole: NDArray[np.bool_], seed: int, note: Note, paint: Paint | None = None) -> Floats:
    """With the hole, and a little around it where its light and shadow lie, painted anew."""
    side = 2 * max(1, reach(rgba[..., 3]) // 2) + 1
    wide = cv2.dilate(hole.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))) > 0
    painted = fill(np.ascontiguousarray(rgba[..., :3]), wide | (rgba[..., 3] == 0), seed, note, paint)
    return np.dstack([painted, rgba[..., 3]]).astype(np.float32)


def consistent(picture: Floats, layer: Floats, behind: Floats) -> tuple[Floats, Floats]:
    """Layer and background with colours changed so that one over the other is the picture.

    Where alpha is soft, the layer takes what the background leaves open; what it cannot take, the background does; what
    neither can, both have the picture's own colour. Pictures that are transparent themselves stay so.
    """
    share, rest = _shares(picture[..., 3], layer[..., 3])
    weight: Floats = np.divide(share, picture[..., 3], out=np.zeros_like(share), where=picture[..., 3] > 0)[..., None]
    rgb: Floats = picture[..., :3]
    back: Floats = np.where(weight > 0, behind[..., :3], picture[..., :3])
    front = _solved(rgb - (1 - weight) * back, weight, layer[..., :3])
    back = _solved(rgb - weight * front, 1 - weight, back)
    off = np.abs(weight * front + (1 - weight) * back - rgb).max(axis=-1, keepdims=True) > 1e-4
    front, back = np.where(off, rgb, front), np.where(off, rgb, back)
    return np.dstack([front, share]).astype(np.float32), np.dstack([back, rest]).astype(np.float32)


def _solved(light: Floats, alpha: Floats, otherwise: Floats) -> Floats:
    return np.divide(light, alpha, out=otherwise.astype(np.float32).copy(), where=alpha > 1e-3).clip(0, 1)


def _shares(whole: Floats, alpha: Floats) -> tuple[Floats, Floats]:
    """Alpha of the layer, no more than the picture has, and of what lies behind: together as opaque as the picture."""
    share = np.minimum(alpha, whole)
    rest = np.divide(whole - share, 1 - share, out=np.ones_like(whole), where=share < 1 - 1e-6)
    return share, rest.clip(0, 1)


def _next(rgba: Floats, hints: Hints, note: Note) -> Floats | None:
    """Where the next subject is; None where nothing strikes."""
    front = find(rgba, hints, note)
    found = subjects(front, 1)
    if not found or (front > 0.5).mean() > _LARGEST or np.quantile(front[front > 0.5], 0.5) < _SURE:
        return None
    return found[0]
