"""Step caching: what it saves of whole jobs of `mini`, and what it costs; and of steps of SD1.5's size."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from diffusers import DDPMScheduler
from torch import Tensor

from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import GenerateRequest, Preset, Scheduler, Task
from acetate_engine.compositing.alpha import to_float
from acetate_engine.compositing.pixels import Floats
from acetate_engine.models.families.components import Text
from acetate_engine.pipelines.contract import Silent
from acetate_engine.pipelines.stages.before_denoise import make_timesteps
from acetate_engine.pipelines.stages.denoise import Denoising
from acetate_engine.pipelines.stages.guidance import Predictor
from acetate_engine.pipelines.stages.step_cache import computed_steps, step_cached
from acetate_engine.pipelines.tasks import TaskGenerator
from acetate_engine.verification.bench import random_unet
from acetate_engine.verification.table.line import Line, in_turn

_INTERVALS = (2, 3, 4, 5)
_PROMPTS = ("a red apple, 3d emoji", "a fox, 3d emoji", "a potted plant, 3d emoji")


def caching(small: bool) -> Line:
    """Jobs of the preset `final` at the model's own size: all steps computed against one of so many."""
    generator, prompts = TaskGenerator(), _PROMPTS[:1] if small else _PROMPTS
    exact = _jobs(generator, prompts, 1)
    intervals = _INTERVALS[-1:] if small else _INTERVALS
    whole, *times = in_turn(1, *(partial(_jobs, generator, prompts, interval) for interval in (1, *intervals)))
    rows, holds = [], False
    for interval, took in zip(intervals, times, strict=True):
        alpha, decibels = _apart(exact, _jobs(generator, prompts, interval))
        holds = holds or (whole / took >= 2 and alpha <= 0.01 and decibels >= 30)
        rows.append(f"1 of {interval}: {whole / took:.2f}×, alpha MAE {alpha:.4f}, {decibels:.1f} dB")
    drafts = _jobs(generator, prompts, None, Preset.DRAFT)
    (draft,) = in_turn(1, partial(_jobs, generator, prompts, None, Preset.DRAFT))
    alpha, decibels = _apart(exact, drafts)
    rows.append(f"draft: {whole / draft:.2f}×, alpha MAE {alpha:.4f}, {decibels:.1f} dB")
    return Line(
        "step caching on mini, whole jobs of `final`",
        f"all steps computed {whole / len(prompts):.2f} s",
        "; ".join(rows),
        "≥ 2× at alpha MAE ≤ .01 and ≥ 30 dB",
        holds,
        _released(small),
    )


def _jobs(
    generator: TaskGenerator, prompts: tuple[str, ...], interval: int | None, preset: Preset = Preset.FINAL
) -> list[Floats]:
    """(H, W, 4) straight, 0..1, one a prompt."""
    bounds = Bounds(0, 0, 128, 128)
    requests = [
        GenerateRequest(Task.FOREGROUND, bounds, seed, prompt=prompt, preset=preset, cache_interval=interval)
        for seed, prompt in enumerate(prompts)
    ]
    return [to_float(generator.generate(one, {}, Silent()).layers[0].pixels) for one in requests]


def _apart(exact: list[Floats], cached: list[Floats]) -> tuple[float, float]:
    """Mean absolute error of alpha, and the PSNR over mid-grey."""
    alpha = np.mean([np.abs(a[..., 3] - b[..., 3]).mean() for a, b in zip(exact, cached, strict=True)])
    squares = np.mean([((_on_grey(a) - _on_grey(b)) ** 2).mean() for a, b in zip(exact, cached, strict=True)])
    return float(alpha), float(-10 * np.log10(max(squares, 1e-12)))


def _on_grey(layer: Floats) -> Floats:
    on_grey: Floats = layer[..., :3] * layer[..., 3:] + 0.5 * (1 - layer[..., 3:])
    return on_grey


def _released(small: bool) -> str:
    """The same code on a UNet of SD1.5's size, one layer of 128² with guidance."""
    steps, interval = 12, 4
    every = computed_steps(steps, interval)
    predictor = _predictor(random_unet(small))
    whole, cached = in_turn(
        1, partial(_denoised, predictor, [True] * steps), partial(_denoised, predictor, every), warm_up=False
    )
    return f"SD1.5's size, 128², {steps} steps: {whole:.1f} s, 1 of {interval} {cached:.1f} s: {whole / cached:.2f}×"


def _predictor(unet: torch.nn.Module) -> Callable[[Tensor, Tensor, int], Tensor]:
    text = Text(torch.randn(1, 77, 768, generator=torch.Generator().manual_seed(0)))
    predict = Predictor(unet, text, text, 7.0)  # type: ignore[arg-type]  # a UNet2DConditionModel
    return lambda sample, timestep, step: predict(sample, timestep, 0.0)


@torch.no_grad()
def _denoised(predict: Callable[[Tensor, Tensor, int], Tensor], computed: list[bool]) -> None:
    timesteps = make_timesteps(DDPMScheduler(), Scheduler.UNIPC, len(computed), 1.0, torch.device("cpu"))
    generator = torch.Generator().manual_seed(0)
    sample = torch.randn(1, 4, 16, 16, generator=generator)
    run = Denoising(step_cached(predict, computed), timesteps, sample, generator, lambda step, clean: None)
    run.run(len(computed))
