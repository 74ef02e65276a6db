"""Which layers condition what: from the pickers to views of the document, and from those to pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from acetate.coroutines import Loop
from acetate.krita.document import OpenDocument, Place
from acetate.krita.reading import Show, Snapshot, View
from acetate.picture import Picture
from acetate.protocol.errors import DocumentError
from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import ControlHint, GenerateRequest, ImagePrompt
from acetate.session.settings import ACTIVE, BELOW, CANVAS, NONE, UP_TO, Digests, Picked

Asked = TypeVar("Asked", ControlHint, ImagePrompt)

ReadMask = Callable[[Bounds], Picture]  # for any thread


@dataclass(frozen=True)
class Pictures:
    """What a request names by digest; None for what was not read."""

    background: Picture | None = None
    foreground: Picture | None = None
    mask: Picture | None = None
    controls: tuple[Picture | None, ...] = ()
    looks: tuple[Picture | None, ...] = ()

    @property
    def all(self) -> tuple[Picture, ...]:
        named = (self.background, self.foreground, self.mask, *self.controls, *self.looks)
        return tuple(picture for picture in named if picture is not None)

    def hash(self) -> Pictures:
        """Takes long: in a thread. Afterwards every digest is known."""
        for picture in self.all:
            _ = picture.digest
        return self

    def name_in(self, request: GenerateRequest) -> GenerateRequest:
        """The request with their digests; what was not read stays as the request has it."""
        return replace(
            request,
            background=self.background.digest if self.background else request.background,
            foreground=self.foreground.digest if self.foreground else request.foreground,
            mask=self.mask.digest if self.mask else request.mask,
            control=_named(request.control, self.controls),
            image_prompts=_named(request.image_prompts, self.looks),
        )


def _named(asked: tuple[Asked, ...], seen: tuple[Picture | None, ...]) -> tuple[Asked, ...]:
    pairs = zip(asked, seen, strict=True)
    return tuple(replace(each, image=picture.digest) if picture else each for each, picture in pairs)


@dataclass(frozen=True)
class Conditions:
    """What is to be read from the canvas for a task."""

    background: View | None = None
    foreground: View | None = None
    mask: ReadMask | None = None
    controls: tuple[View | None, ...] = ()
    looks: tuple[View | None, ...] = ()
    allows_empty: bool = False
    allows_missing: bool = False  # of what is gone the request has a digest: it has been read before

    @property
    def placeholders(self) -> Digests:
        """Stand in for pictures that are not read yet, so that a request can be validated at once."""
        some = "0" * 64
        return Digests(
            some if self.background else None,
            some if self.foreground else None,
            some if self.mask else None,
            tuple(some for _ in self.controls),
            tuple(some for _ in self.looks),
        )

    async def read(self, document: OpenDocument, bounds: Bounds, loop: Loop) -> Pictures:
        """Raises DocumentError where a chosen layer is empty in `bounds`."""
        mask = self.mask
        background = await self._read_view(document, self.background, bounds, loop, "background")
        foreground = await self._read_view(document, self.foreground, bounds, loop, "foreground")
        controls = tuple([await self._read_view(document, view, bounds, loop, "hint") for view in self.controls])
        looks = tuple([await self._read_look(document, view, loop) for view in self.looks])
        shape = await loop.thread(lambda: mask(bounds)) if mask else None
        return await loop.thread(Pictures(background, foreground, shape, controls, looks).hash)

    async def _read_look(self, document: OpenDocument, view: View | None, loop: Loop) -> Picture | None:
        """All of its layers, wherever the region is."""
        if view is None:
            return None
        document.check_open()
        try:
            bounds = document.layer_bounds(view.layers)
        except DocumentError:
            if self.allows_empty:
                return None
            raise
        return await self._read_view(document, view, bounds, loop, "look")

    async def _read_view(
        self, document: OpenDocument, view: View | None, bounds: Bounds, loop: Loop, role: str
    ) -> Picture | None:
        if view is None:
            return None
        document.check_open()
        try:
            snapshot = Snapshot(document, view)
        except DocumentError:
            if self.allows_missing:
                return None
            raise
        try:
            picture = await loop.thread(lambda: snapshot.read(bounds))
            if not self.allows_empty and await loop.thread(lambda: is_empty(picture)):
                raise DocumentError(f"the {role} is empty in {bounds}", _REMEDY[view.show])
        finally:
            snapshot.close()
        return picture


_CHOOSE = "Choose a layer that has pixels there, or select another region."
_REMEDY: Mapping[Show, str] = {
    Show.BELOW: "Choose “Whole canvas”, or make a layer active that has something below it.",
    Show.UP_TO: _CHOOSE,
    Show.EVERYTHING: "Paint something, or choose another region.",
    Show.ONLY: _CHOOSE,
    Show.INSIDE: _CHOOSE,
    Show.BARE: _CHOOSE,
}


def view_of(picked: Picked, document: OpenDocument, place: Place, alone: Show = Show.ONLY) -> View | None:
    """What a picker says. `alone`: how chosen layers are shown.

    “Layers below” of the lowest layer is that layer: a new layer goes above it, and there is nothing else.
    """
    anchor = (place.anchor,)
    if picked == (BELOW,):
        return View(Show.ONLY if document.is_lowest(place.anchor) else Show.BELOW, anchor)
    fixed = {
        (NONE,): None,
        (UP_TO,): View(Show.UP_TO, anchor),
        (CANVAS,): View(Show.EVERYTHING),
        (ACTIVE,): View(alone, anchor),
    }
    return fixed[picked] if picked in fixed else View(alone, picked)


def is_empty(picture: Picture) -> bool:
    """Whether no pixel of a picture with alpha is visible."""
    pixel = picture.format.bytes_per_pixel
    return not any(any(strip[pixel - 1 :: pixel]) for strip in picture.strips)  # RGBA16: the high byte of alpha
