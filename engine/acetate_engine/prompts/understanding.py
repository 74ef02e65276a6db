"""A request as its prompts mean it: styles named in them, wildcards drawn, and what is not understood."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from acetate.protocol.requests import MAX_ADD_ONS, MAX_SEED, GenerateRequest, StackLayer, Style
from acetate_engine.prompts.weights import not_understood
from acetate_engine.prompts.wildcards import drawn, draws

_STYLE = re.compile(r"<(lora|lyco|hypernet)\s*:\s*([^:<>]+?)\s*(?::\s*([^<>]*?))?\s*>", re.IGNORECASE)
_SUFFIX = re.compile(r"\.(safetensors|sft)$")  # which other programs write along
_MARK = re.compile(r"<\w+:[^<>]*>")
_FIELDS = ("prompt", "negative_prompt", "background_prompt", "foreground_prompt", "blended_prompt")
_MOST_WEIGHT = 2.0


@dataclass
class Reading:
    """What reading the prompts of one request has found."""

    style_names: Callable[[], tuple[str, ...]]
    wildcards: Path
    styles: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @cached_property
    def known_styles(self) -> Mapping[str, str]:
        """Name in lower case → name; asked for where a prompt names one, also a drawn one."""
        return _by_name(self.style_names())

    def read(self, prompt: str, seed: int) -> str:
        """The prompt without what was taken out of it."""
        if not re.search(r"[<{}\[]|__|\bAND\b", prompt):
            return prompt
        words, missing = drawn(prompt, seed, self.wildcards)
        self.notes += missing
        if words != prompt:
            self.notes.append(f"drawn by the seed: {_STYLE.sub('', words).strip()}")
        for mark in not_understood(words):
            self.notes.append(f"{mark} changes words while a picture is made, which is not understood here")
        if re.search(r"\bAND\b", words) and words != words.upper():
            self.notes.append("AND joins prompts in other programs; here it was read as a word")
        left = " ".join(_STYLE.sub(self._style, words).split()) if _STYLE.search(words) else words
        for mark in _MARK.findall(left):
            self.notes.append(f"{mark} means nothing here, so it was read as words")
        return left

    def _style(self, found: re.Match[str]) -> str:
        kind, name, told = found[1].lower(), found[2], found[3]
        known = self.known_styles.get(name.lower()) or self.known_styles.get(_SUFFIX.sub("", name.lower()))
        weight = _number((told or "1").split(":")[0])
        if weight is None:
            weight = 1.0
            self.notes.append(f"{found[0]}: {told!r} is no weight, so it counts as 1")
        if kind == "hypernet" or known is None:
            self.notes.append(f"{found[0]} was not used: the model has no style of that name")
            return ""
        if known in self.styles:
            self.notes.append(f"{found[0]}: the style is named more than once, and the last weight counts")
        if abs(weight) > _MOST_WEIGHT:
            self.notes.append(f"{found[0]}: its weight counts as {_MOST_WEIGHT:g}, the most there is")
            self.styles[known] = max(-_MOST_WEIGHT, min(_MOST_WEIGHT, weight))
        else:
            self.styles[known] = weight
        return ""


def _number(text: str) -> float | None:
    try:
        return weight if math.isfinite(weight := float(text)) else None
    except ValueError:
        return None  # the note says so


def pictures_apart(request: GenerateRequest) -> list[GenerateRequest]:
    """One request a picture where each draws words of its own, by its own seed; the request itself elsewhere."""
    if request.images == 1 or not any(draws(text) for text in _texts(request)):
        return [request]
    return [_picture_alone(request, index) for index in range(request.images)]


def _picture_alone(request: GenerateRequest, index: int) -> GenerateRequest:
    """What that picture of a request of several is by itself: seeds count up from the first."""
    layers = tuple(replace(layer, seed=_later(layer.seed, index)) for layer in request.layers)
    return replace(request, images=1, seed=(request.seed + index) % (MAX_SEED + 1), layers=layers)


def _later(seed: int | None, index: int) -> int | None:
    return None if seed is None else (seed + index) % (MAX_SEED + 1)


def _texts(request: GenerateRequest) -> list[str]:
    return [getattr(request, name) for name in _FIELDS] + [layer.prompt for layer in request.layers]


def understood(
    request: GenerateRequest, styles: Callable[[], tuple[str, ...]], wildcards: Path
) -> tuple[GenerateRequest, list[str]]:
    """The request with plain words and weights alone in its prompts, and notes for the painter.

    Args:
        styles: names of those that the model has; asked only where a prompt names one, also a drawn one.
        wildcards: folder of wildcard files.
    """
    reading = Reading(styles, wildcards)
    fields: dict[str, Any] = {name: reading.read(getattr(request, name), request.seed) for name in _FIELDS}
    layers = tuple(_read_layer(layer, index, request.seed, reading) for index, layer in enumerate(request.layers))
    given = {style.lora for style in request.styles}
    added = [Style(name, weight) for name, weight in reading.styles.items() if name not in given]
    for style in added[MAX_ADD_ONS - len(request.styles) :]:
        reading.notes.append(f"{style.lora} was not used: a picture takes {MAX_ADD_ONS} styles at most")
    chosen = (*request.styles, *added)[:MAX_ADD_ONS]
    return replace(request, layers=layers, styles=chosen, **fields), reading.notes


def _by_name(names: tuple[str, ...]) -> dict[str, str]:
    """By the whole name, and by the last part of one that has folders in it."""
    short = {name.rpartition("/")[2].lower(): name for name in reversed(names)}
    return short | {name.lower(): name for name in names}


def _read_layer(layer: StackLayer, index: int, seed: int, reading: Reading) -> StackLayer:
    return replace(layer, prompt=reading.read(layer.prompt, seed + index if layer.seed is None else layer.seed))
