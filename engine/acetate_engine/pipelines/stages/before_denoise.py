"""Schedulers, seeded noise, and where denoising starts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from diffusers import (
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    LCMScheduler,
    SchedulerMixin,
    TCDScheduler,
    UniPCMultistepScheduler,
)
from torch import Tensor

from acetate.protocol.errors import CheckpointError, InvalidRequest
from acetate.protocol.labels import label_of
from acetate.protocol.requests import Scheduler

_KINDS: dict[Scheduler, tuple[type[SchedulerMixin], dict[str, object]]] = {
    Scheduler.DPMPP_2M_SDE_KARRAS: (
        DPMSolverMultistepScheduler,
        {"algorithm_type": "sde-dpmsolver++", "use_karras_sigmas": True, "final_sigmas_type": "zero"},
    ),
    Scheduler.UNIPC: (UniPCMultistepScheduler, {"final_sigmas_type": "zero"}),
    Scheduler.EULER_A: (EulerAncestralDiscreteScheduler, {}),
    Scheduler.EULER: (EulerDiscreteScheduler, {}),
    Scheduler.LCM: (LCMScheduler, {"clip_sample": False}),
    Scheduler.TCD: (TCDScheduler, {"clip_sample": False}),
}
_GUIDANCE_RESCALE = 0.7  # as that paper has it
_DISTILLED_STEPS = 50  # LCM and TCD choose their steps among these
# what these models agree on; a scheduler's own settings, such as the solver's order, would not fit another
_NOISE_SCHEDULE = (
    "num_train_timesteps",
    "beta_start",
    "beta_end",
    "beta_schedule",
    "trained_betas",
    "prediction_type",
    "rescale_betas_zero_snr",
)
# how its steps go through that noise; as far as the solver knows such a setting
_STEPS = ("timestep_spacing", "steps_offset", "set_alpha_to_one", "sigma_min", "sigma_max")
_SPACING_OF_THEIR_OWN = (Scheduler.DPMPP_2M_SDE_KARRAS, Scheduler.LCM, Scheduler.TCD)


@dataclass(frozen=True)
class Timesteps:
    """A scheduler set for one run, and the timesteps that the run goes through."""

    scheduler: SchedulerMixin
    values: Tensor  # descending

    @property
    def count(self) -> int:
        return len(self.values)

    def noised(self, latent: Tensor, noise: Tensor, index: int) -> Tensor:
        """A clean, scaled latent as it would be before step `index`; the clean one after the last step."""
        if index >= self.count:
            return latent
        noised: Tensor = self.scheduler.add_noise(latent, noise, self.values[index : index + 1])
        return noised


Until = Callable[[Tensor], int]
"""The timesteps of a run, descending → how many of the first ones something acts in."""


def always(timesteps: Tensor) -> int:
    """In all of them."""
    return len(timesteps)


def first_share(share: float) -> Until:
    """0..1 of the steps."""
    return lambda timesteps: round(share * len(timesteps))


def down_to(timestep: float) -> Until:
    """In training timesteps, so that it is the same noise whatever the number of steps."""
    return lambda timesteps: int((timesteps >= timestep).sum())


def steps_of(steps: int, strength: float) -> int:
    """How many of `steps` an image-to-image run of this strength goes through; 0 keeps the picture."""
    return min(steps, round(steps * strength))


def make_timesteps(
    base: SchedulerMixin,
    kind: Scheduler,
    steps: int,
    strength: float,
    device: torch.device,
    spacing: str | None = None,
) -> Timesteps:
    """A fresh scheduler with the noise schedule of `base`: no run sees what another left behind.

    Args:
        spacing: of the timesteps, in place of the model's own.

    Raises:
        InvalidRequest: the scheduler cannot take that many steps.
        CheckpointError: the model's configuration asks for what the scheduler does not know.
    """
    if kind in (Scheduler.LCM, Scheduler.TCD) and steps > _DISTILLED_STEPS:
        raise InvalidRequest(
            f"{label_of(kind)} cannot take {steps} steps", f"Ask for at most {_DISTILLED_STEPS}; 4 to 8 do."
        )
    with _configuration_read(kind):
        scheduler = _scheduler(base, kind, spacing)
        scheduler.set_timesteps(steps, device=device)
    skipped = len(scheduler.timesteps) - steps_of(len(scheduler.timesteps), strength)
    scheduler.set_begin_index(skipped)
    return Timesteps(scheduler, scheduler.timesteps[skipped:])


@contextmanager
def _configuration_read(kind: Scheduler) -> Iterator[None]:
    try:
        yield
    except (NotImplementedError, ValueError, TypeError) as error:
        raise CheckpointError(
            f"{label_of(kind)} cannot follow the model's own scheduler configuration: {error}",
            "Look at its scheduler/scheduler_config.json, or choose another model",
        ) from error


def _scheduler(base: SchedulerMixin, kind: Scheduler, spacing: str | None) -> SchedulerMixin:
    build, settings = _KINDS[kind]
    stated = _stated(base)
    given = {name: base.config[name] for name in _NOISE_SCHEDULE if name in base.config}
    given |= {name: stated[name] for name in _STEPS if name in stated}
    given["timestep_spacing"] = spacing or stated.get("timestep_spacing", _usual_spacing(kind))
    # the class that wrote it: diffusers then keeps without a warning what the other one does not know
    return build.from_config({"_class_name": type(base).__name__, **given, **settings})


def _stated(base: SchedulerMixin) -> dict[str, object]:
    """What a model's own configuration says; a class's default says nothing of the model."""
    defaults = {*base.config.get("_use_default_values", ()), "_use_default_values"}
    return {name: value for name, value in base.config.items() if name not in defaults}


def _usual_spacing(kind: Scheduler) -> str:
    """Of models that do not say: Euler's first step must be at the full noise that the latent starts with."""
    return "trailing" if kind in (Scheduler.EULER, Scheduler.EULER_A) else "linspace"


def unfollowed(base: SchedulerMixin, kind: Scheduler) -> str | None:
    """A note where a solver spaces its steps in its own way, and the model was made for another."""
    spacing = _stated(base).get("timestep_spacing")
    if spacing is None or kind not in _SPACING_OF_THEIR_OWN or isinstance(base, _KINDS[kind][0]):
        return None
    return (
        f"{label_of(kind)} spaces its steps in its own way: "
        f"the model's own timestep_spacing, {spacing}, was not followed"
    )


def known_badly(base: SchedulerMixin, kind: Scheduler, layer: str | None) -> str | None:
    """A note where a solver is known to go badly with a model or with layer adapters."""
    if layer == "bgble2fg" and kind is Scheduler.DPMPP_2M_SDE_KARRAS:
        return "this foreground comes out cleaner with the sampler UniPC: its weights go badly with DPM++ SDE"
    if base.config.get("rescale_betas_zero_snr") and kind in (Scheduler.DPMPP_2M_SDE_KARRAS, Scheduler.UNIPC):
        return f"{label_of(kind)} goes badly with models of zero terminal SNR: Euler or Euler a do better"
    return None


def guidance_rescale_of(base: SchedulerMixin) -> float:
    """How much of a guided prediction's spread is brought back to that of the unguided (arXiv 2305.08891, 3.4).

    Models with zero terminal SNR come out burnt without it.
    """
    return _GUIDANCE_RESCALE if base.config.get("rescale_betas_zero_snr") else 0.0


def seeded_noise(generator: torch.Generator, shape: tuple[int, ...], device: torch.device) -> Tensor:
    """float32, made on the CPU, so that a seed gives the same noise on every device."""
    return torch.randn(shape, generator=generator).to(device)


def first_latent(timesteps: Timesteps, start: Tensor | None, noise: Tensor, strength: float) -> Tensor:
    """Pure noise, or `start` (clean, scaled) with as much noise as `strength` says."""
    if start is None or strength >= 1:
        return noise * timesteps.scheduler.init_noise_sigma
    return timesteps.noised(start, noise, 0)
