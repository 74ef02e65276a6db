"""The light of a layer's surroundings on it, as a layer of its own that is clipped to it and can be painted on.

What programs bake into the pixels is a change of colour and tone. Here it is taken apart: a smooth colour L and one
opacity A, so that (1 - A) C + A L is as near as can be to the layer's colour C in that light. Means are matched in
linear light, as Reinhard et al. (2001) match statistics, nearer surroundings counting more.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from acetate_engine.compositing.pixels import Floats
from acetate_engine.compositing.regions import bounds_of

_TONE, _TINT = 0.6, 0.8  # how much of the difference in brightness, and in colour, is taken over at an amount of 1
_MOST = 3.0  # times as bright or dark, at most
_AROUND = 0.5  # of the layer's longer side: how far away its surroundings reach
_SMOOTH = 0.25  # of the layer's longer side: the finest light on it, far coarser than what is drawn there
_OPACITIES = np.linspace(0.1, 0.9, 9)
_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)  # of linear sRGB (BT.709)


def match_light(front: Floats, behind: Floats, amount: float) -> Floats:
    """Layer (H, W, 4) straight and its background (H, W, 4), 0..1; amount 0..1 → the light (H, W, 4) straight.

    Opaque to one degree where the layer is, empty elsewhere. Empty where there is no layer, or nothing around it.
    """
    alpha = front[..., 3]
    at = bounds_of(alpha > 0)
    around = _surroundings(alpha, behind[..., 3], max(at.width, at.height))
    if at.is_empty or not around.any() or amount == 0:
        return np.zeros_like(front)
    wanted = _in_light(front, behind, around, amount, max(at.width, at.height))
    smooth = max(1.0, _SMOOTH * max(at.width, at.height))
    made = [_apart(front[..., :3], wanted, alpha, float(opacity), smooth) for opacity in _OPACITIES]
    errors = [_error(front[..., :3], wanted, alpha, *each) for each in made]
    colour, opacity = made[int(np.argmin(errors))]
    return np.dstack([colour, opacity * alpha]).astype(np.float32)


def to_linear(encoded: Floats) -> Floats:
    """sRGB's transfer function (IEC 61966-2-1), undone."""
    linear: Floats = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    return linear.astype(np.float32)


def to_encoded(linear: Floats) -> Floats:
    clipped = linear.clip(0, 1)
    encoded: Floats = np.where(clipped <= 0.0031308, clipped * 12.92, 1.055 * clipped ** (1 / 2.4) - 0.055)
    return encoded.astype(np.float32)


def _surroundings(alpha: Floats, covered: Floats, longest: int) -> Floats:
    """(H, W): how much each pixel of the background counts, by its distance; what the layer hides counts nothing."""
    away = cv2.distanceTransform((alpha <= 0.5).astype(np.uint8), cv2.DIST_L2, 3)
    near = np.exp(-away / max(1.0, _AROUND * longest))
    return (near * covered * (alpha <= 0.5)).astype(np.float32)


def _in_light(front: Floats, behind: Floats, around: Floats, amount: float, longest: int) -> Floats:
    """(H, W, 3): the layer's colour with the brightness and tint of what is around it, darker towards what is dark."""
    own, light = to_linear(front[..., :3]), to_linear(behind[..., :3])
    mean_own, mean_light = (_mean(colour, share) for colour, share in ((own, front[..., 3]), (light, around)))
    tone = _limited(_luma(mean_light) / _luma(mean_own)) ** (_TONE * amount)
    tint = _limited((mean_light / _luma(mean_light)) / (mean_own / _luma(mean_own))) ** (_TINT * amount)
    local = _blurred(light, around, _AROUND * longest) @ _LUMA / _luma(mean_light)
    shade = _limited(local) ** (0.5 * _TONE * amount)
    return to_encoded(own * tone * tint * shade[..., None])


def _apart(colour: Floats, wanted: Floats, alpha: Floats, opacity: float, smooth: float) -> tuple[Floats, float]:
    """The smooth colour that does it best at this opacity."""
    rest = _blurred(wanted - (1 - opacity) * colour, alpha, smooth)
    return (rest / opacity).clip(0, 1).astype(np.float32), opacity


def _error(colour: Floats, wanted: Floats, alpha: Floats, light: Floats, opacity: float) -> float:
    off = ((1 - opacity) * colour + opacity * light - wanted) ** 2
    return float((off.sum(axis=-1) * alpha).sum())


def _mean(colour: Floats, share: Floats) -> NDArray[np.float32]:
    mean: NDArray[np.float32] = (colour * share[..., None]).sum(axis=(0, 1)) / max(float(share.sum()), 1e-6)
    return mean.astype(np.float32).clip(1e-3, 1)


def _luma(colour: NDArray[np.float32]) -> float:
    return max(float(colour @ _LUMA), 1e-3)


def _limited(ratio: NDArray[np.float32] | float) -> NDArray[np.float32]:
    return np.clip(np.asarray(ratio, np.float32), 1 / _MOST, _MOST)


def _blurred(values: Floats, share: Floats, sigma: float) -> Floats:
    """Weighted by `share`; made small first, for wide blurs take long."""
    height, width = share.shape
    scale = min(1.0, 4 / max(sigma, 1e-3))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    weighted = cv2.resize(np.dstack([values * share[..., None], share]), size, interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(weighted, (0, 0), max(0.3, sigma * scale))
    mean = soft[..., :3] / np.maximum(soft[..., 3:], 1e-4)
    grown: Floats = cv2.resize(mean, (width, height), interpolation=cv2.INTER_LINEAR)
    return grown
