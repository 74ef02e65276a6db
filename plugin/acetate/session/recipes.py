"""How the layers of a document were made. Kept in the document, so that it survives saving and copying the file."""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass, replace

from acetate.krita.document import RECIPES, OpenDocument
from acetate.krita.reading import View
from acetate.picture import Picture, row_strips
from acetate.protocol.errors import DocumentError
from acetate.protocol.events import LayerResult
from acetate.protocol.geometry import Bounds, Extent
from acetate.protocol.kept import Records, Unread, read_list, write_list
from acetate.protocol.pixels import PixelFormat
from acetate.protocol.requests import GenerateRequest, Task
from acetate.session.settings import ControlLayer, Outcome, followed

_KEPT = "kept"  # the list within the annotation


@dataclass(frozen=True)
class Shape:
    """The mask that a layer was made with, packed: a selection is gone when it is wanted again."""

    extent: Extent
    packed: str  # A8 coverage, zlib, base64

    @staticmethod
    def of(mask: Picture) -> Shape:
        packed = zlib.compress(b"".join(mask.strips))
        return Shape(mask.extent, base64.b64encode(packed).decode())

    def picture(self) -> Picture:
        data, area = zlib.decompress(base64.b64decode(self.packed)), Bounds.of(self.extent)
        rows = row_strips(area, PixelFormat.A8.bytes_per_pixel)
        strips = (data[strip.y * area.width : strip.bottom * area.width] for strip in rows)
        return Picture(self.extent, PixelFormat.A8, tuple(strips))


@dataclass(frozen=True)
class Recipe:
    """A request, and where in the document its pictures came from; None where only their digests are known."""

    request: GenerateRequest
    outcome: Outcome = Outcome.ABOVE
    background: View | None = None
    foreground: View | None = None
    controls: tuple[View | None, ...] = ()
    looks: tuple[View | None, ...] = ()
    mask: Shape | None = None

    @property
    def followed(self) -> tuple[ControlLayer, ...]:
        """The layers that it followed, as the docker sets them, of as many as are known."""
        return followed(self.request, _layers(self.controls), _layers(self.looks))

    def of_layer(self, layer: LayerResult) -> Recipe:
        """The recipe of one of the alternatives that came of it."""
        if self.request.task is Task.STACK:
            return self  # its layers have seeds of their own, and are made together
        return replace(self, request=replace(self.request, seed=layer.seed, images=1))


def _layers(views: tuple[View | None, ...]) -> tuple[str | None, ...]:
    return tuple(view.layers[0] if view else None for view in views)


@dataclass(frozen=True)
class _Kept:
    layer: str  # id of a layer: stays the same in copies of the file
    recipe: Recipe


def keep(document: OpenDocument, recipes: dict[str, Recipe]) -> None:
    """Adds to what the document keeps; keys are ids of layers."""
    old = [kept for kept in _read(document).entries if isinstance(kept, Unread) or kept.layer not in recipes]
    new = [_Kept(layer, recipe) for layer, recipe in recipes.items()]
    document.annotate(RECIPES, write_list([*old, *new], _KEPT))


def recipe_of(document: OpenDocument, layer: str) -> Recipe:
    """Raises DocumentError where the layer was not made here, or how it was made cannot be read."""
    found = _read(document)
    for kept in found.read:
        if kept.layer == layer:
            return kept.recipe
    for unread in found.unread:
        if isinstance(unread.data, dict) and unread.data.get("layer") == layer:
            raise DocumentError(
                f"how “{document.layer_name(layer)}” was made cannot be read ({unread.reason})",
                "Update Acetate: the description stays in the document.",
            )
    raise DocumentError(
        f"“{document.layer_name(layer)}” was not generated here",
        "Choose a layer that Acetate has made in this document.",
    )


def _read(document: OpenDocument) -> Records[_Kept]:
    return read_list(_Kept, document.annotation(RECIPES), _KEPT)
