"""How far a decoded layer is from the true one. Pictures are (N, H, W, 4) straight sRGB uint8 unless said otherwise."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from acetate_engine.compositing.alpha import over, to_float
from acetate_engine.compositing.pixels import Floats
from acetate_engine.training.datasets import Bytes

SOFT = (0.02, 0.98)  # alpha between these is soft
_GAP = 0.15  # of alpha: less counts as connected, as in that benchmark
_GRADIENT_SIGMA = 1.4  # pixels; as in the matting benchmark of Rhemann et al., CVPR 2009
COLOURS = (
    *itertools.product((0.0, 1.0), repeat=3),  # black, white, and the six between them
    (0.5, 0.5, 0.5),
)


def alpha_of(pictures: Bytes) -> Floats:
    """(N, H, W, 4) -> (N, H, W), 0..1."""
    return pictures[..., 3].astype(np.float32) / np.float32(255)


def alpha_mae(decoded: Floats, true: Floats) -> float:
    """Mean absolute error of alpha, 0..1."""
    return float(np.abs(decoded - true).mean())


def soft_alpha_mae(decoded: Floats, true: Floats) -> float:
    """As `alpha_mae`, of the pixels whose true alpha is soft."""
    soft = (true > SOFT[0]) & (true < SOFT[1])
    return float(np.abs(decoded - true)[soft].mean())


def alpha_sad(decoded: Floats, true: Floats) -> float:
    """Sum of absolute differences of one picture, in thousands: the mean over the pictures."""
    return float(np.abs(decoded - true).sum((1, 2)).mean() / 1000)


def alpha_grad(decoded: Floats, true: Floats) -> float:
    """Sum of squared differences of gradient magnitudes of one picture, in thousands: the mean over the pictures."""
    errors = [np.square(_gradient(a) - _gradient(b)).sum() for a, b in zip(decoded, true, strict=True)]
    return float(np.mean(errors) / 1000)


def alpha_conn(decoded: Floats, true: Floats) -> float:
    """Connectivity error of one picture (Rhemann et al., CVPR 2009), in thousands: the mean over the pictures.

    Counts how much of each pixel's alpha does not hang together, level by level, with what is opaque in both.
    """
    return float(np.mean([_unconnected(a, b) for a, b in zip(decoded, true, strict=True)]) / 1000)


def _unconnected(decoded: Floats, true: Floats) -> float:
    level = np.full(true.shape, -1.0, np.float32)  # below which a pixel hangs together with the opaque part
    for previous, threshold in itertools.pairwise(np.arange(0.0, 1.01, 0.1)):
        together = _largest((decoded >= threshold) & (true >= threshold))
        level[(level < 0) & ~together] = previous
    level[level < 0] = 1.0
    missing = [alpha - level for alpha in (decoded, true)]
    held = [1 - gap * (gap >= _GAP) for gap in missing]
    return float(np.abs(held[0] - held[1]).sum())


def _largest(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    marks, count = ndimage.label(mask, np.ones((3, 3)))
    if not count:
        return mask
    largest: NDArray[np.bool_] = marks == 1 + int(np.argmax(np.bincount(marks.ravel())[1:]))
    return largest


def _gradient(alpha: Floats) -> NDArray[np.float32]:
    magnitude: NDArray[np.float32] = ndimage.gaussian_gradient_magnitude(alpha, _GRADIENT_SIGMA)
    return magnitude


def over_colour(pictures: Bytes, colour: tuple[float, ...]) -> Floats:
    """Straight RGBA over one RGB colour (0..1) -> RGB in 0..1."""
    return over(to_float(pictures), np.asarray(colour, np.float32))


def composite_psnr(decoded: Bytes, true: Bytes) -> float:
    """dB: the mean over pictures and COLOURS."""
    values = [psnr(over_colour(decoded, colour), over_colour(true, colour)) for colour in COLOURS]
    return float(np.mean(values))


def psnr(a: Floats, b: Floats) -> Floats:
    """(N, ...) in 0..1 -> (N,) in dB; equal pictures count as 100."""
    squared = np.square(a - b).reshape(len(a), -1).mean(1)
    return (-10 * np.log10(np.maximum(squared, 1e-10))).astype(np.float32)


def composite_ssim(decoded: Bytes, true: Bytes) -> float:
    """Structural similarity, 0..1: the mean over pictures and COLOURS."""
    from skimage.metrics import structural_similarity

    values = [
        structural_similarity(a, b, channel_axis=-1, data_range=1.0)
        for colour in COLOURS
        for a, b in zip(over_colour(decoded, colour), over_colour(true, colour), strict=True)
    ]
    return float(np.mean(values))


def opaque_core_share(pictures: Bytes) -> float:
    """Share of the layers that have a core (alpha over 0.5, eroded by 3 pixels) which is opaque: mean alpha >= 0.97."""
    cores = [_core_alpha(alpha) for alpha in alpha_of(pictures)]
    return float(np.mean([core is not None and core >= 0.97 for core in cores]))


def _core_alpha(alpha: Floats) -> float | None:
    core = ndimage.binary_erosion(alpha > 0.5, iterations=3)
    return float(alpha[core].mean()) if core.any() else None


def clean_border_share(pictures: Bytes) -> float:
    """Share of the layers whose outermost two pixels are empty: mean alpha <= 0.02."""
    alpha = alpha_of(pictures)
    border = np.ones(alpha.shape[1:], bool)
    border[2:-2, 2:-2] = False
    return float((alpha[:, border].mean(1) <= 0.02).mean())
