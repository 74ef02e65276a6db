"""What a model's own file asks of sampling."""

from __future__ import annotations

import inspect
from types import SimpleNamespace

import pytest
import torch
from diffusers import (
    DDIMScheduler,
    DDPMScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    LCMScheduler,
    SchedulerMixin,
    TCDScheduler,
    UniPCMultistepScheduler,
)
from torch import Tensor

from acetate.protocol.errors import CheckpointError
from acetate.protocol.labels import label_of
from acetate.protocol.requests import Scheduler
from acetate_engine.models.families.components import Text
from acetate_engine.pipelines.methods.concatenated import BASE_AFTER, Concatenated
from acetate_engine.pipelines.stages.before_denoise import guidance_rescale_of, known_badly, make_timesteps, unfollowed
from acetate_engine.pipelines.stages.guidance import Predictor

CPU = torch.device("cpu")


def base(**config: object) -> SchedulerMixin:
    return DDIMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", **config)


SPACINGS = ("leading", "linspace", "trailing")
OWN = {
    Scheduler.UNIPC: UniPCMultistepScheduler,
    Scheduler.EULER: EulerDiscreteScheduler,
    Scheduler.EULER_A: EulerAncestralDiscreteScheduler,
}


def spaced(model: SchedulerMixin, kind: Scheduler, **given: str) -> list[float]:
    return make_timesteps(model, kind, 4, 1.0, CPU, **given).values.tolist()


@pytest.mark.parametrize("kind", list(OWN))
@pytest.mark.parametrize("asked", SPACINGS)
def test_a_model_gets_the_spacing_that_it_states(kind: Scheduler, asked: str) -> None:
    """As diffusers spaces the steps of the same solver; the first noise is as strong as the solver wants it."""
    stated = {"timestep_spacing": asked, "steps_offset": 3}
    theirs = OWN[kind](beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", **stated)
    theirs.set_timesteps(4)
    ours = make_timesteps(base(**stated), kind, 4, 1.0, CPU)
    assert ours.values.tolist() == theirs.timesteps.tolist()
    assert float(ours.scheduler.init_noise_sigma) == pytest.approx(float(theirs.init_noise_sigma))
    assert unfollowed(base(**stated), kind) is None


def test_a_model_that_states_none_gets_what_suits_the_solver() -> None:
    assert spaced(base(), Scheduler.UNIPC) == [999, 749, 500, 250]
    assert spaced(base(), Scheduler.EULER) == spaced(base(), Scheduler.EULER_A) == [999, 749, 499, 249]


@pytest.mark.parametrize("kind", [Scheduler.UNIPC, Scheduler.EULER, Scheduler.EULER_A])
def test_models_of_few_steps_get_trailing_ones_whatever_their_folder_states(kind: Scheduler) -> None:
    assert spaced(base(timestep_spacing="leading"), kind, spacing="trailing") == [999, 749, 499, 249]


@pytest.mark.parametrize("kind", [Scheduler.DPMPP_2M_SDE_KARRAS, Scheduler.LCM, Scheduler.TCD])
def test_solvers_that_space_steps_in_their_own_way_say_so(kind: Scheduler) -> None:
    steps = {asked: tuple(spaced(base(timestep_spacing=asked), kind)) for asked in SPACINGS}
    assert len(set(steps.values())) == 1
    for asked in SPACINGS:
        said = str(unfollowed(base(timestep_spacing=asked), kind))
        assert label_of(kind) in said and asked in said
    assert unfollowed(base(), kind) is None


def test_a_models_own_solver_needs_no_word() -> None:
    """Its spacing is what that solver always did with it."""
    own = LCMScheduler(timestep_spacing="leading"), TCDScheduler(timestep_spacing="leading")
    assert [unfollowed(*pair) for pair in zip(own, (Scheduler.LCM, Scheduler.TCD), strict=True)] == [None, None]


@pytest.mark.parametrize("kind", [Scheduler.LCM, Scheduler.TCD])
def test_the_last_step_ends_where_the_model_states(kind: Scheduler) -> None:
    ends = [make_timesteps(base(set_alpha_to_one=one), kind, 4, 1.0, CPU).scheduler for one in (True, False)]
    assert [float(end.final_alpha_cumprod) for end in ends] == [1.0, pytest.approx(float(ends[1].alphas_cumprod[0]))]


def test_the_least_and_the_most_noise_that_a_model_states() -> None:
    stated = EulerDiscreteScheduler(beta_start=0.00085, beta_end=0.012, sigma_min=0.1, sigma_max=9.0)
    sigmas = make_timesteps(stated, Scheduler.DPMPP_2M_SDE_KARRAS, 4, 1.0, CPU).scheduler.sigmas
    assert (float(sigmas[0]), float(sigmas[-2])) == pytest.approx((9.0, 0.1))


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (DDPMScheduler(beta_schedule="sigmoid"), "sigmoid"),
        (base(timestep_spacing="uniform"), "uniform"),
    ],
)
def test_a_schedule_that_no_solver_knows_is_named(model: SchedulerMixin, words: str) -> None:
    with pytest.raises(CheckpointError, match=words) as caught:
        spaced(model, Scheduler.EULER)
    assert "scheduler_config.json" in caught.value.remedy


@pytest.mark.parametrize("kind", list(Scheduler))
def test_zero_terminal_snr_starts_from_noise_alone(kind: Scheduler) -> None:
    """In which nothing of a picture is left, so the prediction must be of velocity; and it stays finite."""
    model = base(prediction_type="v_prediction", rescale_betas_zero_snr=True, timestep_spacing="trailing")
    timesteps = make_timesteps(model, kind, 4, 1.0, CPU)
    scheduler = timesteps.scheduler
    assert scheduler.config.rescale_betas_zero_snr and scheduler.config.prediction_type == "v_prediction"
    assert float(timesteps.values[0]) == pytest.approx(999, abs=1)
    sample = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0)) * scheduler.init_noise_sigma
    for timestep in timesteps.values:
        given = scheduler.scale_model_input(sample, timestep)
        sample = scheduler.step(-given / given.std(), timestep, sample).prev_sample
    assert sample.isfinite().all()


class Answer(torch.nn.Module):
    """Predicts what it is told: without the prompt, and with it."""

    dtype = torch.float32

    def __init__(self, unguided: Tensor, guided: Tensor) -> None:
        super().__init__()
        self.both = torch.cat([unguided, guided])

    def forward(self, sample: Tensor, timestep: Tensor, **arguments: object) -> SimpleNamespace:
        return SimpleNamespace(sample=self.both)


def test_rescaled_guidance_has_the_spread_of_the_prompt_alone() -> None:
    generator = torch.Generator().manual_seed(1)
    unguided, guided = (torch.randn(2, 4, 8, 8, generator=generator) for _ in range(2))
    text = Text(torch.zeros(2, 3, 4))

    def spread(rescale: float) -> Tensor:
        predict = Predictor(Answer(unguided, guided), text, text, 7.0, rescale=rescale)
        return predict(torch.zeros(2, 4, 8, 8), torch.tensor(500), 0.0).std((1, 2, 3))

    wanted = guided.std((1, 2, 3))
    torch.testing.assert_close(spread(1.0), wanted)
    torch.testing.assert_close(spread(0.7), 0.7 * wanted + 0.3 * spread(0.0))
    assert guidance_rescale_of(base(rescale_betas_zero_snr=True)) == 0.7
    assert guidance_rescale_of(base()) == 0


def test_solvers_that_go_badly_are_said() -> None:
    plain, zero = base(), base(rescale_betas_zero_snr=True)
    assert "UniPC" in str(known_badly(plain, Scheduler.DPMPP_2M_SDE_KARRAS, "bgble2fg"))
    assert known_badly(plain, Scheduler.UNIPC, "bgble2fg") is None
    assert "Euler a" in str(known_badly(zero, Scheduler.UNIPC, "transparent"))
    assert known_badly(zero, Scheduler.EULER, "transparent") is None


@pytest.mark.parametrize("steps", [4, 9, 25])
@pytest.mark.parametrize("kind", [Scheduler.UNIPC, Scheduler.EULER, Scheduler.DPMPP_2M_SDE_KARRAS])
def test_a_background_behind_gives_way_to_the_base_by_timestep(kind: Scheduler, steps: int) -> None:
    """At the same noise whatever solver and steps; half of the steps is elsewhere with Karras' spacing."""
    values = make_timesteps(base(), kind, steps, 1.0, CPU).values
    count = BASE_AFTER(values)
    assert all(values[:count] > 499.5) and all(values[count:] < 499.5)
    assert inspect.signature(Concatenated.__init__).parameters["base_after"].default is BASE_AFTER
