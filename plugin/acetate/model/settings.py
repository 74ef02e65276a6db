"""What the painter has set in the docker, and the request that it makes."""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass, fields, replace
from enum import Enum

from acetate.model.observable import Observable
from acetate.model.region import Length, Reach, RegionKind, Unit
from acetate.protocol.geometry import Bounds
from acetate.protocol.pixels import PixelFormat
from acetate.protocol.requests import MAX_SEED, ControlHint, ControlKind, GenerateRequest, Preset, Task

# What a picker can hold besides the ids of layers.
NONE = "none"
BELOW = "below"  # everything under the active layer
UP_TO = "up_to"  # the active layer and everything under it
CANVAS = "canvas"
ACTIVE = "active"
_WORDS = (NONE, BELOW, UP_TO, CANVAS, ACTIVE)

Picked = tuple[str, ...]
"""One of the words, or the ids of layers, topmost first."""


class Outcome(str, Enum):
    """What becomes of another version of a layer."""

    ABOVE = "above"  # a new layer above the old one, which stays
    REPLACE = "replace"


@dataclass(frozen=True)
class ControlLayer:
    """A layer as a ControlNet hint."""

    kind: ControlKind
    layer: str  # id; ACTIVE
    weight: float = 1.0  # 0..2
    start: float = 0.0  # 0..1 of the steps
    end: float = 1.0


@dataclass(frozen=True)
class Digests:
    """The uploaded conditions of a request; None where it has none."""

    background: str | None = None
    foreground: str | None = None
    mask: str | None = None
    controls: tuple[str, ...] = ()


@dataclass(frozen=True)
class Saved:
    """The settings as a document keeps them."""

    model: str
    task: Task
    prompt: str
    negative_prompt: str
    background_prompt: str
    background: Picked
    foreground: Picked
    seed: int
    random_seed: bool
    preset: Preset
    strength: float
    images: int
    region: RegionKind
    grow: Length
    feather: Length
    padding: Length
    outcome: Outcome
    controls: tuple[ControlLayer, ...]


class Settings:
    def __init__(self) -> None:
        self.model = Observable("mini")
        self.task = Observable(Task.FOREGROUND)
        self.prompt = Observable("")
        self.negative_prompt = Observable("")
        self.background_prompt = Observable("")  # joint: what lies behind
        self.background: Observable[Picked] = Observable((BELOW,))
        self.foreground: Observable[Picked] = Observable((ACTIVE,))
        self.seed = Observable(0)
        self.random_seed = Observable(True)
        self.preset = Observable(Preset.DRAFT)
        self.strength = Observable(0.6)  # refine and inpaint: 0 keeps the layer, 1 makes another
        self.images = Observable(1)
        self.region = Observable(RegionKind.SELECTION)
        self.grow = Observable(Length(0, Unit.PIXELS))
        self.feather = Observable(Length(0, Unit.PIXELS))
        self.padding = Observable(Length(25, Unit.PERCENT))
        self.outcome = Observable(Outcome.ABOVE)
        self.controls: Observable[tuple[ControlLayer, ...]] = Observable(())

    @property
    def reach(self) -> Reach:
        return Reach(self.grow.value, self.feather.value, self.padding.value)

    def roll_seed(self) -> None:
        """A new seed, where the painter wants each picture to differ."""
        if self.random_seed.value:
            self.seed.value = new_seed()

    def saved(self) -> Saved:
        return Saved(**{field.name: getattr(self, field.name).value for field in fields(Saved)})

    def restore(self, saved: Saved) -> None:
        for field in fields(Saved):
            getattr(self, field.name).value = getattr(saved, field.name)

    def forget_layers(self, known: Collection[str]) -> None:
        """Picks of another document, of which this one has no layer, are back at their first answers."""
        for picked, first in ((self.background, BELOW), (self.foreground, ACTIVE)):
            if not all(value in known or value in _WORDS for value in picked.value):
                picked.value = (first,)
        self.controls.value = tuple(
            hint if hint.layer in known or hint.layer == ACTIVE else replace(hint, layer=ACTIVE)
            for hint in self.controls.value
        )

    def copy_from(self, request: GenerateRequest) -> None:
        """What made a layer, so that the next press makes it again; pickers and region stay."""
        copied = ("model", "task", "prompt", "negative_prompt", "background_prompt", "seed", "preset", "images")
        for name in copied:
            getattr(self, name).value = getattr(request, name)
        self.random_seed.value = False
        if request.task.reworks_layer:
            self.strength.value = request.strength

    def request(self, bounds: Bounds, digests: Digests, pixel_format: PixelFormat) -> GenerateRequest:
        """Everything that decides the result. Not validated yet."""
        task = self.task.value
        return GenerateRequest(
            task=task,
            bounds=bounds,
            seed=self.seed.value,
            prompt=self.prompt.value.strip(),
            negative_prompt=self.negative_prompt.value.strip(),
            background_prompt=self.background_prompt.value.strip() if task is Task.JOINT else "",
            background=digests.background,
            foreground=digests.foreground,
            mask=digests.mask,
            control=self._control(digests),
            images=self.images.value,
            model=self.model.value,
            preset=self.preset.value,
            strength=self.strength.value if task.reworks_layer else 1.0,
            pixel_format=pixel_format,
        )

    def _control(self, digests: Digests) -> tuple[ControlHint, ...]:
        named = zip(self.controls.value, digests.controls, strict=True)
        return tuple(ControlHint(hint.kind, image, hint.weight, hint.start, hint.end) for hint, image in named)


def new_seed() -> int:
    return random.randint(0, MAX_SEED)
