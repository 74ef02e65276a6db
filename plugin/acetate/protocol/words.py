"""What a prompt can name besides plain words, and what a model was not taught."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Vocabulary:
    """GET /v1/models/{name}/words."""

    things: tuple[str, ...] = ()  # whole prompts that it was taught; none of a model that knows more than can be listed
    wildcards: tuple[str, ...] = ()  # files, as prompts name them: `animals/cats`


@dataclass(frozen=True)
class Untaught:
    """GET /v1/models/{name}/untaught?prompt=…"""

    word: str = ""  # the first thing in the prompt, where the model was taught none of them, or does this one badly
    near: tuple[str, ...] = ()  # whole prompts that it was taught, the nearest first
    is_done_badly: bool = False  # it was taught, and its layers do not look like it
