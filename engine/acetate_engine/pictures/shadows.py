"""Shadows and reflections of a layer, as layers of their own that lie under it.

All of them are (H, W, 4) float32 straight, as large as the canvas that the layer is given on; the layer stays as it is.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from acetate_engine.compositing.alpha import premultiply, unpremultiply
from acetate_engine.compositing.pixels import Floats
from acetate_engine.compositing.regions import bounds_of

_CONTACT = 0.12  # of the layer's height: what is so near to the ground keeps light from it
_FLAT = 0.25  # how flat the ground is seen: height of a circle on it to its width
_SEEN = 0.6  # how much of a shadow's way towards the viewer is seen
_STEPS = 6  # of growing softness along a cast shadow


def contact_shadow(rgba: Floats, softness: float, opacity: float) -> Floats:
    """Dark where the layer stands: near its lowest edge, spread flat over the ground."""
    alpha = rgba[..., 3]
    at = bounds_of(alpha > 0)
    if at.is_empty:
        return np.zeros_like(rgba)
    ground, reach = at.bottom, max(2.0, _CONTACT * at.height)
    rows = np.arange(alpha.shape[0], dtype=np.float32)[:, None]
    near = alpha * np.clip(1 - (ground - rows) / reach, 0, 1)
    flat = _flattened(near, ground)
    blur = max(0.5, (0.2 + softness) * reach)
    spread = cv2.GaussianBlur(flat, (0, 0), 1.5 * blur, sigmaY=max(0.5, 0.5 * blur), borderType=cv2.BORDER_CONSTANT)
    strongest = float(spread.max())
    return _dark(spread * (opacity / strongest if strongest > 0 else 0.0))


def cast_shadow(rgba: Floats, angle: float, length: float, softness: float, opacity: float) -> Floats:
    """The layer's outline laid onto the ground, softer and weaker the farther it is from its foot.

    `angle`: where it falls, degrees from the right, clockwise on the canvas (90: towards the viewer); `length`: of the
    layer's height.
    """
    alpha = rgba[..., 3]
    at = bounds_of(alpha > 0)
    if at.is_empty:
        return np.zeros_like(rgba)
    across, down = math.cos(math.radians(angle)) * length, math.sin(math.radians(angle)) * length * _SEEN
    return _dark(opacity * _softened(_laid(alpha, at.bottom, across, down), at.bottom, down, at.height, softness))


def reflection(rgba: Floats, falloff: float, softness: float, opacity: float) -> Floats:
    """The layer upside down under its lowest edge, fading within `falloff` of its height."""
    at = bounds_of(rgba[..., 3] > 0)
    if at.is_empty:
        return np.zeros_like(rgba)
    mirrored = _mirrored(premultiply(rgba), at.bottom)
    rows = np.arange(rgba.shape[0], dtype=np.float32)[:, None, None]
    away = np.clip((rows - at.bottom) / max(1.0, falloff * at.height), 0, 1)
    sigma = softness * 0.1 * at.height
    soft = cv2.GaussianBlur(mirrored, (0, 0), sigma) if sigma > 0.3 else mirrored
    soft[: at.bottom] = 0
    return unpremultiply((soft * (opacity * (1 - away))).astype(np.float32))


def _dark(alpha: Floats) -> Floats:
    return np.dstack([np.zeros((*alpha.shape, 3), np.float32), alpha.clip(0, 1)]).astype(np.float32)


def _flattened(alpha: Floats, ground: int) -> Floats:
    """Squeezed towards the line of the ground, half of it on each side."""
    move = np.array([[1, 0, 0], [0, _FLAT, (1 - _FLAT) * ground]], np.float32)
    return _moved(alpha, move)


def _laid(alpha: Floats, ground: int, across: float, down: float) -> Floats:
    """What stands `h` above the ground falls `h` times (across, down) away from its foot."""
    move = np.array([[1, -across, across * ground], [0, -down, ground * (1 + down)]], np.float32)
    return _moved(alpha, move)


def _moved(alpha: Floats, move: np.ndarray) -> Floats:
    height, width = alpha.shape
    moved: Floats = cv2.warpAffine(alpha, move, (width, height), flags=cv2.INTER_AREA)
    return moved


def _mirrored(premultiplied: Floats, ground: int) -> Floats:
    result = np.zeros_like(premultiplied)
    rows = min(ground, premultiplied.shape[0] - ground)
    result[ground : ground + rows] = premultiplied[ground - rows : ground][::-1]
    return result


def _softened(alpha: Floats, ground: int, down: float, tall: int, softness: float) -> Floats:
    """Blurred by the distance from the foot, in steps that go into each other."""
    rows = np.arange(alpha.shape[0], dtype=np.float32)[:, None]
    reach = max(1.0, abs(down) * tall)
    distance = np.clip(np.abs(rows - ground) / reach, 0, 1) * (_STEPS - 1)
    result = np.zeros_like(alpha)
    for step in range(_STEPS):
        sigma = softness * 0.12 * tall * step / (_STEPS - 1)
        blurred = cv2.GaussianBlur(alpha, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT) if sigma > 0.3 else alpha
        share = np.clip(1 - np.abs(distance - step), 0, 1)
        result += share * blurred * (1 - 0.5 * softness * step / (_STEPS - 1))
    return result
