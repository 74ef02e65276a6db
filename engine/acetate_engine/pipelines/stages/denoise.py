"""Denoising: guidance, known parts, progress, previews, cancelling."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from diffusers import SchedulerMixin
from torch import Tensor

from acetate.protocol.errors import GenerationFailed
from acetate_engine.models.families.components import Denoiser, Text
from acetate_engine.pipelines.stages.before_denoise import Timesteps
from acetate_engine.pipelines.stages.control import Control, residuals


@dataclass(frozen=True)
class Known:
    """What must not be made up: where `keep` is 1, the latent follows `latent` through all noise levels."""

    latent: Tensor  # like the sample: clean, scaled
    keep: Tensor  # 0..1, broadcasts over the sample
    noise: Tensor  # like the sample


class Predictor:
    """Noise (or velocity) of a sample, with classifier-free guidance.

    Args:
        denoiser: with or without a layer adapter in it.
        positive: one row a frame.
        negative: the same shape, or None for no guidance.
        guidance_scale: 1 is no guidance.
        condition_latents: (frames, c, h, w) concatenated to the sample's channels, or None.
        controls: hints to follow.
        rescale: share of the guided prediction's spread that is brought back (arXiv 2305.08891, equation 15-16).
    """

    def __init__(
        self,
        denoiser: Denoiser,
        positive: Text,
        negative: Text | None,
        guidance_scale: float,
        condition_latents: Tensor | None = None,
        controls: Sequence[Control] = (),
        rescale: float = 0.0,
    ) -> None:
        self._denoiser = denoiser
        self._rescale = rescale
        self._dtype = denoiser.dtype  # asking a module walks through all of its parts: not at every step
        self._guidance_scale = guidance_scale
        self._copies = 1 if negative is None else 2
        self._arguments = (positive if negative is None else negative.then(positive)).unet_arguments()
        self._controls = controls
        self._condition_latents = (
            None if condition_latents is None else condition_latents.repeat(self._copies, 1, 1, 1).to(self._dtype)
        )

    def __call__(self, sample: Tensor, timestep: Tensor, share: float) -> Tensor:
        """(frames, c, h, w), and the share of the steps that is done → the same shape, float32."""
        batch = sample.repeat(self._copies, 1, 1, 1).to(self._dtype)
        acting = [control for control in self._controls if control.acts(share)]
        extra = residuals(acting, batch, timestep, self._arguments)
        if self._condition_latents is not None:
            batch = torch.cat([batch, self._condition_latents], dim=1)
        output: Tensor = self._denoiser(batch, timestep, **self._arguments, **extra).sample.float()
        if self._copies == 1:
            return output
        unguided, guided = output.chunk(2)
        strong = unguided + self._guidance_scale * (guided - unguided)
        return strong if self._rescale == 0 else _less_spread(strong, guided, self._rescale)


def _less_spread(strong: Tensor, guided: Tensor, share: float) -> Tensor:
    """A guided prediction with part of its spread, each frame's, brought back to that of the prompt alone."""
    axes = (1, 2, 3)
    calm = strong * (guided.std(axes, keepdim=True) / strong.std(axes, keepdim=True))
    return share * calm + (1 - share) * strong


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
