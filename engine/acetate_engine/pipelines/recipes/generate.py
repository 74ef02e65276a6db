"""How the tasks are made from runs, for both kinds of models.

Those with shared attention denoise all frames of a picture in one run. Those with concatenated conditions go from one
picture to the next, by way of the blended one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from acetate.protocol.tasks import LayerRole
from acetate_engine.compositing.alpha import over, to_float, to_pixels
from acetate_engine.compositing.pixels import Pixels
from acetate_engine.models.adapters.concat_condition import on_grey
from acetate_engine.pipelines.contract import GeneratedLayer
from acetate_engine.pipelines.recipes.repaint import reworked
from acetate_engine.pipelines.stages.before_denoise import always
from acetate_engine.pipelines.stages.encoders import encode_picture, encode_transparent, to_tensor
from acetate_engine.pipelines.stages.geometry import Geometry
from acetate_engine.pipelines.stages.job import Job
from acetate_engine.pipelines.stages.layers import decode, decoded_layers, generators, make_layer, to_region
from acetate_engine.pipelines.stages.runs import Run, execute

BLEND_STRENGTH = 0.6  # enough to mend edges, light and shadow; more would make up another picture
TEXT_ALONE = "made from the text alone: this model cannot look at the background"


def foreground(job: Job) -> list[GeneratedLayer]:
    geometry = _of_layer(job)
    run = Run("transparent", (job.request.prompt,))
    job.meter.expect(job.request.images * (run.steps(job) + 1))
    latents = execute(job, run, geometry, generators(job))
    return decoded_layers(job, latents, geometry, LayerRole.FOREGROUND, job.request.prompt)


def _of_layer(job: Job) -> Geometry:
    """Hints may say that something stands anywhere in the bounds; without them a layer keeps to its best shape."""
    return job.covering(job.request.bounds) if job.request.control else job.containing()


@dataclass(frozen=True)
class Start:
    """Pictures to start from instead of noise alone: latents (1, c, h, w), scaled."""

    wanted: Tensor
    blended: Tensor


def foreground_on(job: Job, background: Pixels, earlier: Pixels | None = None) -> list[GeneratedLayer]:
    """A foreground that fits `background`; another version of `earlier` where that is given.

    The pixels of both are those of the bounds.
    """
    if not job.components.looks_at_background:
        job.note(TEXT_ALONE)
        return foreground(job) if earlier is None else reworked(job, earlier)
    geometry = job.covering(job.request.bounds) if earlier is not None else _of_layer(job)
    behind = geometry.to_working(background, repeat_border=True)
    start = None if earlier is None else _start(job, geometry.to_working(earlier, repeat_border=False), behind)
    layers = ("bg2fg",) if job.components.shares else ("bg2ble", "bgble2fg")
    latents = _conditioned(job, geometry, to_tensor(behind, job.device), layers, start)
    return decoded_layers(job, latents, geometry, LayerRole.FOREGROUND, job.request.prompt)


def _start(job: Job, front: Pixels, behind: Pixels) -> Start:
    """Of pixels of the working extent."""
    both = to_pixels(over(to_float(front), to_float(behind)), job.request.pixel_format)
    return Start(
        encode_transparent(to_tensor(front, job.device), job.components),
        encode_picture(to_tensor(both, job.device), job.components),
    )


def background_behind(job: Job) -> list[GeneratedLayer]:
    geometry = job.covering(job.request.covered)
    cutout = job.within(job.request.foreground, job.request.covered)
    given = to_tensor(geometry.to_working(cutout, repeat_border=False), job.device)
    latents = _conditioned(job, geometry, given, ("fg2bg",) if job.components.shares else ("fg2ble", "fgble2bg"))
    return decoded_layers(job, latents, geometry, LayerRole.BACKGROUND, job.request.prompt)


def joint(job: Job) -> list[GeneratedLayer]:
    return _joint_in_one(job) if job.components.shares else _joint_in_turn(job)


def blend(job: Job) -> list[GeneratedLayer]:
    """Foreground over background, repainted so that they belong together."""
    geometry, bounds = job.covering(job.request.bounds), job.request.bounds
    cutout = geometry.to_working(job.within(job.request.foreground, bounds), repeat_border=False)
    behind = geometry.to_working(job.within(job.request.background, bounds), repeat_border=True)
    composite = to_pixels(over(to_float(cutout), to_float(behind)), job.request.pixel_format)
    front, back, both = (to_tensor(pixels, job.device) for pixels in (cutout, behind, composite))
    run = (_pinned_blend if job.components.shares else _concatenated_blend)(job, front, back, both)
    job.meter.expect(job.request.images * (run.steps(job) + 1))
    latents = execute(job, run, geometry, generators(job))
    return decoded_layers(job, latents, geometry, LayerRole.BLENDED, job.request.prompt, frame=len(run.prompts) - 1)


def _pinned_blend(job: Job, front: Tensor, back: Tensor, both: Tensor) -> Run:
    """The frames of fg2bg, with the background frame held to the one that is given."""
    start = torch.cat([encode_picture(back, job.components), encode_picture(both, job.components)])
    keep = torch.tensor([1.0, 0.0], device=job.device).reshape(2, 1, 1, 1)
    prompts = (job.request.background_prompt or job.request.prompt, job.request.prompt)
    return Run("fg2bg", prompts, condition=on_grey(front), start=start, strength=BLEND_STRENGTH, keep=keep)


def _concatenated_blend(job: Job, front: Tensor, back: Tensor, both: Tensor) -> Run:
    beside = [encode_picture(front, job.components)] * job.request.images
    start = encode_picture(both, job.components)
    return Run("fg2ble", (job.request.prompt,), beside=beside, start=start, strength=BLEND_STRENGTH)


def _joint_in_one(job: Job) -> list[GeneratedLayer]:
    """Three frames in one run: foreground, background, blended picture."""
    request = job.request
    geometry = job.covering(request.bounds)
    behind = request.background_prompt or request.prompt
    run = Run("joint", (request.prompt, behind, request.blended_prompt or request.prompt))
    job.meter.expect(request.images * (run.steps(job) + 2))
    latents = execute(job, run, geometry, generators(job))
    fronts = decoded_layers(job, latents, geometry, LayerRole.FOREGROUND, request.prompt)
    backs = decoded_layers(job, latents, geometry, LayerRole.BACKGROUND, behind, frame=1)
    return _paired(backs, fronts)


def _joint_in_turn(job: Job) -> list[GeneratedLayer]:
    """A foreground from text, then what lies behind it."""
    request = job.request
    geometry = job.covering(request.bounds)
    run = Run("transparent", (request.prompt,))
    job.meter.expect(request.images * (3 * run.steps(job) + 2))
    seeds = generators(job)
    pictures = [decode(job, latent, LayerRole.FOREGROUND) for latent in execute(job, run, geometry, seeds)]
    fronts = [
        make_layer(job, to_region(job, picture, geometry), geometry, LayerRole.FOREGROUND, image, request.prompt)
        for image, picture in enumerate(pictures)
    ]
    given = [
        encode_picture(to_tensor(to_pixels(picture, request.pixel_format), job.device), job.components)
        for picture in pictures
    ]
    behind = request.background_prompt or request.prompt
    latents = _chain(job, geometry, given, ("fg2ble", "fgble2bg"), behind, seeds)
    return _paired(decoded_layers(job, latents, geometry, LayerRole.BACKGROUND, behind), fronts)


def _conditioned(
    job: Job, geometry: Geometry, given: Tensor, layers: tuple[str, ...], start: Start | None = None
) -> list[Tensor]:
    """The wanted picture as frame 0, from a given one."""
    request, seeds = job.request, generators(job)
    if not job.components.shares:
        job.meter.expect(request.images * (2 * job.settings.steps + 1))
        latent = encode_picture(given, job.components)
        return _chain(job, geometry, [latent] * request.images, layers, request.prompt, seeds, start)
    run = Run(layers[0], (request.prompt, request.blended_prompt or request.prompt), condition=on_grey(given))
    run = _from(torch.cat([start.wanted, start.blended]) if start else None, run, job)
    job.meter.expect(request.images * (run.steps(job) + 1))
    return execute(job, run, geometry, seeds)


def _chain(
    job: Job,
    geometry: Geometry,
    given: list[Tensor],
    layers: tuple[str, ...],
    prompt: str,
    seeds: list[torch.Generator],
    start: Start | None = None,
) -> list[Tensor]:
    """Given → blended → wanted; `given` holds one latent an image."""
    to_blended, to_wanted = layers
    first = Run(to_blended, (job.request.blended_prompt or job.request.prompt,), beside=given)
    blended = execute(job, _from(start.blended if start else None, first, job), geometry, seeds)
    both = [beside(*pair) for pair in zip(given, blended, strict=True)]
    until = job.base_after if to_wanted == "fgble2bg" else always
    second = Run(to_wanted, (prompt,), beside=both, layer_until=until)
    return execute(job, _from(start.wanted if start else None, second, job), geometry, seeds)


def beside(given: Tensor, blended: Tensor) -> Tensor:
    """Two conditions (1, c, h, w) in the order of the released files: (1, 2c, h, w)."""
    return torch.cat([given, blended], dim=1)


def _from(start: Tensor | None, run: Run, job: Job) -> Run:
    return run if start is None else replace(run, start=start, strength=job.request.strength)


def _paired(backs: list[GeneratedLayer], fronts: list[GeneratedLayer]) -> list[GeneratedLayer]:
    """Bottom to top within one image, images one after the other."""
    return [layer for pair in zip(backs, fronts, strict=True) for layer in pair]
