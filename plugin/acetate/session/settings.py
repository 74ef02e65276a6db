"""What the painter has set in the docker, and the request that it makes."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from enum import Enum
from types import SimpleNamespace, UnionType
from typing import Any, Generic, TypeVar, overload

from acetate.protocol.errors import DocumentError
from acetate.protocol.geometry import Bounds
from acetate.protocol.labels import label_of
from acetate.protocol.pictures import Click, Light, Subject
from acetate.protocol.pixels import PixelFormat
from acetate.protocol.reading import fields_read, only_read, value_of
from acetate.protocol.requests import (
    MAX_SEED,
    GenerateRequest,
    Preset,
    Scheduler,
    Style,
    Task,
)
from acetate.protocol.tasks import Traits
from acetate.session.control_layers import ControlLayer
from acetate.session.observable import Observable
from acetate.session.region import Length, Reach, RegionKind, Unit

# What a picker can hold besides the ids of layers.
NONE = "none"
BELOW = "below"  # everything under the active layer
UP_TO = "up_to"  # the active layer and everything under it
CANVAS = "canvas"
ACTIVE = "active"
UNREAD = ""  # in place of the digest of a picture that is still to be read
_WORDS = (NONE, BELOW, UP_TO, CANVAS, ACTIVE)

Picked = tuple[str, ...]
"""One of the words, or the ids of layers, topmost first."""


class Outcome(str, Enum):
    """What becomes of another version of a layer."""

    ABOVE = "above"  # a new layer above the old one, which stays
    REPLACE = "replace"


T = TypeVar("T")


class Setting(Generic[T]):
    """Declares a setting: all that is to be known of it stands in one line of Settings."""

    def __init__(
        self,
        kind: type[T] | UnionType,
        default: T,
        *,
        is_copied: bool = False,
        is_looked_at: bool = False,
        field: str = "",
        counts: Callable[[Traits], bool] | None = None,
    ) -> None:
        self.kind = kind  # as the codec reads it
        self.default = default
        self.is_copied = is_copied  # taken over from what made a layer, where it counts for its task
        self.is_looked_at = is_looked_at  # decides what is read from the canvas
        self.field = field  # of the request, whose reading decides whether it counts; that of its name where empty
        self.name = ""
        self._counts = counts  # where no field of the request says so

    def __set_name__(self, owner: type, name: str) -> None:
        self.name, self.field = name, self.field or name

    def is_used(self, traits: Traits, read: Collection[str]) -> bool:
        """`read`: fields of the request that count, and parts of them."""
        if self._counts is not None:
            return self._counts(traits)
        return any(path.partition(".")[0] == self.field or path == self.field for path in read)

    @overload
    def __get__(self, settings: None, owner: type) -> Setting[T]: ...
    @overload
    def __get__(self, settings: Settings, owner: type) -> Observable[T]: ...
    def __get__(self, settings: Settings | None, owner: type) -> Setting[T] | Observable[T]:
        return self if settings is None else settings.values[self.name]


def _takes_region(traits: Traits) -> bool:
    return not traits.beyond


class Settings:
    """Observable values; a document keeps all of them."""

    model = Setting(str, "mini", is_copied=True)
    task = Setting(Task, Task.FOREGROUND, is_copied=True, is_looked_at=True)
    prompt = Setting(str, "", is_copied=True)
    negative_prompt = Setting(str, "", is_copied=True)
    background_prompt = Setting(str, "", is_copied=True)  # joint, or a foreground on a background: what lies behind
    foreground_prompt = Setting(str, "", is_copied=True)  # a background behind a foreground: what stands there
    blended_prompt = Setting(str, "", is_copied=True)  # what both show together; of their prompts where empty
    background = Setting(Picked, (BELOW,), is_looked_at=True, counts=lambda task: task.background)
    foreground = Setting(Picked, (ACTIVE,), is_looked_at=True, counts=lambda task: task.foreground)
    seed = Setting(int, 0, is_copied=True)
    random_seed = Setting(bool, True, field="seed")
    preset = Setting(Preset, Preset.DRAFT, is_copied=True)
    steps = Setting[int | None](int | None, None, is_copied=True)  # those of quality and model where None
    scheduler = Setting[Scheduler | None](Scheduler | None, None, is_copied=True)
    guidance_scale = Setting[float | None](float | None, None, is_copied=True)
    finish = Setting(bool, True, is_copied=True)
    strength = Setting(float, 0.6, is_copied=True)  # refine and inpaint: 0 keeps the layer, 1 makes another
    images = Setting(int, 1, is_copied=True)
    region = Setting(RegionKind, RegionKind.SELECTION, is_looked_at=True, counts=_takes_region)
    grow = Setting(Length, Length(0, Unit.PIXELS), is_looked_at=True, counts=_takes_region)
    feather = Setting(Length, Length(0, Unit.PIXELS), is_looked_at=True, counts=_takes_region)
    padding = Setting(Length, Length(25, Unit.PERCENT), is_looked_at=True, counts=lambda task: task.context)
    outcome = Setting(Outcome, Outcome.ABOVE, is_looked_at=True, counts=lambda task: task.reworks)
    # new layers are opaque, and their transparency is a mask: results of every task, those of the history too
    as_mask = Setting(bool, False, counts=lambda task: True)
    # canvas pixels: around the subject
    box = Setting[Bounds | None](Bounds | None, None, is_copied=True, field="subject.box")
    clicks = Setting(tuple[Click, ...], (), is_copied=True, field="subject.clicks")  # on the subject, and beside it
    most = Setting(int, 1, is_copied=True, field="subject.most")  # subjects
    light = Setting(Light, Light())  # of shadows, reflections, and what stands in front
    settle = Setting(bool, False, is_copied=True)  # something in front: with its shadow and its light
    factor = Setting(int, 2, is_copied=True)  # of enlarging
    # how far beyond the canvas is painted
    margin = Setting(Length, Length(25, Unit.PERCENT), is_looked_at=True, counts=lambda task: task.beyond)
    controls = Setting(tuple[ControlLayer, ...], (), is_looked_at=True, field="control")
    styles = Setting(tuple[Style, ...], (), is_copied=True)

    def __init__(self) -> None:
        self.native = 128  # side in pixels that the chosen model works best at
        self.values: dict[str, Observable[Any]] = {name: Observable(it.default) for name, it in DECLARED.items()}
        self.used: Observable[frozenset[str]] = Observable(frozenset())
        """Names of what counts for the task, parts by a dot ("light.angle"): of anything else no row is shown."""
        for setting in (self.task, self.model, self.settle):
            setting.bind(lambda _: self._show_used())

    @property
    def reach(self) -> Reach:
        return Reach(self.grow.value, self.feather.value, self.padding.value)

    @property
    def hints(self) -> tuple[ControlLayer, ...]:
        """In the order of the request's `control`."""
        return tuple(layer for layer in self._followed if not layer.is_look)

    @property
    def looks(self) -> tuple[ControlLayer, ...]:
        """In the order of the request's `image_prompts`."""
        return tuple(layer for layer in self._followed if layer.is_look)

    def roll_seed(self) -> None:
        """A new seed, where the painter wants each picture to differ."""
        if self.random_seed.value:
            self.seed.value = new_seed()

    def saved(self) -> Saved:
        return Saved(**{name: value.value for name, value in self.values.items()})

    def restore(self, saved: Saved) -> None:
        self.take(vars(saved))

    def bind_looked_at(self, listener: Callable[[], None]) -> None:
        """Calls it whenever a setting changes that decides what is read from the canvas."""
        for name, setting in DECLARED.items():
            if setting.is_looked_at:
                self.values[name].changed.connect(lambda _: listener())

    def take(self, values: Mapping[str, Any]) -> None:
        """These; the others stay as they are."""
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
        """What made a layer, so that the next press makes it again; pickers of layers and region stay.

        Raises DocumentError where it came of something that has no settings here.
        """
        if not request.task.traits.is_offered:
            raise DocumentError(
                f"what came of “{label_of(request.task)}” has no settings in the docker",
                "Copy those of a layer that Generate has made.",
            )
        read = fields_read(request)
        for name, setting in DECLARED.items():
            if setting.is_copied and setting.field in read:
                self.values[name].value = value_of(request, setting.field)
        light = {path.partition(".")[2]: value_of(request, path) for path in read if path.startswith("light.")}
        self.light.value = replace(self.light.value, **light)
        if "seed" in read:
            self.random_seed.value = False

    @property
    def blended(self) -> str:
        """What foreground and background show together where the painter names nothing for both."""
        return replace(self.request(Bounds(0, 0, 1, 1), PixelFormat.RGBA8), blended_prompt="").blended

    @property
    def _followed(self) -> tuple[ControlLayer, ...]:
        followed: tuple[ControlLayer, ...] = self.controls.value if "controls" in self.used.value else ()
        return followed

    def _show_used(self) -> None:
        request = self._whole(Bounds(0, 0, 1, 1), PixelFormat.RGBA8)
        traits, read = request.task.traits, fields_read(request)
        names = (name for name, setting in DECLARED.items() if setting.is_used(traits, read))
        self.used.value = frozenset((*names, *(path for path in read if "." in path)))

    def request(self, bounds: Bounds, pixel_format: PixelFormat) -> GenerateRequest:
        """Everything that decides the result but the pictures, which are still to be read. Not validated yet."""
        return only_read(self._whole(bounds, pixel_format))

    def _whole(self, bounds: Bounds, pixel_format: PixelFormat) -> GenerateRequest:
        """With what does not count for the task."""
        return GenerateRequest(
            task=self.task.value,
            bounds=bounds,
            seed=self.seed.value,
            prompt=self.prompt.value.strip(),
            negative_prompt=self.negative_prompt.value.strip(),
            background_prompt=self.background_prompt.value.strip(),
            foreground_prompt=self.foreground_prompt.value.strip(),
            blended_prompt=self.blended_prompt.value.strip(),
            control=tuple(hint.as_hint(UNREAD) for hint in self.hints),
            image_prompts=tuple(look.as_image_prompt(UNREAD) for look in self.looks),
            styles=self.styles.value,
            images=self.images.value,
            model=self.model.value,
            preset=self.preset.value,
            steps=self.steps.value,
            scheduler=self.scheduler.value,
            guidance_scale=self.guidance_scale.value,
            finish=self.finish.value,
            subject=Subject(self.box.value, self.clicks.value, self.most.value),
            light=self.light.value,
            settle=self.settle.value,
            factor=self.factor.value,
            strength=self.strength.value,
            pixel_format=pixel_format,
        )


DECLARED: dict[str, Setting[Any]] = {name: it for name, it in vars(Settings).items() if isinstance(it, Setting)}


class Saved(SimpleNamespace):
    """The settings as a document keeps them: the value of each that is declared."""


def new_seed() -> int:
    return random.randint(0, MAX_SEED)
