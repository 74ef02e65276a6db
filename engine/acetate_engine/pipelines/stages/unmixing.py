"""A layer whose colour comes from the plain base, and its alpha from the run with the layer adapter.

The base paints what it cuts out over mid-grey, so that a soft pixel of its picture is colour and grey in one. Alpha is
known, and colour follows. Pictures are (H, W, 4) float32, 0..1, straight sRGB, or (H, W, 3).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from acetate_engine.compositing.alpha import bleed
from acetate_engine.compositing.pixels import Floats

_GREY = 0.5
_TRUST = 0.2  # in the layer's own colour where alpha leaves little of the base's; see `unmixed`
_CORE = 3  # pixels inside of where alpha is a half
_NEARLY, _MOST = 0.75, 10  # a core is meant to be opaque if all of it but this percentage has such an alpha
_FAINT, _SMALL = 0.5, 0.01  # haze: nowhere of more alpha, and no more than this share of all of the layer's


def coloured(layer: Floats, picture: NDArray[np.float32]) -> Floats:
    """The layer with the colour of the base's picture (H, W, 3), without haze, colour filled in under alpha 0."""
    alpha = without_haze(layer[..., 3])
    colour = unmixed(picture, alpha[..., None], layer[..., :3])
    return bleed(np.dstack([colour, alpha]))


def unmixed(
    picture: NDArray[np.float32], alpha: NDArray[np.float32], likely: NDArray[np.float32]
) -> NDArray[np.float32]:
    """C of picture = alpha C + (1 - alpha) grey, by least squares with a pull towards `likely` that fades with alpha.

    Dividing by alpha would make noise of what is hardly there. On real layers the pull is better than dividing and
    better than the transparent decoder's colour, which is `likely` (composites of soft pixels: by 0.2 dB on cut-outs,
    by 1.7 dB on translucent ones).
    """
    pull = _TRUST * (1 - alpha) + 1e-6
    colour = (alpha * (picture - (1 - alpha) * _GREY) + pull * likely) / (alpha**2 + pull)
    return colour.clip(0, 1).astype(np.float32)


def solid(alpha: NDArray[np.float32]) -> NDArray[np.float32]:
    """What is meant to be opaque is: stretched where the core of (H, W) is nearly so; glass, smoke and glow stay."""
    core = cv2.erode((alpha > 0.5).astype(np.uint8), np.ones((2 * _CORE + 1,) * 2, np.uint8)) > 0
    level = np.percentile(alpha[core], _MOST) if core.any() else 0.0
    return (alpha / np.float32(level)).clip(0, 1) if level >= _NEARLY else alpha


def without_haze(alpha: NDArray[np.float32]) -> NDArray[np.float32]:
    """Faint specks that are joined to nothing denser are dropped.

    A spark, or a thin veil that is much of its layer, is no speck: whole layers of smoke stay as they are.
    """
    count, parts = cv2.connectedComponents((alpha > 0).astype(np.uint8), connectivity=8)
    flat = parts.ravel()
    mass = np.bincount(flat, alpha.ravel(), count)
    peak = np.zeros(count, np.float32)
    np.maximum.at(peak, flat, alpha.ravel())
    haze = (peak < _FAINT) & (mass < _SMALL * mass.sum())
    kept: NDArray[np.float32] = np.where(haze[parts], np.float32(0), alpha)
    return kept
