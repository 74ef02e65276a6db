"""How the layers of a document were made. Kept in the document, so that it survives saving and copying the file."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from acetate.host import Document
from acetate.picture import Picture, row_strips
from acetate.protocol.errors import DocumentError, JsonValue
from acetate.protocol.events import LayerResult
from acetate.protocol.geometry import Bounds, Extent
from acetate.protocol.kept import Records, Unread, amend_list, read_list, read_record
from acetate.protocol.labels import label_of
from acetate.protocol.pixels import PixelFormat
from acetate.protocol.reading import fields_read
from acetate.protocol.requests import GenerateRequest, Role, Slot, Task
from acetate.session.control_layers import ControlLayer, followed
from acetate.session.pictures import Absent, Draft, Pictures, Source, sources
from acetate.session.settings import Outcome
from acetate.session.views import Show, View

RECIPES = "acetate/layers"  # type of the annotation
_KEPT = "kept"  # the list within the annotation


@dataclass(frozen=True)
class LayerShape:
    """The mask that a layer was made with, packed: a selection is gone when it is wanted again."""

    extent: Extent
    packed: str  # A8 coverage, zlib, base64

    @staticmethod
    def of(mask: Picture) -> LayerShape:
        packed = zlib.compress(b"".join(mask.strips))
        return LayerShape(mask.extent, base64.b64encode(packed).decode())

    def picture(self) -> Picture:
        """Raises DocumentError where it is not what `of` packs."""
        data, area = self._unpacked(), Bounds.of(self.extent)
        rows = row_strips(area, PixelFormat.A8.bytes_per_pixel)
        strips = (data[strip.y * area.width : strip.bottom * area.width] for strip in rows)
        return Picture(self.extent, PixelFormat.A8, tuple(strips))

    def _unpacked(self) -> bytes:
        size = self.extent.area * PixelFormat.A8.bytes_per_pixel
        try:
            data = zlib.decompressobj().decompress(base64.b64decode(self.packed), size + 1)
        except (binascii.Error, ValueError, zlib.error):
            data = b""  # of another size, too: the next line tells
        if len(data) != size:
            raise DocumentError(
                "the mask that the layer was made with cannot be read", "Select the region and generate it anew."
            )
        return data

    def read(self, bounds: Bounds) -> Picture:
        """It is as large as `bounds`."""
        return self.picture()


@dataclass(frozen=True)
class Recipe:
    """A request, and where in the document its pictures came from; None where only their digests are known."""

    request: GenerateRequest
    outcome: Outcome = Outcome.ABOVE
    background: View | None = None
    foreground: View | None = None
    controls: tuple[View | None, ...] = ()
    looks: tuple[View | None, ...] = ()
    mask: LayerShape | None = None

    def __post_init__(self) -> None:
        for view in (self.background, self.foreground, *self.controls, *self.looks):
            if view is not None and not view.layers and view.show is not Show.EVERYTHING:
                raise ValueError(f"a view of {view.show.value} names no layer")

    @staticmethod
    def of(draft: Draft, request: GenerateRequest, outcome: Outcome, pictures: Pictures) -> Recipe:
        """Packs the mask: in a thread."""
        (background,), (foreground,) = draft.views(Role.BACKGROUND), draft.views(Role.FOREGROUND)
        mask = pictures.get(Slot(Role.MASK))
        shape = LayerShape.of(mask) if mask else None
        return Recipe(request, outcome, background, foreground, draft.views(Role.HINT), draft.views(Role.LOOK), shape)

    def draft(self, layer: str | None, seed: int) -> Draft:
        """To make it once more; `layer` is what came of it, which was not there then.

        Its pictures are read anew; of what is gone the engine may still have the picture.
        """
        covered = self.request.covered
        found = [
            *sources(Role.BACKGROUND, [_without(layer, self.background)], covered, Absent.SENT),
            *sources(Role.FOREGROUND, [_without(layer, self.foreground)], covered, Absent.SENT),
            *([Source(Slot(Role.MASK), self.mask, covered)] if self.mask else ()),
            *sources(Role.HINT, [_without(layer, view) for view in self.controls], covered, Absent.SENT),
            *sources(Role.LOOK, [_without(layer, view) for view in self.looks], None, Absent.SENT),
        ]
        return Draft(replace(self.request, seed=seed), tuple(found))

    @property
    def layer_name(self) -> str:
        """What the layer is called at first, and copies of it at the end of their names."""
        prompt = " ".join(self.request.prompt.split())
        return f"{prompt} · {self.request.seed}" if prompt else ""

    def moved(self, way: tuple[int, int]) -> Recipe:
        """By so many pixels: the region goes with a layer that was moved."""
        context = self.request.context
        bounds = self.request.bounds.moved(*way)
        return replace(
            self, request=replace(self.request, bounds=bounds, context=context.moved(*way) if context else None)
        )

    @property
    def followed(self) -> tuple[ControlLayer, ...]:
        """The layers that it followed, as the docker sets them, of as many as are known."""
        return followed(self.request, _layers(self.controls), _layers(self.looks))

    def of_layer(self, layer: LayerResult) -> Recipe:
        """The recipe of one of the alternatives that came of it."""
        if self.request.task is Task.STACK:
            return self  # its layers have seeds of their own, and are made together
        return replace(self, request=replace(self.request, seed=layer.seed, images=1))


def why_not_varied(request: GenerateRequest) -> DocumentError | None:
    """What a painter is told where another seed would make the same again; None where it makes another."""
    if "seed" in fields_read(request):
        return None
    task = label_of(request.task)
    return DocumentError(
        f"“{task}” comes out the same with any seed", "Change its settings in the docker, and make it anew."
    )


def _without(layer: str | None, view: View | None) -> View | None:
    """When the layer was made it was not there."""
    return replace(view, hidden=(layer,)) if view and layer else view


def _way(old: Bounds | None, new: Bounds) -> tuple[int, int]:
    """How far a layer was moved, by its middle where it was painted on, too."""
    if old is None or old.is_empty or new.is_empty:
        return 0, 0
    if old.extent == new.extent:
        return new.x - old.x, new.y - old.y
    return (new.x + new.right - old.x - old.right) // 2, (new.y + new.bottom - old.y - old.bottom) // 2


def _layers(views: tuple[View | None, ...]) -> tuple[str | None, ...]:
    return tuple(view.layers[0] if view else None for view in views)


@dataclass(frozen=True)
class _Kept:
    layer: str  # id of a layer: stays the same in copies of the file
    recipe: Recipe
    box: Bounds | None = None  # what it covered when it came: it may be moved later
    name: str = ""  # when it came

    def is_copied_as(self, name: str) -> bool:
        """Whether a layer of this name may be a copy of it: Krita's copies are called “Copy of …”."""
        own = self.name or self.recipe.layer_name
        return bool(own) and own in name


def keep(document: Document, recipes: dict[str, Recipe], boxes: Mapping[str, Bounds]) -> None:
    """Adds to what the document keeps; keys are ids of layers. `boxes`: what these cover."""

    def is_kept(record: JsonValue) -> bool:
        is_other = not isinstance(record, dict) or record.get("layer") not in recipes
        return is_other or isinstance(read_record(_Kept, record), Unread)

    new = [_Kept(layer, recipe, boxes.get(layer), document.layer_name(layer)) for layer, recipe in recipes.items()]
    document.annotate(RECIPES, amend_list(document.annotation(RECIPES), _KEPT, is_kept, new))


def recipe_of(document: Document, layer: str) -> Recipe:
    """Raises DocumentError where the layer was not made here, or how it was made cannot be read."""
    found = _read(document)
    name = document.layer_name(layer)
    for kept in found.read:
        if kept.layer == layer:
            return kept.recipe.moved(_way(kept.box, document.layer_box(layer)))
    for kept in reversed(found.read):  # a copy has an id of its own
        if kept.is_copied_as(name):
            return kept.recipe.moved(_way(kept.box, document.layer_box(layer)))
    for unread in found.unread:
        if isinstance(unread.data, dict) and unread.data.get("layer") == layer:
            raise DocumentError(
                f"how “{name}” was made cannot be read ({unread.reason})",
                "Update Acetate: the description stays in the document.",
            )
    raise DocumentError(
        f"“{name}” was not generated here",
        "Choose a layer that Acetate has made in this document.",
    )


def _read(document: Document) -> Records[_Kept]:
    return read_list(_Kept, document.annotation(RECIPES), _KEPT)
