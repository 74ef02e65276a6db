"""One denoising run for every image of a job, with or without layer weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from acetate.protocol.events import Stage
from acetate.protocol.geometry import Extent
from acetate_engine.models.families.components import Adaptation, Text
from acetate_engine.pipelines.stages.before_denoise import (
    Timesteps,
    Until,
    always,
    first_latent,
    guidance_rescale_of,
    known_badly,
    make_timesteps,
    seeded_noise,
    steps_of,
)
from acetate_engine.pipelines.stages.control import Control, read_controls
from acetate_engine.pipelines.stages.denoise import Denoising, Known, Predict, Predictor
from acetate_engine.pipelines.stages.encoders import to_tensor
from acetate_engine.pipelines.stages.geometry import Geometry
from acetate_engine.pipelines.stages.job import Job


@dataclass(frozen=True)
class Run:
    """What is denoised: the frames of one picture together, each with its prompt.

    Latents are (frames, c, h, w), clean, scaled as the UNet sees them.
    """

    layer: str | None  # the layer weights in the UNet
    prompts: tuple[str, ...]  # one a frame
    prepare: Callable[[Adaptation], None] | None = None  # the layer adapter, once a run: gives it its condition
    beside: Sequence[Tensor] | None = None  # one an image, (1, c, h, w): concatenated conditions
    layer_until: Until = always  # steps with the layer weights; the plain UNet after them
    start: Tensor | None = None  # image-to-image
    strength: float = 1.0
    keep: Tensor | None = None  # 1 where the latent must stay that of `start`
    controls: Sequence[Control] = ()  # filled in from the request

    def starting(self, start: Tensor | None, strength: float) -> Run:
        """The same from pictures and noise by `strength`; from noise alone where there are none."""
        return self if start is None else replace(self, start=start, strength=strength)

    def steps(self, job: Job) -> int:
        """How many it takes an image."""
        return job.settings.steps if self.start is None else steps_of(job.settings.steps, self.strength)


def execute(job: Job, run: Run, geometry: Geometry, generators: Sequence[torch.Generator]) -> list[Tensor]:
    """Denoise one image a generator; the seed of an image alone decides it.

    Where the layer weights go half-way, all images go half-way first: weights are changed once.

    Returns:
        (frames, c, h, w) an image, clean, scaled.
    """
    text = encode_prompts(job, run.prompts, geometry.working)
    job.note(known_badly(job.components.scheduler, job.settings.scheduler, run.layer))
    run = replace(run, controls=read_controls(job, geometry))
    if run.prepare is not None and (adaptation := job.components.use_layer(run.layer)):
        run.prepare(adaptation)
    pictures = [_begin(job, run, geometry, text, index, generator) for index, generator in enumerate(generators)]
    for until in (run.layer_until, always):
        for picture in pictures:
            picture.run(until(picture.timesteps.values))
    latents = [picture.result() for picture in pictures]
    job.finished(run.layer, latents)
    return latents


def encode_prompts(job: Job, prompts: Sequence[str], working: Extent) -> tuple[Text, Text | None]:
    """Rows of the prompts, and where there is guidance as many of the negative prompt."""
    distinct = list(dict.fromkeys([*prompts, job.request.negative_prompt]))
    encoded = job.components.encode_text(distinct, job.request.clip_skip, working)
    for note in encoded.notes:
        job.note(note)
    positive = encoded.rows([distinct.index(prompt) for prompt in prompts])
    negative = encoded.rows([distinct.index(job.request.negative_prompt)] * len(prompts))
    without, pictures = _embedded(job, len(prompts))
    positive, negative = replace(positive, pictures=pictures), replace(negative, pictures=without)
    return positive, negative if job.settings.guidance_scale > 1 else None


def _embedded(job: Job, frames: int) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Image prompts: rows without the picture and rows with it, for every frame."""
    if job.components.image_prompts is None:
        return (), ()
    pairs = job.components.image_prompts.embed([_on_white(job, prompt.image) for prompt in job.request.image_prompts])
    sides = list(zip(*pairs, strict=True)) or [(), ()]
    without, pictures = (tuple(x.expand(frames, *x.shape[1:]) for x in side) for side in sides)
    return without, pictures


def _on_white(job: Job, name: str) -> Tensor:
    """(3, H, W), 0..1: the way cut-outs are shown."""
    rgba = to_tensor(job.images[name], job.device)[0]
    return rgba[:3] * rgba[3:] + (1 - rgba[3:])


def _begin(
    job: Job, run: Run, geometry: Geometry, text: tuple[Text, Text | None], index: int, generator: torch.Generator
) -> Denoising:
    parts, settings = job.components, job.settings
    strength = 1.0 if run.start is None else run.strength
    timesteps = make_timesteps(parts.scheduler, settings.scheduler, settings.steps, strength, parts.device)
    sides = geometry.working.height // parts.factor, geometry.working.width // parts.factor
    noise = seeded_noise(generator, (len(run.prompts), parts.latent_channels, *sides), parts.device)

    def on_step(step: int, clean: Callable[[], Tensor]) -> None:
        job.meter.advance(Stage.DENOISE)
        job.show(step, timesteps.count, clean, geometry)

    return Denoising(
        _predict(job, run, text, None if run.beside is None else run.beside[index], timesteps),
        timesteps,
        first_latent(timesteps, run.start, noise, strength),
        generator,
        on_step,
        None if run.keep is None or run.start is None else Known(run.start, run.keep, noise),
    )


def _predict(
    job: Job, run: Run, text: tuple[Text, Text | None], beside: Tensor | None, timesteps: Timesteps
) -> Predict:
    """With the layer weights and their conditions up to `layer_until`, without them from then on."""
    denoiser, guidance_scale = job.components.denoiser, job.settings.guidance_scale
    rescale = guidance_rescale_of(job.components.scheduler)
    layered = Predictor(denoiser, *text, guidance_scale, beside, run.controls, rescale)
    plain = Predictor(denoiser, *text, guidance_scale, controls=run.controls, rescale=rescale)
    switch = run.layer_until(timesteps.values)

    def predict(sample: Tensor, timestep: Tensor, step: int) -> Tensor:
        job.components.use_layer(run.layer if step < switch else None)
        return (layered if step < switch else plain)(sample, timestep, step / timesteps.count)

    return predict
