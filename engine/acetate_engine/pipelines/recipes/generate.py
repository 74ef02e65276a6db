"""Layers from a prompt, alone or beside given ones."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from acetate.protocol.geometry import Extent
from acetate.protocol.tasks import LayerRole
from acetate_engine.compositing.alpha import over, to_float, to_pixels
from acetate_engine.compositing.pixels import Pixels
from acetate_engine.pipelines.contract import GeneratedLayer
from acetate_engine.pipelines.methods.base import Start
from acetate_engine.pipelines.recipes.repaint import kept_by, reworked
from acetate_engine.pipelines.stages.denoise import together
from acetate_engine.pipelines.stages.encoders import encode_picture, encode_transparent, to_tensor
from acetate_engine.pipelines.stages.geometry import Geometry
from acetate_engine.pipelines.stages.job import ModelJob
from acetate_engine.pipelines.stages.layers import decoded_layers, made_layers

_FRAMES = 2  # of a foreground that looks at a background, at most
TEXT_ALONE = "made from the text alone: this model cannot look at the background"


def foreground(job: ModelJob) -> list[GeneratedLayer]:
    geometry = _of_layer(job)
    latents = job.method.foreground(job, geometry)
    return decoded_layers(job, latents, geometry, LayerRole.FOREGROUND, job.request.prompt)


def _of_layer(job: ModelJob) -> Geometry:
    """Hints may say that something stands anywhere in the bounds; without them a layer keeps to its best shape."""
    return job.covering(job.request.bounds) if job.request.control else job.containing()


def foreground_on(job: ModelJob, background: Pixels, earlier: Pixels | None = None) -> list[GeneratedLayer]:
    """A foreground that fits `background`; another version of `earlier` where that is given.

    The pixels of both are those of the bounds.
    """
    if not job.components.looks_at_background:
        job.note(TEXT_ALONE)
        return foreground(job) if earlier is None else reworked(job, earlier)
    geometry = job.covering(job.request.bounds) if earlier is not None else _of_layer(job)
    behind = geometry.to_working(background, repeat_border=True)
    start = None if earlier is None else _start(job, geometry.to_working(earlier, repeat_border=False), behind)
    latents = job.method.foreground_on(job, geometry, to_tensor(behind, job.device), start)
    return decoded_layers(job, latents, geometry, LayerRole.FOREGROUND, job.request.prompt)


def side_by_side(parts: Sequence[ModelJob], backgrounds: Sequence[Pixels]) -> list[GeneratedLayer]:
    """A layer a part, as `foreground_on`, or as `foreground` where there are no backgrounds; small ones share steps.

    The parts are of one job and one working extent, and differ in prompts, seeds and bounds alone; no hints.
    """
    geometries = [_of_layer(part) for part in parts]
    most = together(parts[0], _FRAMES, geometries[0])
    made = []
    for first in range(0, len(parts), most):
        some = slice(first, first + most)
        job, geometry = ModelJob.together(parts[some]), geometries[first]
        if backgrounds:
            pairs = zip(geometries[some], backgrounds[some], strict=True)
            behind = [to_tensor(own.to_working(pixels, repeat_border=True), job.device) for own, pixels in pairs]
            latents = job.method.foreground_on(job, geometry, torch.cat(behind), None)
        else:
            latents = job.method.foreground(job, geometry)
        for part, latent, own in zip(parts[some], latents, geometries[some], strict=True):
            made += decoded_layers(part, [latent], own, LayerRole.FOREGROUND, part.request.prompt)
    return made


def working_of(job: ModelJob) -> Extent:
    """What a layer of this job is made in."""
    return _of_layer(job).working


def _start(job: ModelJob, front: Pixels, behind: Pixels) -> Start:
    """Of pixels of the working extent."""
    both = to_pixels(over(to_float(front), to_float(behind)), job.request.pixel_format)
    wanted, parts = to_tensor(front, job.device), job.components
    return Start(
        encode_transparent(wanted, parts, job.note),
        encode_picture(to_tensor(both, job.device), parts, job.note),
        encode_picture(wanted, parts, job.note) if parts.colour_from < 1 else None,
    )


def background_behind(job: ModelJob) -> list[GeneratedLayer]:
    geometry = job.covering(job.request.covered)
    cutout = job.within(job.request.foreground, job.request.covered)
    working = geometry.to_working(cutout, repeat_border=False)
    front, start = to_tensor(working, job.device), None
    if job.request.background is not None and job.request.mask is not None:
        start = _known_around(job, geometry, working)
    latents = job.method.background_behind(job, geometry, front, start)
    return decoded_layers(job, latents, geometry, LayerRole.BACKGROUND, job.request.prompt)


def _known_around(job: ModelJob, geometry: Geometry, front: Pixels) -> Start:
    """The background that is known where the mask is 0, and the picture that it makes with what is in front of it."""
    request = job.request
    behind = geometry.to_working(job.within(request.background, request.covered), repeat_border=True)
    both = to_pixels(over(to_float(front), to_float(behind)), request.pixel_format)
    free = to_tensor(geometry.to_working(job.within(request.mask, request.covered), repeat_border=False), job.device)
    wanted, blended = (
        encode_picture(to_tensor(pixels, job.device), job.components, job.note) for pixels in (behind, both)
    )
    return Start(wanted, blended, keep=kept_by(free, job.components.vae_scale_factor))


def blend(job: ModelJob) -> list[GeneratedLayer]:
    """Foreground over background, repainted so that they belong together."""
    geometry, bounds = job.covering(job.request.bounds), job.request.bounds
    cutout = geometry.to_working(job.within(job.request.foreground, bounds), repeat_border=False)
    behind = geometry.to_working(job.within(job.request.background, bounds), repeat_border=True)
    composite = to_pixels(over(to_float(cutout), to_float(behind)), job.request.pixel_format)
    front, back, both = (to_tensor(pixels, job.device) for pixels in (cutout, behind, composite))
    latents = job.method.blend(job, geometry, front, back, both)
    return decoded_layers(job, latents, geometry, LayerRole.BLENDED, job.request.prompt)


def joint(job: ModelJob) -> list[GeneratedLayer]:
    """Bottom to top within one image, images one after the other."""
    request = job.request
    geometry = job.covering(request.bounds)
    behind, front = job.method.joint(job, geometry)
    backs = made_layers(job, behind, geometry, LayerRole.BACKGROUND, request.background_prompt or request.prompt)
    fronts = made_layers(job, front, geometry, LayerRole.FOREGROUND, request.prompt)
    return [layer for pair in zip(backs, fronts, strict=True) for layer in pair]
