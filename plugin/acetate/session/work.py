"""What a press of a button means: the request, what is to be read for it, and where the result goes."""

from __future__ import annotations

from dataclasses import replace

from acetate.host import Document
from acetate.protocol.errors import DocumentError
from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import GenerateRequest, Role, Slot, Task
from acetate.protocol.tasks import LayerRole
from acetate.session.control_layers import ControlLayer
from acetate.session.delivery import AsSelection, InPlace, NewLayers, Placing
from acetate.session.flow import Work
from acetate.session.jobs import Job
from acetate.session.pictures import Absent, Draft, Source, sources, view_of
from acetate.session.recipes import Recipe, why_not_varied
from acetate.session.region import Region, RegionKind, good_region
from acetate.session.settings import ACTIVE, BELOW, Outcome, Picked, Settings, new_seed
from acetate.session.views import Place, Show, View


def prepare(settings: Settings, document: Document, placing: Placing) -> Work:
    """With the settings as they are. Raises DocumentError, InvalidRequest."""
    place, task = document.place(), settings.task.value
    replaced = _replaced(settings, place) if task.reworks_layer else None
    draft = draft_of(settings, document, place, replaced)
    draft.check()
    if replaced:
        document.check_unlocked(replaced)
        return Work(Job(draft.request, document), document, draft, InPlace(placing, document, replaced))
    if LayerRole.SELECTION in task.traits.returns:
        return Work(Job(draft.request, document), document, draft, AsSelection(placing, document))
    goes_to = _goes_to(draft, document, place)
    document.check_place(goes_to)
    new = NewLayers(placing, document, goes_to, settings.as_mask.value)
    return Work(Job(draft.request, document), document, draft, new)


def prepare_edges(document: Document, hint: ControlLayer, placing: Placing) -> Work:
    """A hint made of a layer, above it. Raises DocumentError."""
    layer = document.place().anchor if hint.layer == ACTIVE else hint.layer
    request = GenerateRequest(
        Task.EDGES,
        document.bounds,
        seed=0,
        prompt=f"Edges of {document.layer_name(layer)}",
        pixel_format=document.wire_format,
    )
    draft = Draft(request, (Source(Slot(Role.FOREGROUND), View(Show.ONLY, (layer,)), document.bounds),))
    return Work(Job(request, document), document, draft, NewLayers(placing, document, document.place_above(layer)))


def prepare_again(recipe: Recipe, document: Document, layer: str | None, placing: Placing, *, is_varied: bool) -> Work:
    """What made `layer`, once more, above it or in its place; above the active layer where None.

    With another seed where `is_varied`. Raises DocumentError where that would make the same.
    """
    if is_varied and (refusal := why_not_varied(recipe.request)):
        raise refusal
    draft = recipe.draft(layer, new_seed() if is_varied else recipe.request.seed)
    if layer and recipe.outcome is Outcome.REPLACE:
        document.check_unlocked(layer)
        return Work(Job(draft.request, document), document, draft, InPlace(placing, document, layer))
    place = document.place_above(layer) if layer else document.place()
    document.check_place(place)
    return Work(Job(draft.request, document), document, draft, NewLayers(placing, document, place))


def outcome_of(work: Work) -> Outcome:
    return Outcome.REPLACE if isinstance(work.delivery, InPlace) else Outcome.ABOVE


def draft_of(settings: Settings, document: Document, place: Place, replaced: str | None = None) -> Draft:
    """What the task makes and looks at, with the settings as they are. Raises DocumentError."""
    task, region = settings.task.value, _region(settings, document, place)
    covered = region.context
    request = replace(
        settings.request(region.bounds, document.wire_format),
        context=covered if covered != region.bounds else None,
        cut_out=(region.is_selected or task.needs_mask) and replaced is None,
    )
    # IDENTITY gives back whatever there is
    absent = Absent.SENT if task is Task.IDENTITY else Absent.REFUSED
    background = view_of(settings.background.value, document, place) if task.needs_background else None
    alone = _alone(task, document, replaced)
    foreground = view_of(settings.foreground.value, document, place, alone) if task.needs_foreground else None
    found = [
        *sources(Role.BACKGROUND, [background], covered, absent),
        *sources(Role.FOREGROUND, [foreground], covered, absent),
        *sources(Role.HINT, [view_of((it.layer,), document, place) for it in settings.hints], covered, absent),
        *sources(Role.LOOK, [view_of((it.layer,), document, place) for it in settings.looks], None, absent),
    ]
    if region.is_selected or task.needs_mask:
        found.append(Source(Slot(Role.MASK), document.coverage(region.grow, region.feather), covered))
    return Draft(request, tuple(found))


def _alone(task: Task, document: Document, replaced: str | None) -> Show:
    """How the foreground is shown: what takes its place must look the same there."""
    if not task.reworks_layer:
        return Show.ONLY
    return Show.BARE if replaced and document.is_plain(replaced) else Show.INSIDE


def _region(settings: Settings, document: Document, place: Place) -> Region:
    kind, task = settings.region.value, settings.task.value
    if task.traits.beyond:
        wide = document.bounds.padded(settings.margin.value.pixels(document.bounds.extent))
        return Region(wide, wide)
    found = document.selected() if kind is RegionKind.SELECTION else None
    base = found or _unselected(kind, settings, document, place)
    return settings.reach.around(base, document.bounds, is_selected=found is not None, uses_context=task.uses_context)


def _unselected(kind: RegionKind, settings: Settings, document: Document, place: Place) -> Bounds:
    """A layer's for tasks that work on one; for a new layer of a good size, in view; else the canvas; or as chosen."""
    task = settings.task.value
    if kind is RegionKind.SELECTION and task in (Task.FOREGROUND, Task.FOREGROUND_ON_BACKGROUND):
        return good_region(document.bounds, document.view_centre(), settings.native)
    if kind is RegionKind.CANVAS or (kind is RegionKind.SELECTION and task is not Task.REFINE):
        return document.bounds
    layers = layers_of(settings.foreground.value, place) if task.needs_foreground else (place.anchor,)
    return document.layer_bounds(layers)


def layers_of(picked: Picked, place: Place) -> tuple[str, ...]:
    return (place.anchor,) if picked in ((ACTIVE,), (BELOW,)) else picked


def _replaced(settings: Settings, place: Place) -> str | None:
    if settings.outcome.value is Outcome.ABOVE:
        return None
    layers = layers_of(settings.foreground.value, place)
    if len(layers) > 1:
        raise DocumentError(f"{len(layers)} layers are chosen to be replaced", "Choose one layer or group.")
    return layers[0]


def _goes_to(draft: Draft, document: Document, place: Place) -> Place:
    """Above the active layer; a background goes below what it lies behind, another version above what it comes from."""
    (foreground,) = draft.views(Role.FOREGROUND)
    if foreground is None:
        return place
    if draft.request.task.traits.behind:
        return document.place_below(foreground.layers[-1])
    return document.place_above(foreground.layers[0]) if draft.request.task.reworks_layer else place
