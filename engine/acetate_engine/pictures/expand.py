"""What lies beyond the edge of a picture or of a layer, as a layer of its own that lies over that edge.

Without a model it is the picture, mirrored at its edge. Searching for patches (PatchMatch) needs surroundings on both
sides of a hole: outwards it makes frames of one texture, in one go and in rings; looked at, and left.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from acetate.protocol.errors import InvalidRequest
from acetate_engine.compositing.alpha import spread
from acetate_engine.compositing.pixels import Floats
from acetate_engine.pictures.fill import Note, Paint

_SEAM = 0.02  # of the longer side: how far inside of the old edge old and new go into each other
MIRRORED = "it is the picture mirrored at its edge: paint over it, or choose a model of your own, which goes on from it"


def beyond(rgba: Floats, note: Note, paint: Paint | None) -> Floats:
    """(H, W, 4) straight, transparent where something is to be painted → that, opaque, and fading inside the edge.

    What `paint` makes is new within the seam as well, so that no edge of the old picture shows; `note` is told which
    way was taken. Raises InvalidRequest where all, or nothing, is transparent.
    """
    outside = rgba[..., 3] == 0
    if outside.all():
        raise InvalidRequest("there is nothing to go on from", "Choose a layer that has pixels there.")
    if not outside.any():
        raise InvalidRequest("nothing lies beyond: all of it is painted", "Give a margin, or enlarge the canvas.")
    inwards = cv2.distanceTransform((~outside).astype(np.uint8), cv2.DIST_L2, 5)
    seam = min(max(4.0, _SEAM * max(outside.shape)), float(inwards.max()) / 2)
    mirrored = _mirrored(spread(rgba), outside)
    painted = None if paint is None else paint(None, mirrored, inwards <= seam, note)
    if painted is None:
        note(MIRRORED)
    share = (1 - inwards / seam).clip(0, 1)
    eased = share * share * (3 - 2 * share)
    colour = mirrored if painted is None else painted
    return np.dstack([colour, np.where(outside, np.float32(1), eased)]).astype(np.float32)


def _mirrored(rgb: Floats, outside: NDArray[np.bool_]) -> Floats:
    """Each pixel outside as the one as far inside of the nearest edge; as it is, where that lies outside too."""
    height, width = outside.shape
    _, labels = cv2.distanceTransformWithLabels(
        outside.astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    nearest = np.zeros((int(labels.max()) + 1, 2), np.int32)
    rows, columns = np.nonzero(~outside)
    nearest[labels[rows, columns]] = np.stack([rows, columns], -1)
    here = np.stack(np.nonzero(outside), -1)
    source = 2 * nearest[labels[outside]] - here
    is_there = ((source >= 0) & (source < (height, width))).all(axis=-1)
    source = source.clip(0, (height - 1, width - 1))
    is_there &= ~outside[source[:, 0], source[:, 1]]
    result = rgb.copy()
    result[here[is_there, 0], here[is_there, 1]] = rgb[source[is_there, 0], source[is_there, 1]]
    return result
