"""What a press of a button means: the request, what is to be read for it, and where the result goes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from acetate.krita.document import OpenDocument, Place
from acetate.krita.reading import Show, View
from acetate.krita.selection import Mask, selected
from acetate.picture import Picture
from acetate.protocol.errors import DocumentError
from acetate.protocol.geometry import Bounds
from acetate.protocol.pixels import PixelFormat
from acetate.protocol.requests import GenerateRequest, Task
from acetate.session.conditions import Conditions, Pictures, view_of
from acetate.session.jobs import Job
from acetate.session.recipes import Recipe, Shape
from acetate.session.region import Region, RegionKind
from acetate.session.settings import ACTIVE, BELOW, ControlLayer, Outcome, Picked, Settings, new_seed


@dataclass(frozen=True)
class Work:
    """A job, and where on the canvas it comes from and goes to."""

    job: Job
    document: OpenDocument
    place: Place
    conditions: Conditions
    replaces: str | None = None  # id of the layer whose place the result takes

    @property
    def outcome(self) -> Outcome:
        return Outcome.REPLACE if self.replaces else Outcome.ABOVE

    def recipe(self, pictures: Pictures) -> Recipe:
        """Packs the mask: in a thread."""
        seen = self.conditions
        shape = Shape.of(pictures.mask) if pictures.mask else None
        return Recipe(
            self.job.request,
            self.outcome,
            seen.background,
            seen.foreground,
            seen.controls,
            seen.looks,
            shape,
        )

    def mask_of_bounds(self, pictures: Pictures) -> Picture | None:
        """Takes long: in a thread."""
        request = self.job.request
        return pictures.mask.cropped(request.bounds.relative_to(request.covered)) if pictures.mask else None


def prepare(settings: Settings, document: OpenDocument) -> Work:
    """With the settings as they are. Raises DocumentError, InvalidRequest."""
    place, task = document.place(), settings.task.value
    replaces = _replaced(settings, place) if task.reworks_layer else None
    region, conditions = look(settings, document, place, replaces)
    request = replace(
        settings.request(region.bounds, conditions.placeholders, pixel_format(document)),
        context=region.context if region.context != region.bounds else None,
        cut_out=conditions.mask is not None and replaces is None,
    )
    request.validate()
    return Work(Job(request), document, _goes_to(request, document, place, conditions), conditions, replaces)


def prepare_edges(document: OpenDocument, hint: ControlLayer) -> Work:
    """A hint made of a layer, above it. Raises DocumentError."""
    layer = document.place().anchor if hint.layer == ACTIVE else hint.layer
    conditions = Conditions(foreground=View(Show.ONLY, (layer,)))
    request = GenerateRequest(
        Task.EDGES,
        document.bounds,
        seed=0,
        prompt=f"Edges of {document.layer_name(layer)}",
        foreground=conditions.placeholders.foreground,
        pixel_format=pixel_format(document),
    )
    return Work(Job(request), document, document.place_above(layer), conditions)


def prepare_again(recipe: Recipe, document: OpenDocument, layer: str | None, *, is_varied: bool) -> Work:
    """What made `layer`, once more, above it or in its place; above the active layer where None.

    With another seed where `is_varied`. Its conditions are read anew; of what is gone the engine may still have the
    picture.
    """
    request = replace(recipe.request, seed=new_seed()) if is_varied else recipe.request
    shape = recipe.mask
    conditions = Conditions(
        _without(layer, recipe.background),
        _without(layer, recipe.foreground),
        (lambda bounds: shape.picture()) if shape else None,
        tuple(_without(layer, view) for view in recipe.controls or (None,) * len(request.control)),
        tuple(_without(layer, view) for view in recipe.looks or (None,) * len(request.image_prompts)),
        allows_empty=True,
        allows_missing=True,
    )
    replaces = layer if recipe.outcome is Outcome.REPLACE else None
    place = document.place_above(layer) if layer else document.place()
    return Work(Job(request), document, place, conditions, replaces)


def _without(layer: str | None, view: View | None) -> View | None:
    """When it was made it was not there."""
    return replace(view, hidden=(layer,)) if view and layer else view


def look(
    settings: Settings, document: OpenDocument, place: Place, replaces: str | None = None
) -> tuple[Region, Conditions]:
    """What the task looks at, with the settings as they are. Raises DocumentError."""
    task = settings.task.value
    region = _region(settings, document, place)
    alone = _alone(task, document, replaces)
    is_shaped = region.is_selected or task.needs_mask
    conditions = Conditions(
        view_of(settings.background.value, document, place) if task.needs_background else None,
        view_of(settings.foreground.value, document, place, alone) if task.needs_foreground else None,
        Mask(document, region.grow, region.feather).read if is_shaped else None,
        tuple(view_of((hint.layer,), document, place) for hint in settings.hints),
        tuple(view_of((look.layer,), document, place) for look in settings.looks),
        allows_empty=task is Task.IDENTITY,  # it gives back whatever there is
    )
    return region, conditions


def pixel_format(document: OpenDocument) -> PixelFormat:
    return document.colour_space.wire_format


def _alone(task: Task, document: OpenDocument, replaces: str | None) -> Show:
    """How the foreground is shown: what takes its place must look the same there."""
    if not task.reworks_layer:
        return Show.ONLY
    return Show.BARE if replaces and document.is_plain(replaces) else Show.INSIDE


def _region(settings: Settings, document: OpenDocument, place: Place) -> Region:
    kind, task = settings.region.value, settings.task.value
    found = selected(document) if kind is RegionKind.SELECTION else None
    base = found or _unselected(kind, settings, document, place)
    return settings.reach.around(base, document.bounds, is_selected=found is not None, uses_context=task.uses_context)


def _unselected(kind: RegionKind, settings: Settings, document: OpenDocument, place: Place) -> Bounds:
    """The layer for tasks that work on one, the canvas for the others; or as is chosen."""
    task = settings.task.value
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


def _goes_to(request: GenerateRequest, document: OpenDocument, place: Place, conditions: Conditions) -> Place:
    """Above the active layer; a background goes below what it lies behind, another version above what it comes from."""
    if conditions.foreground is None:
        return place
    if request.task is Task.BACKGROUND_BEHIND_FOREGROUND:
        return document.place_below(conditions.foreground.layers[-1])
    return document.place_above(conditions.foreground.layers[0]) if request.task.reworks_layer else place
