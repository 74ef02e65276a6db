"""What the painter has set in the docker, and the request that it makes."""

from __future__ import annotations

import random
from dataclasses import dataclass, fields

from acetate.model.observable import Observable
from acetate.protocol.geometry import Bounds
from acetate.protocol.pixels import PixelFormat
from acetate.protocol.requests import MAX_SEED, GenerateRequest, Preset, Task

# What a picker can hold besides the id of a layer.
NONE = "none"
BELOW = "below"  # everything under the active layer
CANVAS = "canvas"
ACTIVE = "active"


@dataclass(frozen=True)
class Digests:
    """The uploaded conditions of a request; None where it has none."""

    background: str | None = None
    foreground: str | None = None
    mask: str | None = None


@dataclass(frozen=True)
class Saved:
    """The settings as a document keeps them."""

    model: str
    task: Task
    prompt: str
    negative_prompt: str
    background: str
    foreground: str
    seed: int
    random_seed: bool
    preset: Preset
    strength: float


class Settings:
    def __init__(self) -> None:
        self.model = Observable("mini")
        self.task = Observable(Task.FOREGROUND)
        self.prompt = Observable("")
        self.negative_prompt = Observable("")
        self.background = Observable(BELOW)  # a fixed word of a picker, or the id of a layer
        self.foreground = Observable(ACTIVE)
        self.seed = Observable(0)
        self.random_seed = Observable(True)
        self.preset = Observable(Preset.DRAFT)
        self.strength = Observable(0.6)  # refine and inpaint: 0 keeps the layer, 1 makes another

    def roll_seed(self) -> None:
        """A new seed, where the painter wants each picture to differ."""
        if self.random_seed.value:
            self.seed.value = random.randint(0, MAX_SEED)

    def saved(self) -> Saved:
        return Saved(**{field.name: getattr(self, field.name).value for field in fields(Saved)})

    def restore(self, saved: Saved) -> None:
        for field in fields(Saved):
            getattr(self, field.name).value = getattr(saved, field.name)

    def request(self, bounds: Bounds, digests: Digests, pixel_format: PixelFormat) -> GenerateRequest:
        """Everything that decides the result. Not validated yet."""
        task = self.task.value
        return GenerateRequest(
            task=task,
            bounds=bounds,
            seed=self.seed.value,
            prompt=self.prompt.value.strip(),
            negative_prompt=self.negative_prompt.value.strip(),
            background=digests.background,
            foreground=digests.foreground,
            mask=digests.mask,
            model=self.model.value,
            preset=self.preset.value,
            strength=self.strength.value if task in (Task.REFINE, Task.INPAINT) else 1.0,
            pixel_format=pixel_format,
        )
