"""What a painter sees of a document, or of some of its layers: the program's own picture where it holds exactly that,
composed layers where it does not, and in words what is missing of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from acetate.protocol.geometry import Bounds
from acetate_engine.compositing.pixels import Pixels
from acetate_engine.documents.choose import chosen
from acetate_engine.documents.flatten import flatten
from acetate_engine.documents.in_srgb import in_srgb
from acetate_engine.documents.self_check import FOREIGN, UNLIKE, is_unlike
from acetate_engine.documents.tree import LayeredDocument, notes_of


@dataclass(frozen=True, eq=False)
class Shown:
    pixels: Pixels  # (h, w, 4) straight sRGB
    notes: tuple[str, ...] = ()  # what is not as its program shows it


def shown(
    document: LayeredDocument, region: Bounds | None = None, layers: Sequence[str] = (), *, depth: int | None = None
) -> Shown:
    """Of `region`, or of the whole canvas; of the `layers` of these names or paths, or of all that are visible.

    Raises FileError where a layer is missing, the region is too large, or the file broken.
    """
    region, depth = region or Bounds.of(document.extent), depth or document.depth
    canvas = Bounds.of(document.extent)
    if not layers and document.merged is not None and document.merged_is_current and canvas.contains(region):
        foreign = () if document.merged_is_own or not is_unlike(document, region) else (FOREIGN,)
        return Shown(in_srgb(document.merged, region, depth), _named(document, (*document.remarks, *foreign)))
    picked = chosen(document, layers) if layers else document.layers
    pixels = flatten(picked, region, depth=depth, space=document.space)
    notes = (*document.remarks, *notes_of(picked))
    if not document.notes() and is_unlike(document, region):
        notes = (*notes, UNLIKE)
    return Shown(pixels, _named(document, notes))


def _named(document: LayeredDocument, notes: tuple[str, ...]) -> tuple[str, ...]:
    where = f"{document.path.name}: " if document.path else ""
    return tuple(f"{where}{note}" for note in notes)
