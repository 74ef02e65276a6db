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
_BARE, _SHOWN = 0.15, 0.55  # shares of a layer that the base's picture shows: from none to all of its alpha stays
_GREYISH = 0.06  # squared distance from grey below which nothing is to be learnt from that
_ALIKE = 1.5  # pixels, standard deviation: as far as the two runs' weaves and colours are smoothed
_INSIDE, _NEAR = 0.9, 0.15  # the alpha of what has a colour of its own, and how much of it must be near a soft pixel


def made_from_noise(layer: Floats, picture: NDArray[np.float32]) -> Floats:
    """As `coloured`, of a layer whose alpha need not be kept."""
    alpha = shown(solid(layer[..., 3]), picture, layer[..., :3])
    return bleed(defringed(_with_colour(np.dstack([layer[..., :3], alpha]), picture)))


def coloured(layer: Floats, picture: NDArray[np.float32]) -> Floats:
    """The layer with the colour of the base's picture (H, W, 3), without haze, colour filled in under alpha 0."""
    return bleed(_with_colour(layer, picture))


def _with_colour(layer: Floats, picture: NDArray[np.float32]) -> Floats:
    """As `coloured`, with whatever colour under alpha 0."""
    alpha = without_haze(layer[..., 3])
    return np.dstack([unmixed(picture, alpha[..., None], layer[..., :3]), alpha])


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


def shown(alpha: NDArray[np.float32], picture: NDArray[np.float32], likely: NDArray[np.float32]) -> NDArray[np.float32]:
    """Less of it where the base's picture is bare grey although the layer's own colour, `likely`, is not.

    Both runs part half-way, and what one has put where the other has nothing would be a grey patch. How much of the
    layer is shown is the factor a of picture - grey = a (likely - grey) by least squares, with a pull towards alpha:
    smoke, steam and koalas are grey themselves.
    """
    seen, meant = (cv2.GaussianBlur(colour, (0, 0), _ALIKE) - _GREY for colour in (picture, likely))
    share = ((seen * meant).sum(-1) + _GREYISH * alpha) / ((meant**2).sum(-1) + _GREYISH)
    kept = (share / np.maximum(alpha, 1e-3) - _BARE) / (_SHOWN - _BARE)
    less: NDArray[np.float32] = (alpha * kept.clip(0, 1)).astype(np.float32)
    return less


def defringed(layer: Floats) -> Floats:
    """Soft edges take the colour of the inside that they belong to; glow and smoke have none, and keep theirs.

    An alpha that is a little too large leaves some of the base's grey in an edge: a dark line around a cloud.
    """
    inside = cv2.erode((layer[..., 3] > _INSIDE).astype(np.uint8), np.ones((3, 3), np.uint8)).astype(np.float32)
    near = cv2.GaussianBlur(inside, (0, 0), _ALIKE)
    colour = cv2.GaussianBlur(layer[..., :3] * inside[..., None], (0, 0), _ALIKE) / np.maximum(near, 1e-4)[..., None]
    weight = ((near / _NEAR).clip(0, 1) * (1 - inside))[..., None]
    return np.dstack([layer[..., :3] * (1 - weight) + colour * weight, layer[..., 3]]).astype(np.float32)


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
