"""`style`: whether a style LoRA, trained on pictures of that style, shows on transparent layers too."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from acetate.protocol.requests import Style
from acetate_engine.evaluation.generation import chosen_prompts
from acetate_engine.evaluation.probe import Reference
from acetate_engine.evaluation.sampling import Sampler
from acetate_engine.training.probe import over_grey

_ROUNDS = 1000
_EACH = 4  # layers of a prompt


def evaluate_styles(
    sampler: Sampler, styles: tuple[str, ...], captions: list[str], reference: Reference
) -> dict[str, dict[str, object]]:
    """For each style LoRA of the model that the probe knows real pictures of, the same layers without and with it.

    `plain` and `styled` say how far their features lie along `style_axis` in the mean, `real` where the style's own
    pictures lie, `change` the mean difference of a pair, and `interval` the bootstrapped middle 95 % of that.
    """
    captions = [caption for caption in captions if not any(_says(caption, style) for style in styles)]
    prompts = [prompt for prompt in chosen_prompts(captions) for _ in range(_EACH)]
    known = {style: axis for style in styles if (axis := style_axis(reference, style)) is not None}
    seen = {style: _seen(sampler, prompts, reference, (Style(style),)) for style in known}
    plain = _seen(sampler, prompts, reference, ()) if known else torch.empty(0)
    return {style: _figures(axis, plain, seen[style], reference, style) for style, axis in known.items()}


def _says(caption: str, style: str) -> bool:
    """A LoRA's file is named as captions end, with underscores."""
    return caption.endswith(f", {style.replace('_', ' ')}")


def _of_style(reference: Reference, style: str) -> Tensor:
    """Which of the training pictures, (N) bool."""
    return torch.tensor([_says(caption, style) for caption in reference.captions])


def style_axis(reference: Reference, style: str) -> Tensor | None:
    """(features): from the mean of all other training pictures to that of this style's; None without either."""
    belongs = _of_style(reference, style)
    if not belongs.any() or belongs.all():
        return None
    axis = reference.features[belongs].mean(0) - reference.features[~belongs].mean(0)
    return axis / axis.norm()


def _seen(sampler: Sampler, prompts: list[str], reference: Reference, styles: tuple[Style, ...]) -> Tensor:
    """Features (N, features) of layers of these prompts, with the same noise each time."""
    sampler.components.use_add_ons(styles, ())
    try:
        return reference.see(over_grey(sampler.native(prompts)))
    finally:
        sampler.components.use_add_ons((), ())


def _figures(axis: Tensor, plain: Tensor, styled: Tensor, reference: Reference, style: str) -> dict[str, object]:
    change = ((styled - plain) @ axis).numpy()
    rng = np.random.default_rng(0)
    means = [change[rng.integers(len(change), size=len(change))].mean() for _ in range(_ROUNDS)]
    return {
        "plain": float((plain @ axis).mean()),
        "styled": float((styled @ axis).mean()),
        "real": float((reference.features[_of_style(reference, style)] @ axis).mean()),
        "change": float(change.mean()),
        "interval": [float(edge) for edge in np.percentile(means, (2.5, 97.5))],
        "samples": len(change),
    }
