"""New layers into an existing Krita or OpenRaster document: one line in its list of layers, their pixels, and the
pixels of its previews that they change; every other member stays as it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from acetate.protocol.errors import FileError
from acetate.protocol.geometry import Bounds
from acetate_engine.documents.archive import Archive, opened
from acetate_engine.documents.formats import printable
from acetate_engine.documents.kra_write import KraLayers
from acetate_engine.documents.openraster import OraLayers, offset_of
from acetate_engine.documents.previews import patched_previews
from acetate_engine.documents.reader import read_document
from acetate_engine.documents.tree import Layer, extent_of, resolve
from acetate_engine.documents.xml_places import ElementPlace, opened_tag, places
from acetate_engine.documents.zip_edit import rewrite

_LISTS = {"maindoc.xml": ("layer",), "stack.xml": ("layer", "stack")}


def insert_layers(
    source: Path, target: Path, layers: Sequence[Layer], *, above: str | None = None, below: str | None = None
) -> tuple[str, ...]:
    """`layers` (bottom to top) above or below a layer or group of `source`, on top where None; the result in `target`.

    Returns what the preview leaves out of other layers (styles, vector layers). Raises FileError.
    """
    document = read_document(source)
    with opened(source) as archive:
        listing = "maindoc.xml" if "maindoc.xml" in archive.names else "stack.xml"
        writer = KraLayers(archive, document) if listing == "maindoc.xml" else OraLayers(archive, document)
        data = archive.read(listing)
        try:
            spot = _spot(data, listing, above, below, archive)
            changed_list = spot.with_text(data, writer.xml(layers, spot.x, spot.y).encode("utf-8"))
        except ValueError as error:
            reason = f"{listing} in {printable(source.name)}: {error}"
            raise FileError(reason, "Save it again in its program.") from error
    members = {**writer.members, listing: changed_list}
    rewrite(source, target, members)
    changed = extent_of(layers).intersection(Bounds.of(document.extent))
    previews, is_guessed = patched_previews(source, document, target, layers, changed)
    if previews:
        rewrite(source, target, {**members, **previews})
    return read_document(target).notes() if is_guessed else ()


@dataclass(frozen=True)
class _Spot:
    """Where new layers come into the list."""

    index: int
    x: int  # where the group around them lies on the canvas, in OpenRaster
    y: int
    inside: ElementPlace | None = None  # as the first of this list, which may be an empty tag

    def with_text(self, data: bytes, fresh: bytes) -> bytes:
        if self.inside is None:
            return data[: self.index] + fresh + data[self.index :]
        outer = self.inside
        tail = f"</{outer.tag}>".encode() if outer.is_closed else b""
        return data[: outer.start] + opened_tag(data, outer) + fresh + tail + data[outer.inside :]


def _spot(data: bytes, listing: str, above: str | None, below: str | None, archive: Archive) -> _Spot:
    """The list is written from the top down: above a layer is in front of it."""
    outer = _outer(places(data), listing)
    anchor = above if above is not None else below
    if anchor is None:
        return _Spot(outer.inside, 0, 0, outer)
    place, x, y = resolve(anchor, list(_named(outer, listing, "", 0, 0)), printable(archive.path.name))
    return _Spot(place.start if above is not None else place.end, x, y)


def _outer(root: ElementPlace, listing: str) -> ElementPlace:
    """The element whose children are the layers at the root."""
    if listing == "stack.xml":
        found = root.all(["stack"])
    else:
        found = [inner for image in root.all(["IMAGE"]) for inner in image.all(["layers"])]
    if not found:
        raise ValueError("it has no list of layers")
    return found[0]


_Named = tuple[str, str, tuple[ElementPlace, int, int]]


def _named(outer: ElementPlace, listing: str, prefix: str, x: int, y: int) -> Iterator[_Named]:
    """Path, name, and where each layer lies in the list and the group around it on the canvas."""
    for place in outer.all(_LISTS[listing]):
        name = place.attributes.get("name", "")
        yield prefix + name, name, (place, x, y)
        right, down = offset_of(place.attributes) if listing == "stack.xml" else (0, 0)
        inner = [place] if listing == "stack.xml" else place.all(["layers"])
        for one in inner:
            yield from _named(one, listing, f"{prefix}{name}/", x + right, y + down)
