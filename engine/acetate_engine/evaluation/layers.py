"""`layers`: foreground and background made together or one on the other, through the pipelines."""

from __future__ import annotations

import numpy as np

from acetate.protocol.requests import Task
from acetate_engine.compositing.pixels import eight
from acetate_engine.engine import Engine
from acetate_engine.evaluation import alpha as measure
from acetate_engine.evaluation.matte import each_over
from acetate_engine.evaluation.sampling import Sampler
from acetate_engine.models.families.base import Model
from acetate_engine.training.datasets import Bytes


def evaluate_layers(
    engine: Engine, sampler: Sampler, model: Model, prompts: list[str], behind: list[str], grounds: Bytes
) -> dict[str, float | None]:
    """Figures over `prompts`, texts of backgrounds, and real ones (N, H, W, 3).

    None where the model has no weights for a task.

    Raises what Engine.generate raises.
    """
    figures: dict[str, float | None] = dict.fromkeys(
        ("joint_inside_psnr", "joint_outside_psnr", "background_changes_foreground", "untouched_outside_alpha")
    )
    if "joint" in sampler.components.layer_adapters:
        figures |= _joint(sampler, prompts, behind)
    if sampler.components.looks_at_background:
        figures |= _conditioned(engine, model.info.name, prompts, grounds)
    return figures


def _joint(sampler: Sampler, prompts: list[str], behind: list[str]) -> dict[str, float | None]:
    """Foreground over background against the blended frame: where the layer covers, and where it is not."""
    inside, outside = [], []
    for seed, prompt in enumerate(prompts):
        front, back, both = sampler.joint(prompt, behind[seed % len(behind)], seed)
        composed, alpha = each_over(front[None], back[None])[0], front[..., 3] / 255.0
        inside.append(_psnr_where(alpha > 0.95, composed, both))
        outside.append(_psnr_where(alpha < 0.05, composed, both))
    return {"joint_inside_psnr": _mean(inside), "joint_outside_psnr": _mean(outside)}


def _conditioned(engine: Engine, model: str, prompts: list[str], backgrounds: Bytes) -> dict[str, float | None]:
    """Each prompt on two backgrounds, seed and all else being equal."""
    changes, untouched = [], []
    for seed, prompt in enumerate(prompts):
        pair = backgrounds[[(2 * seed) % len(backgrounds), (2 * seed + 1) % len(backgrounds)]]
        layers = [_foreground(engine, model, prompt, ground, seed) for ground in pair]
        first, second = (measure.over_colour(layer[None], (0.5, 0.5, 0.5)) for layer in layers)
        changes.append(float(np.abs(first - second).mean()))
        for layer, ground in zip(layers, pair, strict=True):
            outside = layer[..., 3] == 0
            untouched.append(bool((each_over(layer[None], ground[None])[0][outside] == ground[outside]).all()))
    return {
        "background_changes_foreground": float(np.mean(changes)),
        "untouched_outside_alpha": float(np.mean(untouched)),
    }


def _foreground(engine: Engine, model: str, prompt: str, ground: Bytes, seed: int) -> Bytes:
    opaque = np.concatenate([ground, np.full_like(ground[..., :1], 255)], -1)
    made = engine.generate(prompt, task=Task.FOREGROUND_ON_BACKGROUND, background=opaque, seed=seed, model=model)
    return eight(made.layers[-1].pixels)


def _psnr_where(where: np.ndarray, a: Bytes, b: Bytes) -> float | None:
    if not where.any():
        return None
    chosen = (x[where][None].astype(np.float32) / 255 for x in (a, b))
    return float(measure.psnr(*chosen)[0])


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
