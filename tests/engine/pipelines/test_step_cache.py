"""Step caching: which steps are computed, what stands for the others, what it does to `mini`'s layers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from acetate.protocol.errors import InvalidRequest
from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import GenerateRequest, Preset, Scheduler, Task
from acetate_engine.engine import Engine
from acetate_engine.pipelines.contract import Silent
from acetate_engine.pipelines.stages.settings import RunSettings
from acetate_engine.pipelines.stages.step_cache import computed_steps, step_cached

BOUNDS = Bounds(0, 0, 128, 128)


def test_the_first_the_last_and_one_of_so_many_are_computed() -> None:
    assert [step for step, is_computed in enumerate(computed_steps(12, 4)) if is_computed] == [0, 1, 5, 9, 10, 11]
    assert all(computed_steps(12, 1)), "1 is without caching"


def test_what_changes_is_computed_anew() -> None:
    assert [step for step, is_computed in enumerate(computed_steps(12, 10, {5})) if is_computed] == [0, 1, 5, 6, 10, 11]


@given(st.integers(0, 60), st.integers(1, 10), st.sets(st.integers(0, 60)))
def test_a_step_that_is_not_computed_lies_behind_two_of_its_kind(count: int, interval: int, changes: set[int]) -> None:
    computed = computed_steps(count, interval, changes)
    assert len(computed) == count
    for step in range(count):
        if not computed[step]:
            since = max((change for change in changes if change <= step), default=0)
            assert computed[since] and computed[since + 1] and since + 1 < step


def test_what_changes_evenly_is_continued_exactly() -> None:
    asked: list[int] = []

    def predict(sample: Tensor, timestep: Tensor, step: int) -> Tensor:
        asked.append(step)
        return torch.full((2,), 3.0) + step * torch.tensor([1.0, -2.0])

    cached = step_cached(predict, computed_steps(12, 4))
    given = [cached(torch.zeros(2), torch.tensor(0), step) for step in range(12)]
    assert asked == [0, 1, 5, 9, 10, 11]
    wanted = torch.stack([torch.tensor([3.0 + step, 3.0 - 2 * step]) for step in range(12)])
    torch.testing.assert_close(torch.stack(given), wanted)


def request(**fields: object) -> GenerateRequest:
    return GenerateRequest(Task.FOREGROUND, BOUNDS, 3, prompt="a red apple, 3d emoji", **fields)  # type: ignore[arg-type]


def test_only_deterministic_solvers_are_cached_and_final_is_exact() -> None:
    assert RunSettings.of(request(preset=Preset.FINAL), "mini").cache_interval == 1
    assert RunSettings.of(request(preset=Preset.DRAFT), "sd15").cache_interval == 1
    assert RunSettings.of(request(preset=Preset.DRAFT), "mini").cache_interval > 1
    for kind in Scheduler:
        own = RunSettings.of(request(scheduler=kind, cache_interval=3), "sdxl").cache_interval
        assert own == (3 if kind in (Scheduler.UNIPC, Scheduler.EULER) else 1)


@pytest.mark.parametrize("interval", [0, 11])
def test_other_intervals_are_refused(interval: int) -> None:
    with pytest.raises(InvalidRequest, match="cache interval"):
        request(cache_interval=interval).validate()


def test_layers_stay_as_good_as_they_are() -> None:
    """The goal of the table, on one layer: alpha within .01, 30 dB; most of the network's work is spared."""
    engine, layers, calls = Engine(), [], []
    for interval in (1, 5):
        reporter = Counting()
        made = engine.run(request(preset=Preset.FINAL, cache_interval=interval), {}, reporter)
        layers.append(made.layers[0].pixels.astype(np.float32) / 255)
        calls.append(reporter.steps)
    exact, cached = layers
    assert np.abs(exact[..., 3] - cached[..., 3]).mean() <= 0.01
    on_grey = [layer[..., :3] * layer[..., 3:] + 0.5 * (1 - layer[..., 3:]) for layer in layers]
    error = ((on_grey[0] - on_grey[1]) ** 2).mean()
    assert 0 < error <= 1e-3, "30 dB, and other pixels: something was spared"
    assert calls[0] == calls[1], "steps are counted as before"


class Counting(Silent):
    def __init__(self) -> None:
        self.steps = 0

    def progress(self, step: int, steps: int, stage: object) -> None:
        self.steps += 1
