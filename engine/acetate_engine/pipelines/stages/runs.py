"""One denoising run for every image of a job, with or without a layer adapter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from acetate.protocol.events import Stage
from acetate.protocol.geometry import Extent
from acetate_engine.models.families.components import LayerAdapter, Text
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
    unfollowed,
)
from acetate_engine.pipelines.stages.control import Control, read_controls
from acetate_engine.pipelines.stages.denoise import Denoising, Known, Predict, Predictor
from acetate_engine.pipelines.stages.encoders import to_tensor
from acetate_engine.pipelines.stages.geometry import Geometry
from acetate_engine.pipelines.stages.job import ModelJob


@dataclass(frozen=True)
class Run:
    """What is denoised: the frames of one picture together, each with its prompt.

    Latents are (frames, c, h, w), clean, scaled as the UNet sees them.
    """

    layer_adapter: str | None  # the layer adapter in the UNet
    prompts: tuple[str, ...]  # one a frame
    prepare: Callable[[LayerAdapter], None] | None = None  # the layer adapter, once a run: gives it its condition
    condition_latents: Sequence[Tensor] | None = None  # one an image, (1, c, h, w): concatenated conditions
    layer_until: Until = always  # steps with the layer adapter; the plain UNet after them
    start: Tensor | None = None  # image-to-image
    strength: float = 1.0
    keep: Tensor | None = None  # 1 where the latent must stay that of `start`
    layer_frame: int | None = None  # the frame that is a transparent layer
    plain: Tensor | None = None  # (1, c, h, w): that frame of `start` over mid-grey, for its colour
    controls: Sequence[Control] = ()  # filled in from the request

    def starting(self, start: Tensor | None, strength: float) -> Run:
        """The same from pictures and noise by `strength`; from noise alone where there are none."""
        return self if start is None else replace(self, start=start, strength=strength)

    def steps(self, job: ModelJob) -> int:
        """How many it takes an image, those for a layer's colour included."""
        own = job.settings.steps if self.start is None else steps_of(job.settings.steps, self.strength)
        return own + (0 if self.layer_frame is None else colour_steps(job, own))


def colour_steps(job: ModelJob, steps: int) -> int:
    """How many of a run's last steps are gone again without layer adapter, for the colour of a layer."""
    whole = job.settings.steps
    return min(steps, whole - round(whole * job.components.colour_from))


def execute(job: ModelJob, run: Run, geometry: Geometry, generators: Sequence[torch.Generator]) -> list[Tensor]:
    """Denoise one image a generator; the seed of an image alone decides it.

    Where the layer adapter goes half-way, all images go half-way first: it is taken out once.

    Returns:
        (frames, c, h, w) an image, clean, scaled; where the colour of a layer is made apart, its latent comes last.
    """
    text = encode_prompts(job, run.prompts, geometry.working)
    job.note(known_badly(job.components.scheduler, job.settings.scheduler, run.layer_adapter))
    job.note(unfollowed(job.components.scheduler, job.settings.scheduler))
    run = replace(run, controls=read_controls(job, geometry))
    if run.prepare is not None and (layer_adapter := job.components.use_layer_adapter(run.layer_adapter)):
        run.prepare(layer_adapter)
    begun = [_begin(job, run, geometry, text, index, generator) for index, generator in enumerate(generators)]
    colours = [colour for one in begun if (colour := _branched(job, run, text, one)) is not None]
    for until in (run.layer_until, always):
        for one in begun:
            one.picture.run(until(one.picture.timesteps.values))
    latents = [one.picture.result() for one in begun]
    job.finished(run.layer_adapter, latents)
    for colour in colours:
        colour.run(colour.timesteps.count)
    return [torch.cat([latent, *pair]) for latent, pair in zip(latents, _in_turn(colours, len(latents)), strict=True)]


def _in_turn(colours: Sequence[Denoising], count: int) -> list[list[Tensor]]:
    """One an image, or none at all."""
    return [[colour.result()] for colour in colours] or [[]] * count


def encode_prompts(job: ModelJob, prompts: Sequence[str], working: Extent) -> tuple[Text, Text | None]:
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


def _embedded(job: ModelJob, frames: int) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Image prompts: rows without the picture and rows with it, for every frame."""
    if job.components.image_prompts is None:
        return (), ()
    pairs = job.components.image_prompts.embed([_on_white(job, prompt.image) for prompt in job.request.image_prompts])
    sides = list(zip(*pairs, strict=True)) or [(), ()]
    without, pictures = (tuple(x.expand(frames, *x.shape[1:]) for x in side) for side in sides)
    return without, pictures


def _on_white(job: ModelJob, name: str) -> Tensor:
    """(3, H, W), 0..1: the way cut-outs are shown."""
    rgba = to_tensor(job.images[name], job.device)[0]
    return rgba[:3] * rgba[3:] + (1 - rgba[3:])


@dataclass(frozen=True)
class _Begun:
    picture: Denoising
    noise: Tensor  # (frames, c, h, w): what it started with
    generator: torch.Generator


def _begin(
    job: ModelJob, run: Run, geometry: Geometry, text: tuple[Text, Text | None], index: int, generator: torch.Generator
) -> _Begun:
    parts, settings = job.components, job.settings
    strength = 1.0 if run.start is None else run.strength
    timesteps = make_timesteps(
        parts.scheduler, settings.scheduler, settings.steps, strength, parts.device, settings.spacing
    )
    sides = geometry.working.height // parts.vae_scale_factor, geometry.working.width // parts.vae_scale_factor
    noise = seeded_noise(generator, (len(run.prompts), parts.latent_channels, *sides), parts.device)

    def on_step(step: int, clean: Callable[[], Tensor]) -> None:
        job.meter.advance(Stage.DENOISE)
        job.show(step, timesteps.count, clean, geometry)

    picture = Denoising(
        _predict(job, run, text, None if run.condition_latents is None else run.condition_latents[index], timesteps),
        timesteps,
        first_latent(timesteps, run.start, noise, strength),
        generator,
        on_step,
        None if run.keep is None or run.start is None else Known(run.start, run.keep, noise),
    )
    return _Begun(picture, noise, generator)


def _branched(job: ModelJob, run: Run, text: tuple[Text, Text | None], begun: _Begun) -> Denoising | None:
    """The layer's frame goes on alone without layer adapter, from where the run is when only the colour steps are left.

    A run that starts there already starts from the plain picture: the adjusted latent would show what it hides.
    """
    picture, frame, count = begun.picture, run.layer_frame, begun.picture.timesteps.count
    steps = 0 if frame is None else colour_steps(job, count)
    if frame is None or not steps:
        return None
    picture.run(count - steps)
    parts, settings = job.components, job.settings
    timesteps = make_timesteps(
        parts.scheduler, settings.scheduler, settings.steps, steps / settings.steps, parts.device, settings.spacing
    )
    noise, start = begun.noise[frame : frame + 1], run.plain
    sample = picture.sample_of(frame) if start is None or steps < count else timesteps.noised(start, noise, 0)
    known = None if run.keep is None or start is None else Known(start, run.keep, noise)
    negative = None if text[1] is None else text[1].rows([frame])
    rescale = guidance_rescale_of(parts.scheduler)
    alone = text[0].rows([frame])
    plain = Predictor(parts.denoiser, alone, negative, settings.guidance_scale, controls=run.controls, rescale=rescale)

    def predict(sample: Tensor, timestep: Tensor, step: int) -> Tensor:
        job.components.use_layer_adapter(None)
        return plain(sample, timestep, (count - steps + step) / count)

    return Denoising(
        predict, timesteps, sample, _copied(begun.generator), lambda *_: job.meter.advance(Stage.DENOISE), known
    )


def _copied(generator: torch.Generator) -> torch.Generator:
    """Draws the same from here on, so that neither run changes the other."""
    copy = torch.Generator()
    copy.set_state(generator.get_state())
    return copy


def _predict(
    job: ModelJob, run: Run, text: tuple[Text, Text | None], condition_latents: Tensor | None, timesteps: Timesteps
) -> Predict:
    """With the layer adapter and its conditions up to `layer_until`, without them from then on."""
    denoiser, guidance_scale = job.components.denoiser, job.settings.guidance_scale
    rescale = guidance_rescale_of(job.components.scheduler)
    layered = Predictor(denoiser, *text, guidance_scale, condition_latents, run.controls, rescale)
    plain = Predictor(denoiser, *text, guidance_scale, controls=run.controls, rescale=rescale)
    switch = run.layer_until(timesteps.values)

    def predict(sample: Tensor, timestep: Tensor, step: int) -> Tensor:
        job.components.use_layer_adapter(run.layer_adapter if step < switch else None)
        return (layered if step < switch else plain)(sample, timestep, step / timesteps.count)

    return predict
