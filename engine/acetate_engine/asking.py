"""What a request is put together from: words or enums, hints, looks, and its pictures by digest."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, TypedDict

from acetate.protocol.errors import InvalidRequest
from acetate.protocol.pictures import Light, Subject
from acetate.protocol.pixels import PixelFormat, digest
from acetate.protocol.requests import (
    MAX_SEED,
    ControlHint,
    ControlKind,
    ControlMethod,
    GenerateRequest,
    ImagePrompt,
    Preset,
    Scheduler,
    Style,
)
from acetate.protocol.tasks import Task
from acetate_engine.compositing.images import encode_image
from acetate_engine.compositing.pixels import Pixels
from acetate_engine.sources import PictureLike, seen


class RequestFields(TypedDict, total=False):
    """Fields of GenerateRequest that a caller may leave out; a word does as well as the enum that it names."""

    model: str
    preset: Preset | str
    steps: int | None
    scheduler: Scheduler | str | None
    cache_interval: int | None
    guidance_scale: float | None
    clip_skip: int
    strength: float
    negative_prompt: str
    background_prompt: str
    foreground_prompt: str
    blended_prompt: str
    styles: tuple[Style, ...]
    images: int
    cut_out: bool
    finish: bool
    subject: Subject
    light: Light
    factor: int
    settle: bool
    pixel_format: PixelFormat | str


_WORDS: Mapping[str, type[Enum]] = {
    "task": Task,
    "preset": Preset,
    "scheduler": Scheduler,
    "pixel_format": PixelFormat,
    "kind": ControlKind,
    "method": ControlMethod,
}


def in_enums(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The same fields, words among them as the enums that they name. Raises InvalidRequest."""
    return {name: _enum(name, value) if name in _WORDS else value for name, value in fields.items()}


def _enum(name: str, value: Any) -> Any:
    kind = _WORDS[name]
    if value is None or isinstance(value, kind):
        return value
    try:
        return kind(value)
    except ValueError:
        known = ", ".join(str(each.value) for each in kind)
        raise InvalidRequest(f"{value!r} is no {name.replace('_', ' ')}", f"Choose one of these: {known}.") from None


def with_enums(request: GenerateRequest) -> GenerateRequest:
    """The same request, made of enums. Raises InvalidRequest."""
    control = tuple(replace(hint, **in_enums({"kind": hint.kind, "method": hint.method})) for hint in request.control)
    named = {name: getattr(request, name) for name in ("task", "preset", "scheduler", "pixel_format")}
    return replace(request, control=control, **in_enums(named))


@dataclass(frozen=True, eq=False)
class Hint:
    """A picture whose lines, edges, depth, pose or scribble the result follows; as large as the canvas."""

    kind: ControlKind | str
    picture: PictureLike
    weight: float = 1.0  # 0..2
    start: float = 0.0  # 0..1 of the steps
    end: float = 1.0
    method: ControlMethod | str | None = None  # the first that the model has where None


@dataclass(frozen=True, eq=False)
class Look:
    """A picture of any size, in place of words: the result gets its look."""

    picture: PictureLike
    weight: float = 1.0  # 0..2
    adapter: str | None = None  # the model's first where None


@dataclass
class NamedImages:
    """Images of one request by digest, collected while it is built."""

    images: dict[str, Pixels] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)  # what documents among them show otherwise than their programs

    def see(self, source: PictureLike | None) -> Pixels | None:
        """(h, w, 4) straight sRGB; what it lacks is noted. Raises FileError, InvalidRequest."""
        found = seen(source)
        if found is None:
            return None
        self.notes += [note for note in found.notes if note not in self.notes]
        return found.pixels

    def hinted(self, hints: Sequence[Hint]) -> list[Pixels]:
        """The pictures of hints. Raises FileError, InvalidRequest."""
        return [pixels for hint in hints if (pixels := self.see(hint.picture)) is not None]

    def add(self, pixels: Pixels | None) -> str | None:
        """The name that the request calls the image by."""
        if pixels is None:
            return None
        return self._named(pixels)

    def hint(self, hint: Hint, pixels: Pixels) -> ControlHint:
        """`pixels`: of what the request covers. Raises InvalidRequest."""
        words = in_enums({"kind": hint.kind, "method": hint.method})
        return ControlHint(image=self._named(pixels), weight=hint.weight, start=hint.start, end=hint.end, **words)

    def look(self, look: Look) -> ImagePrompt:
        """Raises FileError, InvalidRequest."""
        pixels = self.see(look.picture)
        assert pixels is not None
        return ImagePrompt(self._named(pixels), look.adapter, look.weight)

    def _named(self, pixels: Pixels) -> str:
        name = digest(encode_image(pixels))
        self.images[name] = pixels
        return name


def drawn(seed: int | None) -> int:
    """The seed, or a new one."""
    return secrets.randbelow(MAX_SEED + 1) if seed is None else seed
