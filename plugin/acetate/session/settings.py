"""What the painter has set in the docker, and the request that it makes."""

from __future__ import annotations

import json
import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import Enum
from typing import Any, get_type_hints

from acetate.protocol.errors import Json, MalformedMessage
from acetate.protocol.events import ModelInfo
from acetate.protocol.geometry import Bounds
from acetate.protocol.kept import Unread, read_field, read_text, to_record
from acetate.protocol.pixels import PixelFormat
from acetate.protocol.requests import (
    MAX_SEED,
    ControlHint,
    ControlKind,
    GenerateRequest,
    ImagePrompt,
    Preset,
    Style,
    Task,
)
from acetate.session.observable import Observable
from acetate.session.region import Length, Reach, RegionKind, Unit

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


class Follow(str, Enum):
    """What of a layer the picture follows: what a ControlNet reads, or its look, as an image prompt."""

    LINES = ControlKind.LINES.value
    EDGES = ControlKind.EDGES.value
    DEPTH = ControlKind.DEPTH.value
    POSE = ControlKind.POSE.value
    SCRIBBLE = ControlKind.SCRIBBLE.value
    LOOK = "look"


def what_follows(model: ModelInfo | None) -> tuple[Follow, ...]:
    """What of a layer pictures of this model can follow; nothing while it is not known."""
    if model is None:
        return ()
    return (*(Follow(kind.value) for kind in model.controls), *((Follow.LOOK,) if model.image_prompts else ()))


@dataclass(frozen=True)
class ControlLayer:
    """A layer that the picture follows."""

    kind: Follow
    layer: str  # id; ACTIVE
    weight: float = 1.0  # 0..2
    start: float = 0.0  # 0..1 of the steps; a look counts in all of them
    end: float = 1.0
    adapter: str | None = None  # what reads a look; the model's first where None

    @property
    def is_look(self) -> bool:
        return self.kind is Follow.LOOK

    def as_hint(self, image: str) -> ControlHint:
        return ControlHint(ControlKind(self.kind.value), image, self.weight, self.start, self.end)

    def as_image_prompt(self, image: str) -> ImagePrompt:
        return ImagePrompt(image, self.adapter, self.weight)


@dataclass(frozen=True)
class Digests:
    """The uploaded conditions of a request; None where it has none."""

    background: str | None = None
    foreground: str | None = None
    mask: str | None = None
    controls: tuple[str, ...] = ()
    looks: tuple[str, ...] = ()


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
    styles: tuple[Style, ...] = ()


@dataclass(frozen=True)
class KeptSettings:
    """What a document keeps of them, field by field: one that cannot be read does not take the others along."""

    values: dict[str, Any]  # fields of Saved
    unread: Json  # as they were found
    reasons: tuple[str, ...] = ()

    @staticmethod
    def read(text: bytes) -> KeptSettings:
        try:
            data = read_text(text) if text else {}
        except MalformedMessage as error:
            return KeptSettings({}, {}, (error.detail,))
        if not isinstance(data, dict):
            return KeptSettings({}, {}, ("they are no object",))
        kinds, known = get_type_hints(Saved), {name: value for name, value in data.items() if name != "version"}
        found = {name: read_field(kinds.get(name), value, name) for name, value in known.items()}
        unread = {name: value.data for name, value in found.items() if isinstance(value, Unread)}
        reasons = tuple(value.reason for value in found.values() if isinstance(value, Unread))
        return KeptSettings({name: value for name, value in found.items() if name not in unread}, unread, reasons)

    def write(self, saved: Saved) -> bytes:
        """`saved`, and beside it the fields that only another release knows."""
        return json.dumps({**self.unread, **to_record(saved)}).encode()


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
        self.styles: Observable[tuple[Style, ...]] = Observable(())

    @property
    def reach(self) -> Reach:
        return Reach(self.grow.value, self.feather.value, self.padding.value)

    @property
    def hints(self) -> tuple[ControlLayer, ...]:
        """In the order of the request's `control`."""
        return tuple(layer for layer in self.controls.value if not layer.is_look)

    @property
    def looks(self) -> tuple[ControlLayer, ...]:
        """In the order of the request's `image_prompts`."""
        return tuple(layer for layer in self.controls.value if layer.is_look)

    def roll_seed(self) -> None:
        """A new seed, where the painter wants each picture to differ."""
        if self.random_seed.value:
            self.seed.value = new_seed()

    def saved(self) -> Saved:
        return Saved(**{field.name: getattr(self, field.name).value for field in fields(Saved)})

    def restore(self, saved: Saved) -> None:
        self.take({field.name: getattr(saved, field.name) for field in fields(Saved)})

    def take(self, values: Mapping[str, Any]) -> None:
        """Fields of Saved; the others stay as they are."""
        for name, value in values.items():
            getattr(self, name).value = value

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
        """What made a layer, so that the next press makes it again; pickers of layers and region stay."""
        copied = (
            *("model", "task", "prompt", "negative_prompt", "background_prompt"),
            *("seed", "preset", "images", "styles"),
        )
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
            control=tuple(hint.as_hint(image) for hint, image in zip(self.hints, digests.controls, strict=True)),
            image_prompts=tuple(
                look.as_image_prompt(image) for look, image in zip(self.looks, digests.looks, strict=True)
            ),
            styles=self.styles.value,
            images=self.images.value,
            model=self.model.value,
            preset=self.preset.value,
            strength=self.strength.value if task.reworks_layer else 1.0,
            pixel_format=pixel_format,
        )


def followed(
    request: GenerateRequest, hints: Sequence[str | None], looks: Sequence[str | None]
) -> tuple[ControlLayer, ...]:
    """What makes such a request again. `hints`, `looks`: ids of the layers that it saw; None for those not known."""
    return (
        *(
            ControlLayer(Follow(hint.kind.value), layer, hint.weight, hint.start, hint.end)
            for hint, layer in zip(request.control, hints, strict=False)
            if layer
        ),
        *(
            ControlLayer(Follow.LOOK, layer, prompt.weight, adapter=prompt.adapter)
            for prompt, layer in zip(request.image_prompts, looks, strict=False)
            if layer
        ),
    )


def new_seed() -> int:
    return random.randint(0, MAX_SEED)
