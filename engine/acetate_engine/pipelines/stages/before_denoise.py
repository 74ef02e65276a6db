"""Schedulers, seeded noise, and where denoising starts."""

from __future__ import annotations

from collections.abc import Callable
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

from acetate.protocol.errors import InvalidRequest
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
    base: SchedulerMixin, kind: Scheduler, steps: int, strength: float, device: torch.device
) -> Timesteps:
    """A fresh scheduler with the noise schedule of `base`: no run sees what another left behind.

    Raises InvalidRequest where the scheduler cannot take that many steps.
    """
    if kind in (Scheduler.LCM, Scheduler.TCD) and steps > _DISTILLED_STEPS:
        raise InvalidRequest(
            f"{kind.value} cannot take {steps} steps", f"Ask for at most {_DISTILLED_STEPS}; 4 to 8 do."
        )
    build, settings = _KINDS[kind]
    shared = {name: base.config[name] for name in _NOISE_SCHEDULE if name in base.config}
    scheduler = build.from_config({**shared, **settings, "timestep_spacing": _spacing(kind, base)})
    scheduler.set_timesteps(steps, device=device)
    skipped = len(scheduler.timesteps) - steps_of(len(scheduler.timesteps), strength)
    scheduler.set_begin_index(skipped)
    return Timesteps(scheduler, scheduler.timesteps[skipped:])


def _spacing(kind: Scheduler, base: SchedulerMixin) -> str:
    """Euler's first step must be at the full noise that the latent starts with; so must all where a model asks for it.

    "leading" and "linspace" are what its own scheduler does by default, which says nothing of the model; "leading"
    starts from too little noise.
    """
    trailing = kind in (Scheduler.EULER, Scheduler.EULER_A) or base.config.get("timestep_spacing") == "trailing"
    return "trailing" if trailing else "linspace"


def known_badly(base: SchedulerMixin, kind: Scheduler, layer: str | None) -> str | None:
    """A note where a solver is known to go badly with a model or with layer adapters."""
    if layer == "bgble2fg" and kind is Scheduler.DPMPP_2M_SDE_KARRAS:
        return "this foreground comes out cleaner with the scheduler unipc: its weights go badly with DPM++ SDE"
    if base.config.get("rescale_betas_zero_snr") and kind in (Scheduler.DPMPP_2M_SDE_KARRAS, Scheduler.UNIPC):
        return f"{kind.value} goes badly with models of zero terminal SNR: euler or euler_a do better"
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
