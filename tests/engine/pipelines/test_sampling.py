"""What a model's own file asks of sampling."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from diffusers import DDIMScheduler, SchedulerMixin
from torch import Tensor

from acetate.protocol.requests import Scheduler
from acetate_engine.models.families.components import Text
from acetate_engine.pipelines.stages.before_denoise import guidance_rescale_of, known_badly, make_timesteps
from acetate_engine.pipelines.stages.denoise import Predictor

CPU = torch.device("cpu")


def base(**config: object) -> SchedulerMixin:
    return DDIMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", **config)


@pytest.mark.parametrize("kind", [Scheduler.UNIPC, Scheduler.DPMPP_2M_SDE_KARRAS, Scheduler.LCM])
def test_a_model_that_wants_trailing_steps_gets_them(kind: Scheduler) -> None:
    spacings = {
        asked: make_timesteps(base(timestep_spacing=asked), kind, 4, 1.0, CPU).scheduler.config.timestep_spacing
        for asked in ("leading", "linspace", "trailing")
    }
    assert spacings == {"leading": "linspace", "linspace": "linspace", "trailing": "trailing"}


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
    assert "unipc" in str(known_badly(plain, Scheduler.DPMPP_2M_SDE_KARRAS, "bgble2fg"))
    assert known_badly(plain, Scheduler.UNIPC, "bgble2fg") is None
    assert "euler" in str(known_badly(zero, Scheduler.UNIPC, "transparent"))
    assert known_badly(zero, Scheduler.EULER, "transparent") is None
