"""Tasks that start from a layer that is there: refine and inpaint. Alpha is as free to change as colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from acetate.protocol.pixels import PixelFormat
from acetate.protocol.tasks import LayerRole
from acetate_engine.compositing.alpha import convert, premultiply, to_float, to_pixels, unpremultiply
from acetate_engine.compositing.pixels import Floats, Pixels
from acetate_engine.compositing.regions import bounds_of
from acetate_engine.pipelines.contract import GeneratedLayer
from acetate_engine.pipelines.stages.before_denoise import steps_of
from acetate_engine.pipelines.stages.decoders import EarlierLayer
from acetate_engine.pipelines.stages.encoders import encode_picture, encode_residual, encode_transparent, to_tensor
from acetate_engine.pipelines.stages.geometry import Geometry
from acetate_engine.pipelines.stages.job import ModelJob
from acetate_engine.pipelines.stages.layers import decode, made_layers, make_layer, to_region

_HAZE = 0.4  # of a result that is hardly visible, more than of the layer it was made from
_SAFE = 0.4  # of strength: below it the layer holds what the model does not know


def refine(job: ModelJob) -> list[GeneratedLayer]:
    """Another version of the layer; strength 0 gives back its bytes. With a mask, bytes outside of it stay too."""
    request = job.request
    original = job.within(request.foreground, request.bounds)
    layers = reworked(job, original)
    job.note(haze_note(original, [layer.pixels for layer in layers], request.strength))
    if request.mask is None or request.cut_out:
        return layers
    wide, mask = convert(original, request.pixel_format), job.within(request.mask, request.bounds)
    return [replace(layer, pixels=mixed(wide, layer.pixels, mask)) for layer in layers]


def haze_note(original: Pixels, made: Sequence[Pixels], strength: float) -> str | None:
    """For the painter: a small model that does not know what a layer shows makes haze of it."""
    if all(_haze(pixels) < _HAZE + _haze(original) for pixels in made):
        return None
    advice = f"try a strength below {_SAFE:g}" if strength >= _SAFE else "try other words"
    return f"it came out as haze: the model may not have been taught what this layer shows; {advice}"


def _haze(pixels: Pixels) -> float:
    """How much of what is visible is hardly so, 0..1."""
    alpha = to_float(pixels)[..., 3]
    visible = alpha > 0.03
    return float((alpha[visible] < 0.6).mean()) if visible.any() else 0.0


def reworked(job: ModelJob, original: Pixels) -> list[GeneratedLayer]:
    """Another version of `original`, whose pixels are those of the bounds; strength 0 gives back its bytes."""
    request = job.request
    geometry = job.covering(request.bounds)
    if steps_of(job.settings.steps, request.strength) == 0:
        return [
            make_layer(job, original, geometry, LayerRole.FOREGROUND, i, request.prompt) for i in range(request.images)
        ]
    pictures = _repainted(job, original, geometry)
    return made_layers(job, pictures, geometry, LayerRole.FOREGROUND, request.prompt)


def inpaint(job: ModelJob) -> list[GeneratedLayer]:
    """The layer, repainted where the mask is; bytes outside of the mask are those of the layer.

    Of a layer that is cut out only what is painted counts, so that it can lie above the one that it repaints.

    What the context shows around the bounds guides the repainting.
    """
    request = job.request
    geometry = job.covering(request.covered)
    original = job.within(request.foreground, request.covered)
    mask = job.within(request.mask, request.covered)
    pictures: list[Floats] = []
    if steps_of(job.settings.steps, request.strength) and mask.any():
        pictures = _repainted(job, original, geometry, mask)
    wide = convert(original, request.pixel_format)
    regions = [to_region(job, picture, geometry) for picture in pictures] or [wide] * request.images
    painted = regions if request.cut_out else [mixed(wide, region, mask) for region in regions]
    return [
        make_layer(job, pixels, geometry, LayerRole.FOREGROUND, i, request.prompt) for i, pixels in enumerate(painted)
    ]


def _repainted(job: ModelJob, original: Pixels, geometry: Geometry, mask: Pixels | None = None) -> list[Floats]:
    """A picture (H, W, 4) of the working extent for every image.

    What decoding would lose of the layer's alpha is given back, by as much as the strength leaves of the layer.
    """
    rgba = to_tensor(geometry.to_working(original, repeat_border=False), job.device)
    keep = None
    if mask is not None:
        free = to_tensor(geometry.to_working(mask, repeat_border=False), job.device)
        keep = kept_by(free, job.components.vae_scale_factor)
    start, strength = encode_transparent(rgba, job.components, job.note), job.request.strength
    earlier = None
    if strength < 1:
        earlier = EarlierLayer(1 - strength, encode_residual(rgba, start, job.components, job.note))
    if job.components.colour_from < 1:
        start = torch.cat([start, encode_picture(rgba, job.components, job.note)])
    latents = job.method.rework(job, geometry, start, keep)
    return [decode(job, latent, LayerRole.FOREGROUND, earlier) for latent in latents]


def kept_by(mask: Tensor, factor: int) -> Tensor:
    """(1, 1, H, W) → (1, 1, h, w): 1 where no pixel of a latent pixel may change."""
    return 1 - (F.max_pool2d(mask, factor) > 0).float()


def mixed(original: Pixels, painted: Pixels, mask: NDArray[np.unsignedinteger]) -> Pixels:
    """`painted` where the mask is full; `original`, byte for byte, where it is 0; premultiplied values mixed between.

    Args:
        original: (H, W, 4), uint8 or uint16; so is the result.
        painted: (H, W, 4), uint8 or uint16.
        mask: (H, W).
    """
    result = original.copy()
    window = bounds_of(mask).window
    share = to_float(mask[window])[..., None]
    before, after = premultiply(to_float(original[window])), premultiply(to_float(painted[window]))
    blended = unpremultiply(before * (1 - share) + after * share)  # exact at both ends
    pixel_format = PixelFormat.RGBA16 if original.dtype == np.uint16 else PixelFormat.RGBA8
    result[window] = np.where(share > 0, to_pixels(blended, pixel_format), original[window])
    return result
