"""From a plan of a stack to the request, to what is read from the canvas for it, and to the group that is inserted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from acetate.coroutines import Loop
from acetate.krita.document import OpenDocument, Place
from acetate.krita.reading import Show, Snapshot, View
from acetate.krita.stack_insertion import Member, members_of
from acetate.picture import Picture
from acetate.protocol.errors import InvalidRequest
from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import GenerateRequest, StackLayer, Task
from acetate.session.conditions import Conditions, is_empty, view_of
from acetate.session.jobs import Job
from acetate.session.recipes import Recipe
from acetate.session.settings import Settings
from acetate.session.stack import Plan, Stack, StackEntry, plan
from acetate.session.work import pixel_format

_UNREAD = "0" * 64  # stands for the digest of a picture that is not read yet


@dataclass(frozen=True)
class Asked:
    """A layer of the request, the entry that it is, and how its earlier picture is read."""

    entry: StackEntry
    layer: StackLayer
    is_made: bool
    view: View | None


@dataclass(frozen=True)
class StackWork:
    job: Job
    document: OpenDocument
    stack: Stack
    asked: tuple[Asked, ...]  # bottom to top, as the layers of the request
    background: View | None
    looks: tuple[View | None, ...]
    place: Place


def prepare(
    stack: Stack, settings: Settings, document: OpenDocument, only: int | None = None, *, with_above: bool = False
) -> StackWork:
    """Raises DocumentError, InvalidRequest."""
    there = members_of(document, stack.group)
    wanted = plan(stack, there, only, with_above=with_above)
    covered = _covered(wanted, document.bounds)
    asked = tuple(_asked(wanted, document.bounds, covered, there))
    place = document.place_above(stack.group) if there else document.place()
    request = GenerateRequest(
        task=Task.STACK,
        bounds=covered,
        seed=stack.entries[wanted.made[0]].seed,
        negative_prompt=settings.negative_prompt.value.strip(),
        layers=tuple(part.layer for part in asked),
        styles=settings.styles.value,
        image_prompts=tuple(look.as_image_prompt(_UNREAD) for look in settings.looks),
        model=settings.model.value,
        preset=settings.preset.value,
        pixel_format=pixel_format(document),
    )
    request.validate()
    below = View(Show.BELOW if there else Show.UP_TO, (stack.group if there else place.anchor,))
    looks = tuple(view_of((look.layer,), document, document.place()) for look in settings.looks)
    return StackWork(Job(request), document, stack, asked, below if stack.sees_below else None, looks, place)


def _covered(wanted: Plan, canvas: Bounds) -> Bounds:
    """Around all layers that are made."""
    covered = Bounds(0, 0, 0, 0)
    for index in wanted.made:
        region = _region(wanted.stack.entries[index], canvas)
        if region.is_empty:
            raise InvalidRequest(f"layer {index + 1} lies beside the canvas", "Choose another region for it.")
        covered = covered.union(region)
    return covered


def _region(entry: StackEntry, canvas: Bounds) -> Bounds:
    return (entry.region or canvas).intersection(canvas)


def _asked(wanted: Plan, canvas: Bounds, covered: Bounds, there: Mapping[str, Member]) -> list[Asked]:
    parts = []
    for index, entry in enumerate(wanted.stack.entries):
        if index in wanted.made:
            parts.append(_made(entry, _region(entry, canvas), is_there=entry.layer in there))
        elif index in wanted.seen and not (shown := there[entry.layer].bounds.intersection(covered)).is_empty:
            layer = StackLayer(entry.prompt.strip(), shown, entry.seed, 0.0, _UNREAD)
            parts.append(Asked(entry, layer, False, View(Show.INSIDE, (entry.layer,))))
    return parts


def _made(entry: StackEntry, region: Bounds, *, is_there: bool) -> Asked:
    if not is_there or entry.strength == 1.0:
        return Asked(entry, StackLayer(entry.prompt.strip(), region, entry.seed), True, None)
    layer = StackLayer(entry.prompt.strip(), region, entry.seed, entry.strength, _UNREAD)
    return Asked(entry, layer, True, View(Show.BARE, (entry.layer,)))


async def read(work: StackWork, loop: Loop) -> tuple[GenerateRequest, tuple[Picture, ...]]:
    """The request with the digests of what the canvas shows, and the pictures. Raises DocumentError."""
    request = work.job.request
    ground = await _ground(work, loop)
    layers, pictures = [], []
    for part in work.asked:
        picture = await _read(work, part.view, part.layer.bounds or request.bounds, loop)
        layers.append(replace(part.layer, picture=picture.digest if picture else None))
        pictures.append(picture)
    seen = await Conditions(looks=work.looks).read(work.document, request.covered, loop)
    named = replace(seen.name_in(request), layers=tuple(layers), background=ground.digest if ground else None)
    return named, tuple(picture for picture in (ground, *pictures, *seen.all) if picture)


async def _ground(work: StackWork, loop: Loop) -> Picture | None:
    """What the canvas shows below the stack; None where that is nothing."""
    ground = await _read(work, work.background, work.job.request.covered, loop)
    if ground is None or await loop.thread(lambda: is_empty(ground)):
        return None
    return ground


async def _read(work: StackWork, view: View | None, bounds: Bounds, loop: Loop) -> Picture | None:
    """Hashed, too."""
    if view is None:
        return None
    work.document.check_open()
    snapshot = Snapshot(work.document, view)
    try:
        picture = await loop.thread(lambda: snapshot.read(bounds))
        await loop.thread(lambda: picture.digest)
    finally:
        snapshot.close()
    return picture


def recipe(work: StackWork, asked: Asked, layer: str) -> Recipe:
    """How a layer of the stack is made alone, for whoever wants it again or another like it."""
    request = replace(
        work.job.request,
        task=Task.FOREGROUND_ON_BACKGROUND,
        bounds=asked.layer.bounds or work.job.request.bounds,
        prompt=asked.layer.prompt,
        seed=asked.entry.seed,
        background=_UNREAD,
        layers=(),
    )
    return Recipe(request, background=View(Show.BELOW, (layer,)), looks=work.looks)
