"""What *Finish* leaves of a model's weave: its own layers, enlarged as its jobs enlarge them."""

from __future__ import annotations

import numpy as np

from acetate.protocol.geometry import Bounds, Extent
from acetate.protocol.requests import GenerateRequest, Preset, Task
from acetate_engine.compositing.resize import resize
from acetate_engine.evaluation.generation import chosen_prompts
from acetate_engine.evaluation.planted import evaluate_planted_weave
from acetate_engine.evaluation.report import taught
from acetate_engine.evaluation.sampling import Sampler
from acetate_engine.evaluation.saying import Say
from acetate_engine.evaluation.weave import flat_places, weave_left
from acetate_engine.models.families import find_model
from acetate_engine.pipelines.stages.enlarging import enlarge
from acetate_engine.pipelines.stages.settings import RunSettings
from acetate_engine.training.datasets import Bytes

WeaveFigures = dict[str, dict[str, float | None]]

_TUNED_ON = 48  # captions, as `chosen_prompts` chooses them, on which the grain of `mini` was chosen
_SEED = 1000  # and other seeds than there
_FACTOR = 4


def evaluate_finished_weave(name: str, count: int, preset: Preset, known: Bytes | None, say: Say) -> WeaveFigures:
    """What Finish leaves of the weave in layers of so many captions that its smoothing was not tuned on.

    As `weave_left` in the layers, seen at the size that they were made in, and put on `known` layers (M, H, W, 4), made
    as small as they. Raises UnknownModel, CheckpointError, PartMissing.
    """
    model = find_model(name, Task.FOREGROUND)
    components, side = model.load(), model.info.native
    captions = taught(name, "captions")
    request = GenerateRequest(Task.FOREGROUND, Bounds(0, 0, side, side), 0, preset=preset)
    sampler = Sampler(components, RunSettings.of(request, model.info.family), side, lambda done: None)
    prompts = chosen_prompts(unused(captions), count)
    say(f"{len(prompts)} layers of {name}")
    made = sampler.native(prompts, _SEED)
    flat = np.stack([layer for layer in made if any(True for _ in flat_places(layer))] or [made[0]])
    left = weave_left(flat, finished(flat, components.grain, say))
    report: WeaveFigures = {"weave, times less": {"captions": float(len(prompts)), **left}}
    if known is not None:
        small = np.stack([resize(layer, Extent(side, side)).astype(np.uint8) for layer in known])
        report["planted weave, times less"] = evaluate_planted_weave(flat, small, components.grain, say)
    return report


def unused(captions: list[str]) -> list[str]:
    """Without those that the smoothing was tuned on."""
    known = set(chosen_prompts(captions, _TUNED_ON))
    return [caption for caption in captions if caption not in known]


def finished(layers: Bytes, grain: float, say: Say) -> Bytes:
    """(N, H, W, 4) four times as large, and back at their size."""
    height, width = layers.shape[1:3]
    made = []
    for index, layer in enumerate(layers):
        say(f"finishing {index + 1} of {len(layers)}")
        made.append(resize(enlarge(layer, _FACTOR, grain=grain), Extent(width, height)).astype(np.uint8))
    return np.stack(made)
