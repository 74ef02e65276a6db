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
from acetate_engine.pipelines.stages.step_cache import computed_steps, step_cached


def execute(job: ModelJob, run: Run, geometry: Geometry, generators: Sequence[torch.Generator]) -> list[Tensor]:
    """Denoise one image a generator; the seed of an image alone decides it.

    Where the layer adapter comes or goes half-way, all images go half-way first: it is changed once.

    Returns:
        (frames, c, h, w) an image, clean, scaled; where the colour of a layer is made apart, its latent comes last.
    """
    text = encode_prompts(job, run.prompts, geometry.working)
    job.note(known_badly(job.components.scheduler, job.settings.scheduler, run.layer_adapter))
    job.note(unfollowed(job.components.scheduler, job.settings.scheduler))
    run = replace(run, controls=read_controls(job, geometry))
    begun = [_begin(job, run, geometry, text, index, generator) for index, generator in enumerate(generators)]
    for one in begun:
        one.picture.run(base_steps(job, run))
    if run.prepare is not None and (layer_adapter := job.components.use_layer_adapter(run.layer_adapter)):
        run.prepare(layer_adapter)  # now, for a condition leaves with its layer adapter
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
    first = base_steps(job, run)

    def on_step(step: int, clean: Callable[[], Tensor]) -> None:
        job.meter.advance(Stage.DENOISE)
        if step > first:  # before, there is no alpha to be seen
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

    others = changes(run.controls, [(count - steps + step) / count for step in range(steps)])
    cached = step_cached(predict, computed_steps(steps, settings.cache_interval, others))
    return Denoising(
        cached, timesteps, sample, _copied(begun.generator), lambda *_: job.meter.advance(Stage.DENOISE), known
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
    """The denoising of one picture, which can be halted between steps: the solver's history goes on.

    Args:
        predict: may change its ways between steps.
        sample: (frames, c, h, w) float32 at the noise of the first timestep.
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

    def sample_of(self, frame: int) -> Tensor:
        """(1, c, h, w): where one frame is now, noisy; a run of its own may go on from there."""
        return self._sample[frame : frame + 1].clone()

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
