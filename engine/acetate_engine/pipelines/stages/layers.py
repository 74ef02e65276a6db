"""From what a model made to a layer of exactly the bounds asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from acetate.protocol.events import Stage
from acetate.protocol.pixels import PixelFormat
from acetate.protocol.requests import MAX_SEED
from acetate.protocol.tasks import LayerRole
from acetate_engine.compositing.alpha import convert, to_pixels
from acetate_engine.compositing.pixels import Floats, Pixels
from acetate_engine.compositing.regions import crop
from acetate_engine.compositing.resize import resize
from acetate_engine.pipelines.contract import GeneratedLayer
from acetate_engine.pipelines.stages.decoders import EarlierLayer, decode_opaque, decode_transparent
from acetate_engine.pipelines.stages.finish import finishing
from acetate_engine.pipelines.stages.geometry import Geometry
from acetate_engine.pipelines.stages.job import ModelJob
from acetate_engine.prompts.weights import plain

_NAME = 40  # characters of the prompt


def seed_of(job: ModelJob, image: int) -> int:
    """Seeds of the alternatives count up from the request's."""
    return job.own(image).seed if job.each else (job.request.seed + image) % (MAX_SEED + 1)


def generators(job: ModelJob) -> list[torch.Generator]:
    """One an image, on the CPU."""
    return [torch.Generator().manual_seed(seed_of(job, image)) for image in range(job.request.images)]


def decode(job: ModelJob, latent: Tensor, role: LayerRole, earlier: EarlierLayer | None = None) -> Floats:
    """(1, c, h, w) scaled → (H, W, 4) straight, of the working extent.

    A second row, and `earlier`, are as in `decode_transparent`.
    """
    unscaled = latent / job.components.scaling_factor
    if role is LayerRole.FOREGROUND:
        picture = decode_transparent(unscaled, job.components, job.settings.decoder_passes, job.note, earlier)
    else:
        picture = decode_opaque(unscaled, job.components, job.note)
    job.meter.advance(Stage.DECODE)
    return picture


def to_region(job: ModelJob, picture: Floats, geometry: Geometry) -> Pixels:
    """(H, W, 4) of the working extent → uint16 of the region; 8 bits would not do for a layer of 16."""
    resample = finishing(job) if job.request.finish and geometry.enlargement > 1 else resize
    return geometry.to_canvas(to_pixels(picture, PixelFormat.RGBA16), resample)


def make_layer(
    job: ModelJob, pixels: Pixels, geometry: Geometry, role: LayerRole, image: int, prompt: str
) -> GeneratedLayer:
    """Pixels of the region → the layer, cut to the bounds asked for."""
    bounds, seed = job.request.bounds, seed_of(job, image)
    cut = crop(pixels, bounds.relative_to(geometry.region))
    return GeneratedLayer(image, role, layer_name(prompt, seed), bounds, convert(cut, job.request.pixel_format), seed)


def decoded_layers(
    job: ModelJob, latents: Sequence[Tensor], geometry: Geometry, role: LayerRole, prompt: str
) -> list[GeneratedLayer]:
    """One layer an image."""
    return made_layers(job, (decode(job, latent, role) for latent in latents), geometry, role, prompt)


def made_layers(
    job: ModelJob, pictures: Iterable[Floats], geometry: Geometry, role: LayerRole, prompt: str
) -> list[GeneratedLayer]:
    """One layer a picture (H, W, 4) of the working extent."""
    return [
        make_layer(job, to_region(job, picture, geometry), geometry, role, image, prompt)
        for image, picture in enumerate(pictures)
    ]


def layer_name(prompt: str, seed: int) -> str:
    """What the layer is called in the document: the prompt, shortened at a word, and the seed."""
    words = " ".join(plain(prompt).split())
    if len(words) > _NAME:
        words = words[:_NAME].rsplit(" ", 1)[0] + "…"
    return f"{words} · {seed}"
