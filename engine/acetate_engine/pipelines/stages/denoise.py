"""Denoising: every image of a job, step by step; known parts, progress, previews, cancelling."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from diffusers import SchedulerMixin
from torch import Tensor

from acetate.protocol.errors import GenerationFailed
from acetate.protocol.events import Stage
from acetate_engine.models.families.components import Text
from acetate_engine.pipelines.stages.before_denoise import (
    Timesteps,
    always,
    first_latent,
    guidance_rescale_of,
    known_badly,
    make_timesteps,
    seeded_noise,
    unfollowed,
)
from acetate_engine.pipelines.stages.control import changes, read_controls
from acetate_engine.pipelines.stages.encoders import encode_prompts
from acetate_engine.pipelines.stages.geometry import Geometry
from acetate_engine.pipelines.stages.guidance import Predictor
from acetate_engine.pipelines.stages.job import ModelJob
from acetate_engine.pipelines.stages.runs import Run, base_steps, colour_steps
from acetate_engine.pipelines.stages.step_cache import DETERMINISTIC, computed_steps, step_cached

_TOGETHER = 512  # latent pixels of all frames: a processor's time a pixel is halved by then, and hardly less by more


def execute(job: ModelJob, run: Run, geometry: Geometry, generators: Sequence[torch.Generator]) -> list[Tensor]:
    """Denoise one image a generator; the seed of an image alone decides it, up to rounding.

    Small images share their steps. Where the layer adapter comes or goes half-way, all images go half-way first: it is
    changed once.

    Returns:
        (frames, c, h, w) an image, clean, scaled; where the colour of a layer is made apart, its latent comes last.
    """
    images = range(len(generators))
    text = encode_prompts(job, run.prompts_of(images), geometry.working)
    job.note(known_badly(job.components.scheduler, job.settings.scheduler, run.layer_adapter))
    job.note(unfollowed(job.components.scheduler, job.settings.scheduler))
    run = replace(run, controls=read_controls(job, geometry))
    most = together(job, len(run.prompts), geometry)
    groups = [images[first : first + most] for first in images[::most]]
    begun = [_begin(job, run, geometry, text, group, generators) for group in groups]
    for one in begun:
        one.pictures.run(base_steps(job, run))
    if run.prepare is not None and (layer_adapter := job.components.use_layer_adapter(run.layer_adapter)):
        run.prepare(layer_adapter)  # now, for a condition leaves with its layer adapter
    colours = [colour for one in begun if (colour := _branched(job, run, one)) is not None]
    for until in (run.layer_until, always):
        for one in begun:
            one.pictures.run(until(one.pictures.timesteps.values))
    latents = [latent for one in begun for latent in torch.split(one.pictures.result(), len(run.prompts))]
    job.finished(run.layer_adapter, latents)
    for colour in colours:
        colour.run(colour.timesteps.count)
    made = [row for colour in colours for row in torch.split(colour.result(), 1)]
    return [torch.cat(both) for both in zip(latents, made, strict=True)] if made else latents


def together(job: ModelJob, frames: int, geometry: Geometry) -> int:
    """How many images of so many frames share their steps. Where a solver draws noise, each has a run of its own."""
    if job.settings.scheduler not in DETERMINISTIC:
        return 1
    height, width = _sides(job, geometry)
    return max(1, _TOGETHER // (frames * height * width))


def _sides(job: ModelJob, geometry: Geometry) -> tuple[int, int]:
    """Of the latent: (height, width)."""
    factor = job.components.vae_scale_factor
    return geometry.working.height // factor, geometry.working.width // factor


@dataclass(frozen=True)
class _Begun:
    """Images that share their steps: rows are the frames of the first one, then those of the next."""

    pictures: Denoising
    noise: Tensor  # (rows, c, h, w): what they started with
    text: tuple[Text, Text | None]  # a row each
    generator: torch.Generator  # of the first: where a solver draws noise, it is the only one


def _begin(
    job: ModelJob,
    run: Run,
    geometry: Geometry,
    text: tuple[Text, Text | None],
    group: Sequence[int],
    generators: Sequence[torch.Generator],
) -> _Begun:
    """`text` and `generators` are those of all images."""
    parts, settings, frames, count = job.components, job.settings, len(run.prompts), len(group)
    strength = 1.0 if run.start is None else run.strength
    timesteps = make_timesteps(
        parts.scheduler, settings.scheduler, settings.steps, strength, parts.device, settings.spacing
    )
    shape = frames, parts.latent_channels, *_sides(job, geometry)
    noise = torch.cat([seeded_noise(generators[image], shape, parts.device) for image in group])
    start, keep = (None if known is None else _for_each(known, frames, count) for known in (run.start, run.keep))
    rows = [image * frames + frame for image in group for frame in range(frames)]
    own = text[0].rows(rows), None if text[1] is None else text[1].rows(rows)
    beside = None if run.condition_latents is None else torch.cat([run.condition_latents[image] for image in group])
    first = base_steps(job, run)

    def on_step(step: int, clean: Callable[[], Tensor]) -> None:
        job.meter.advance(Stage.DENOISE, count)
        if step > first:  # before, there is no alpha to be seen
            job.show(step, timesteps.count, clean, geometry)

    pictures = Denoising(
        _predict(job, run, own, beside, timesteps),
        timesteps,
        first_latent(timesteps, start, noise, strength),
        generators[group[0]],
        on_step,
        None if keep is None or start is None else Known(start, keep, noise),
    )
    return _Begun(pictures, noise, own, generators[group[0]])


def _for_each(known: Tensor, frames: int, count: int) -> Tensor:
    """(frames, c, h, w) or one row for all of them → as many rows as so many images have."""
    return known.expand(frames, -1, -1, -1).repeat(count, 1, 1, 1)


def _branched(job: ModelJob, run: Run, begun: _Begun) -> Denoising | None:
    """The layer's frame goes on alone without layer adapter, from where the run is when only the colour steps are left.

    A run that starts there already starts from the plain picture: the adjusted latent would show what it hides.
    """
    pictures, frame, count = begun.pictures, run.layer_frame, begun.pictures.timesteps.count
    steps = 0 if frame is None else colour_steps(job, count)
    if frame is None or not steps:
        return None
    pictures.run(count - steps)
    parts, settings, rows = job.components, job.settings, list(range(frame, len(begun.noise), len(run.prompts)))
    timesteps = make_timesteps(
        parts.scheduler, settings.scheduler, settings.steps, steps / settings.steps, parts.device, settings.spacing
    )
    noise, start = begun.noise[rows], None if run.plain is None else _for_each(run.plain, 1, len(rows))
    sample = pictures.sample_of(rows) if start is None or steps < count else timesteps.noised(start, noise, 0)
    known = None if run.keep is None or start is None else Known(start, run.keep, noise)
    alone, negative = begun.text[0].rows(rows), None if begun.text[1] is None else begun.text[1].rows(rows)
    rescale = guidance_rescale_of(parts.scheduler)
    plain = Predictor(parts.denoiser, alone, negative, settings.guidance_scale, controls=run.controls, rescale=rescale)

    def predict(sample: Tensor, timestep: Tensor, step: int) -> Tensor:
        job.components.use_layer_adapter(None)
        return plain(sample, timestep, (count - steps + step) / count)

    others = changes(run.controls, [(count - steps + step) / count for step in range(steps)])
    cached = step_cached(predict, computed_steps(steps, settings.cache_interval, others))
    meter = job.meter
    return Denoising(
        cached, timesteps, sample, _copied(begun.generator), lambda *_: meter.advance(Stage.DENOISE, len(rows)), known
    )


def _copied(generator: torch.Generator) -> torch.Generator:
    """Draws the same from here on, so that neither run changes the other."""
    copy = torch.Generator()
    copy.set_state(generator.get_state())
    return copy


def _predict(
    job: ModelJob, run: Run, text: tuple[Text, Text | None], condition_latents: Tensor | None, timesteps: Timesteps
) -> Predict:
    """With the layer adapter and its conditions up to `layer_until`, without them from then on, and in `base_steps`."""
    denoiser, guidance_scale = job.components.denoiser, job.settings.guidance_scale
    rescale = guidance_rescale_of(job.components.scheduler)
    layered = Predictor(denoiser, *text, guidance_scale, condition_latents, run.controls, rescale)
    plain = Predictor(denoiser, *text, guidance_scale, controls=run.controls, rescale=rescale)
    first, switch = base_steps(job, run), run.layer_until(timesteps.values)

    def predict(sample: Tensor, timestep: Tensor, step: int) -> Tensor:
        is_layered = first <= step < switch
        job.components.use_layer_adapter(run.layer_adapter if is_layered else None)
        return (layered if is_layered else plain)(sample, timestep, step / timesteps.count)

    others = {first, switch, *changes(run.controls, [step / timesteps.count for step in range(timesteps.count)])}
    return step_cached(predict, computed_steps(timesteps.count, job.settings.cache_interval, others))


@dataclass(frozen=True)
class Known:
    """What must not be made up: where `keep` is 1, the latent follows `latent` through all noise levels."""

    latent: Tensor  # like the sample: clean, scaled
    keep: Tensor  # 0..1, broadcasts over the sample
    noise: Tensor  # like the sample


Predict = Callable[[Tensor, Tensor, int], Tensor]
"""(sample as the scheduler scales it, timestep, number of the step) → noise or velocity, float32."""

OnStep = Callable[[int, Callable[[], Tensor]], None]
"""(steps done, a function that gives the clean latent as predicted now): progress, previews, JobCancelled."""


class Denoising:
    """The denoising of pictures that share their steps; it can be halted between these: the solver's history goes on.

    Args:
        predict: may change its ways between steps.
        sample: (rows, c, h, w) float32 at the noise of the first timestep; a row is a frame of a picture.
        generator: of stochastic schedulers, on the CPU.
        known: parts that are given.
    """

    def __init__(
        self,
        predict: Predict,
        timesteps: Timesteps,
        sample: Tensor,
        generator: torch.Generator,
        on_step: OnStep,
        known: Known | None = None,
    ) -> None:
        self.timesteps = timesteps
        self._predict = predict
        self._sample = sample
        self._on_step = on_step
        self._known = known
        self._done = 0
        parameters = inspect.signature(timesteps.scheduler.step).parameters
        self._extra = {"generator": generator} if "generator" in parameters else {}

    def run(self, until: int) -> None:
        """Steps up to the one of this number. Raises JobCancelled, by `on_step`."""
        for index in range(self._done, until):
            self._step(index, self.timesteps.values[index])

    def _step(self, index: int, timestep: Tensor) -> None:
        scheduler, sample = self.timesteps.scheduler, self._sample
        prediction = self._predict(scheduler.scale_model_input(sample, timestep), timestep, index)
        output = scheduler.step(prediction, timestep, sample, **self._extra)
        clean = _CleanLatent(scheduler, output, prediction, sample, timestep)
        self._sample = self._with_known(output.prev_sample, index + 1)
        self._done = index + 1
        self._on_step(self._done, clean)

    def _with_known(self, sample: Tensor, index: int) -> Tensor:
        if self._known is None:
            return sample
        given = self.timesteps.noised(self._known.latent, self._known.noise, index)
        return sample + self._known.keep * (given - sample)

    def sample_of(self, rows: list[int]) -> Tensor:
        """(len(rows), c, h, w): where these frames are now, noisy; a run of their own may go on from there."""
        return self._sample[rows]

    def result(self) -> Tensor:
        """The clean latent, scaled as the UNet sees it. Raises GenerationFailed where it is not finite."""
        if not torch.isfinite(self._sample).all():
            raise GenerationFailed(
                "the model gave values that are no numbers", "Try another seed, or bf16 instead of fp16."
            )
        return self._sample


@dataclass(frozen=True)
class _CleanLatent:
    """The clean latent that the model has in mind at a step, read from wherever the scheduler keeps it."""

    scheduler: SchedulerMixin
    output: object
    prediction: Tensor
    sample: Tensor
    timestep: Tensor

    def __call__(self) -> Tensor:
        for name in ("pred_original_sample", "denoised"):
            found = getattr(self.output, name, None)
            if isinstance(found, Tensor):
                return found
        history = getattr(self.scheduler, "model_outputs", None)
        if history is not None and isinstance(history[-1], Tensor):
            return history[-1]  # the multistep solvers keep the data prediction
        return self._from_schedule()

    def _from_schedule(self) -> Tensor:
        share = self.scheduler.alphas_cumprod[self.timestep.long().cpu()].to(self.sample)
        if self.scheduler.config.prediction_type == "v_prediction":
            return share.sqrt() * self.sample - (1 - share).sqrt() * self.prediction
        return (self.sample - (1 - share).sqrt() * self.prediction) / share.sqrt()
