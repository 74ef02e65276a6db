"""From a plan of a stack to the request, to what is read from the canvas for it, and to the group that is inserted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from acetate.host import Document, Member
from acetate.protocol.errors import InvalidRequest
from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import GenerateRequest, Role, Slot, StackLayer, Task
from acetate.session.control_layers import ControlLayer
from acetate.session.pictures import Absent, Draft, Source, sources, view_of
from acetate.session.recipes import Recipe
from acetate.session.settings import UNREAD, Settings
from acetate.session.stack import LayersToMake, Stack, StackEntry, plan
from acetate.session.views import Place, Show, View


@dataclass(frozen=True)
class Asked:
    """A layer of the request, the entry that it is, and how its earlier picture is read."""

    entry: StackEntry
    layer: StackLayer
    is_made: bool
    view: View | None


@dataclass(frozen=True)
class StackPlan:
    """What is asked for, and where it goes."""

    stack: Stack
    asked: tuple[Asked, ...]  # bottom to top, as the layers of the request
    place: Place
    draft: Draft


def prepare(
    stack: Stack, settings: Settings, document: Document, only: int | None = None, *, with_above: bool = False
) -> StackPlan:
    """Raises DocumentError, InvalidRequest."""
    there = document.members(stack.group)
    wanted = plan(stack, there, only, with_above=with_above)
    covered = _covered(wanted, document.bounds)
    asked = tuple(_asked(wanted, document.bounds, covered, there))
    place = document.place_above(stack.group) if there else document.place()
    document.check_place(place)
    if there:
        document.check_unlocked(stack.group)
    everything = _followers(settings.controls.value, asked)
    hints = [follower for follower in everything if not follower.followed.is_look]
    looks = [follower for follower in everything if follower.followed.is_look]
    request = GenerateRequest(
        task=Task.STACK,
        bounds=covered,
        seed=stack.entries[wanted.made[0]].seed,
        negative_prompt=settings.negative_prompt.value.strip(),
        layers=tuple(part.layer for part in asked),
        control=tuple(follower.followed.as_hint(UNREAD, follower.index) for follower in hints),
        styles=settings.styles.value,
        image_prompts=tuple(follower.followed.as_image_prompt(UNREAD, follower.index) for follower in looks),
        model=settings.model.value,
        preset=settings.preset.value,
        pixel_format=document.wire_format,
    )
    below = View(Show.BELOW if there else Show.UP_TO, (stack.group if there else place.anchor,))
    hint_views, look_views = (
        [view_of((follower.followed.layer,), document, document.place()) for follower in those]
        for those in (hints, looks)
    )
    found = [
        *sources(Role.BACKGROUND, [below if stack.sees_below else None], covered, Absent.LEFT_OUT),
        *(
            Source(Slot(Role.LAYER, index), part.view, part.layer.bounds or covered, Absent.SENT)
            for index, part in enumerate(asked)
            if part.view
        ),
        *sources(Role.HINT, hint_views, covered, Absent.REFUSED),
        *sources(Role.LOOK, look_views, None, Absent.REFUSED),
    ]
    draft = Draft(request, tuple(found))
    draft.check()
    return StackPlan(stack, asked, place, draft)


@dataclass(frozen=True)
class _Follower:
    """A layer that is followed, and the index of the layer of the request that does; None: all of them."""

    followed: ControlLayer
    index: int | None


def _followers(shared: Sequence[ControlLayer], asked: Sequence[Asked]) -> list[_Follower]:
    own = [_Follower(layer, index) for index, part in enumerate(asked) if part.is_made for layer in part.entry.follows]
    return [*(_Follower(layer, None) for layer in shared), *own]


def _covered(wanted: LayersToMake, canvas: Bounds) -> Bounds:
    """Around all layers that are made."""
    regions = {index: _region(wanted.stack.entries[index], canvas) for index in wanted.made}
    for index, region in regions.items():
        if region.is_empty:
            raise InvalidRequest(f"layer {index + 1} lies beside the canvas", "Choose another region for it.")
    return Bounds.around(regions.values())


def _region(entry: StackEntry, canvas: Bounds) -> Bounds:
    return (entry.region or canvas).intersection(canvas)


def _asked(wanted: LayersToMake, canvas: Bounds, covered: Bounds, there: Mapping[str, Member]) -> list[Asked]:
    parts = []
    for index, entry in enumerate(wanted.stack.entries):
        if index in wanted.made:
            parts.append(_made(entry, _region(entry, canvas), is_there=entry.layer in there))
        elif index in wanted.seen and not (shown := there[entry.layer].bounds.intersection(covered)).is_empty:
            layer = StackLayer(entry.prompt.strip(), shown, entry.seed, 0.0)
            parts.append(Asked(entry, layer, False, View(Show.INSIDE, (entry.layer,))))
    return parts


def _made(entry: StackEntry, region: Bounds, *, is_there: bool) -> Asked:
    if not is_there or entry.strength == 1.0:
        return Asked(entry, StackLayer(entry.prompt.strip(), region, entry.seed), True, None)
    layer = StackLayer(entry.prompt.strip(), region, entry.seed, entry.strength)
    return Asked(entry, layer, True, View(Show.BARE, (entry.layer,)))


def recipe(planned: StackPlan, request: GenerateRequest, asked: Asked, layer: str) -> Recipe:
    """How a layer of the stack is made alone, for whoever wants it again or another like it."""
    index, views = planned.asked.index(asked), planned.draft.views
    hints = [pair for pair in zip(request.control, views(Role.HINT), strict=True) if pair[0].layer in (None, index)]
    looks = [
        pair for pair in zip(request.image_prompts, views(Role.LOOK), strict=True) if pair[0].layer in (None, index)
    ]
    alone = replace(
        request,
        task=Task.FOREGROUND_ON_BACKGROUND,
        bounds=asked.layer.bounds or request.bounds,
        prompt=asked.layer.prompt,
        seed=asked.entry.seed,
        background=None,  # what lies below it now: to be read
        layers=(),
        control=tuple(replace(hint, layer=None) for hint, _ in hints),
        image_prompts=tuple(replace(prompt, layer=None) for prompt, _ in looks),
    )
    below = View(Show.BELOW, (layer,))
    return Recipe(
        alone, background=below, controls=tuple(view for _, view in hints), looks=tuple(view for _, view in looks)
    )
