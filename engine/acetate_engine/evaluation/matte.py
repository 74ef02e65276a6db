"""`matte`: native transparency against generating an opaque picture and cutting it out afterwards.

The paper's headline (arXiv 2402.17113, section 4) in numbers; mattes in closed form (Levin et al., 2008) from a trimap.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import ndimage

from acetate_engine.compositing.pixels import Floats
from acetate_engine.evaluation import alpha as measure
from acetate_engine.evaluation.kid import kid, kid_difference
from acetate_engine.evaluation.probe import Reference
from acetate_engine.pictures.solvers import estimate_alpha_cf, estimate_foreground_ml
from acetate_engine.training.compose import over_ground
from acetate_engine.training.datasets import Bytes

_UNKNOWN = 5  # pixels on either side of an edge
_GREY = 0.5  # what the base model paints around things


def cut_out(rgb: Floats, trimap: Floats) -> Bytes:
    """(H, W, 3) in 0..1 and its trimap (0, 0.5, 1) -> straight RGBA uint8 with estimated foreground colour."""
    if not ((trimap == 0).any() and (trimap == 1).any()):
        alpha = (trimap > 0).astype(np.float64)  # nothing to start from
    else:
        alpha = estimate_alpha_cf(rgb.astype(np.float64), trimap.astype(np.float64))
    colour = estimate_foreground_ml(rgb.astype(np.float64), alpha)
    stacked = np.concatenate([colour, alpha[..., None]], -1)
    pixels: Bytes = (np.clip(stacked, 0, 1) * 255 + 0.5).astype(np.uint8)
    return pixels


def trimap_of(alpha: Floats) -> Floats:
    """True alpha -> a trimap as a careful person draws one: unknown where it is soft and a few pixels around."""
    soft = (alpha > measure.SOFT[0]) & (alpha < measure.SOFT[1])
    edge = ndimage.morphological_gradient((alpha > 0.5).astype(np.uint8), size=3) > 0
    unknown = ndimage.binary_dilation(soft | edge, iterations=_UNKNOWN)
    return np.where(unknown, 0.5, (alpha > 0.5)).astype(np.float32)


def trimap_from_grey(rgb: Floats) -> Floats:
    """An opaque picture over mid-grey -> a trimap: what is far from grey and what that encloses is in."""
    far = np.abs(rgb - _GREY).max(-1)
    inside = ndimage.binary_fill_holes(far > 0.12)
    sure_in = ndimage.binary_erosion(inside, iterations=_UNKNOWN)
    sure_out = ~ndimage.binary_dilation(inside, iterations=_UNKNOWN)
    return np.where(sure_in, 1.0, np.where(sure_out, 0.0, 0.5)).astype(np.float32)


def matted_pictures(opaque: Bytes) -> Bytes:
    """(N, H, W, 3) over mid-grey -> (N, H, W, 4), each cut out by what differs from grey."""
    return np.stack([cut_out(rgb, trimap_from_grey(rgb)) for rgb in opaque.astype(np.float32) / np.float32(255)])


def each_over(layers: Bytes, backgrounds: Bytes) -> Bytes:
    """(N, H, W, 4) over (M, H, W, 3), each over the next background in turn -> (N, H, W, 3)."""
    return over_ground(layers, backgrounds[np.arange(len(layers)) % len(backgrounds)])


def matted_over(layers: Bytes, backgrounds: Bytes) -> Iterator[Bytes]:
    """Real layers composed over backgrounds and cut out again with the trimap of their true alpha."""
    for layer, composed in zip(layers, each_over(layers, backgrounds), strict=True):
        alpha = layer[..., 3].astype(np.float32) / 255
        yield cut_out(composed.astype(np.float32) / 255, trimap_of(alpha))


def evaluate_matte(
    real: Bytes, decoded: Bytes, native: Bytes, opaque: Bytes, backgrounds: Bytes, reference: Reference
) -> dict[str, object]:
    """Both arms of both comparisons.

    Args:
        real: layers of the split; `decoded`: what the transparent decoder makes of their latents.
        native: generated layers; `opaque`: pictures of the same prompts and noise by the base model alone.
        backgrounds: (M, H, W, 3) of the split.
    """
    true = measure.alpha_of(real)
    mattes = np.stack(list(matted_over(real, backgrounds)))
    return {
        "native_soft_alpha_mae": measure.soft_alpha_mae(measure.alpha_of(decoded), true),
        "matting_soft_alpha_mae": measure.soft_alpha_mae(measure.alpha_of(mattes), true),
    } | nearer_over(real, native, opaque, backgrounds, reference)


def nearer_over(
    real: Bytes, native: Bytes, opaque: Bytes, backgrounds: Bytes, reference: Reference
) -> dict[str, object]:
    """KID over photographs of generated layers and of cut-out pictures, against real layers; arguments as above."""
    matted = matted_pictures(opaque)
    ours, theirs, truth = (reference.see(each_over(layers, backgrounds)) for layers in (native, matted, real))
    difference = kid_difference(ours, theirs, truth)
    return {
        "native_kid": kid(ours, truth).value,
        "matting_kid": kid(theirs, truth).value,
        "kid_interval": [difference.low, difference.high],  # of native - matting: below 0 where native is nearer
    }
