"""What of a request counts for its task: the docker shows that and no more, and sends nothing else."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from typing import Any

from acetate.protocol.requests import DEFAULT_MODEL, GenerateRequest

_PAINTING = (
    "model",
    "prompt",
    "negative_prompt",
    "seed",
    "preset",
    "steps",
    "scheduler",
    "cache_interval",
    "clip_skip",
    "guidance_scale",
    "finish",
    "styles",
)
"""Whatever a model of a family paints."""
_GENERATING = (*_PAINTING, "images", "control", "image_prompts")
_SUBJECT = ("subject.box", "subject.clicks")
_SETTLING = ("light.softness", "light.opacity")
_PLACE = ("task", "bounds", "context", "background", "foreground", "mask", "cut_out", "layers", "pixel_format")
"""Where, and of which pictures: what the table of tasks says of these is checked, and nothing of it is left out."""


def fields_read(request: GenerateRequest) -> frozenset[str]:
    """Names of the fields that decide what comes of it, parts of `light` and `subject` by a dot."""
    traits, read = request.task.traits, [*_PLACE, *request.task.traits.reads]
    if traits.model:
        read += _GENERATING
    if traits.fills:
        read += _PAINTING if is_better_than_search(request.model) else ("model",)
    if traits.subject:
        read += _SUBJECT
    if traits.reworks:
        read.append("strength")
    if request.settle and "settle" in traits.reads:
        read += _SETTLING
    return frozenset(read)


def only_read(request: GenerateRequest) -> GenerateRequest:
    """The same with what does not count as it is at first."""
    read, empty = fields_read(request), GenerateRequest(request.task, request.bounds, seed=0)
    kept: dict[str, Any] = {}
    for path in read:
        whole, _, part = path.partition(".")
        value = value_of(request, path)
        kept[whole] = replace(kept.get(whole, getattr(empty, whole)), **{part: value}) if part else value
    return replace(empty, **kept)


def value_of(request: GenerateRequest, path: str) -> Any:
    """Of a field, or of a part of one."""
    return reduce(getattr, path.split("."), request)


def is_better_than_search(model: str) -> bool:
    """The embedded model knows few backgrounds: what PatchMatch finds in the picture itself fits better."""
    return model != DEFAULT_MODEL
