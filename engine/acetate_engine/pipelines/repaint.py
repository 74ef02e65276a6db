"""Tasks that start from a layer that is there: refine and inpaint. Alpha is as free to change as colour."""

from __future__ import annotations

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from acetate.protocol.events import LayerRole
from acetate.protocol.pixels import PixelFormat
from acetate_engine.compositing.alpha import Floats, convert, premultiply, to_float, to_pixels, unpremultiply
from acetate_engine.pipelines.contract import GeneratedLayer, Pixels
from acetate_engine.pipelines.encoders import encode_transparent, to_tensor
from acetate_engine.pipelines.geometry import Geometry
from acetate_engine.pipelines.job import Job
from acetate_engine.pipelines.layers import decode, decoded_layers, generators, make_layer, to_region
from acetate_engine.pipelines.runs import Run, execute


def refine(job: Job) -> list[GeneratedLayer]:
    """Another version of the layer; strength 0 gives back its bytes."""
    request = job.request
    geometry = job.covering(request.bounds)
    original = job.within(request.foreground, request.bounds)
    run = _repainting(job, original, geometry)
    if run.steps(job) == 0:
        return [
            make_layer(job, original, geometry, LayerRole.FOREGROUND, i, request.prompt) for i in range(request.images)
        ]
    job.meter.expect(request.images * (run.steps(job) + 1))
    latents = execute(job, run, geometry, generators(job))
    return decoded_layers(job, latents, geometry, LayerRole.FOREGROUND, request.prompt)


def inpaint(job: Job) -> list[GeneratedLayer]:
    """The layer, repainted where the mask is; bytes outside of the mask are those of the layer.

    What the context shows around the bounds guides the repainting.
    """
    request = job.request
    geometry = job.covering(request.covered)
    original = job.within(request.foreground, request.covered)
    mask = job.within(request.mask, request.covered)
    run = _repainting(job, original, geometry, mask)
    pictures: list[Floats] = []
    if run.steps(job) and mask.any():
        job.meter.expect(request.images * (run.steps(job) + 1))
        latents = execute(job, run, geometry, generators(job))
        pictures = [decode(job, latent, LayerRole.FOREGROUND) for latent in latents]
    wide = convert(original, request.pixel_format)
    painted = [mixed(wide, to_region(picture, geometry), mask) for picture in pictures] or [wide] * request.images
    return [
        make_layer(job, pixels, geometry, LayerRole.FOREGROUND, i, request.prompt) for i, pixels in enumerate(painted)
    ]


def _repainting(job: Job, original: Pixels, geometry: Geometry, mask: Pixels | None = None) -> Run:
    rgba = to_tensor(geometry.to_working(original, repeat_border=False), job.device)
    keep = None
    if mask is not None:
        free = to_tensor(geometry.to_working(mask, repeat_border=False), job.device)
        keep = 1 - _any_within(free, job.components.factor)
    start = encode_transparent(rgba, job.components)
    return Run("transparent", (job.request.prompt,), start=start, strength=job.request.strength, keep=keep)


def _any_within(mask: Tensor, factor: int) -> Tensor:
    """(1, 1, H, W) → (1, 1, h, w): 1 where any pixel of a latent pixel may change."""
    return (F.max_pool2d(mask, factor) > 0).float()


def mixed(original: Pixels, painted: Pixels, mask: NDArray[np.unsignedinteger]) -> Pixels:
    """`painted` where the mask is full; `original`, byte for byte, where it is 0; premultiplied values mixed between.

    Args:
        original: (H, W, 4), uint8 or uint16; so is the result.
        painted: (H, W, 4), uint8 or uint16.
        mask: (H, W).
    """
    result = original.copy()
    rows, columns = np.nonzero(mask.any(axis=1))[0], np.nonzero(mask.any(axis=0))[0]
    if not len(rows):
        return result
    window = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    share = to_float(mask[window])[..., None]
    before, after = premultiply(to_float(original[window])), premultiply(to_float(painted[window]))
    blended = unpremultiply(before * (1 - share) + after * share)  # exact at both ends
    pixel_format = PixelFormat.RGBA16 if original.dtype == np.uint16 else PixelFormat.RGBA8
    result[window] = np.where(share > 0, to_pixels(blended, pixel_format), original[window])
    return result
