"""Layers of the tree → those of an existing Krita document, in its own colour space and depth."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acetate.protocol.errors import FileError
from acetate.protocol.geometry import Bounds
from acetate_engine.documents.archive import Archive
from acetate_engine.documents.colour import Samples
from acetate_engine.documents.kra import BLENDS, SPACES, image_of, layer_folder
from acetate_engine.documents.planes import unit
from acetate_engine.documents.tree import Blend, Clip, Group, Layer, LayeredDocument, PixelLayer
from acetate_engine.xml_text import quoted

_TILE = 64
_OPERATIONS = {blend: name for name, blend in reversed(BLENDS.items())}


class KraLayers:
    """`members` are filled while the XML is made."""

    def __init__(self, archive: Archive, document: LayeredDocument) -> None:
        image = image_of(archive)
        self._space_name = image.get("colorspacename", "")
        if self._space_name not in SPACES:
            name = f"{archive.path.name} is in the colour space {self._space_name!r}"
            raise FileError(f"{name}, into which Acetate inserts no layers", "Convert it to RGB, grey or CMYK.")
        self._kind = SPACES[self._space_name][1]
        self._space, self._folder = document.space, layer_folder(archive, image.get("name", ""))
        self._ids = (f"layer{number}" for number in count(1) if f"layer{number}" not in _taken(archive, self._folder))
        self.members: dict[str, bytes] = {}

    def xml(self, layers: Sequence[Layer], x: int = 0, y: int = 0) -> str:
        """Krita's groups move nothing: `x` and `y` are those of OpenRaster's."""
        return "".join(self._layer(layer) for layer in reversed(layers))

    def _layer(self, layer: Layer) -> str:
        """Raises FileError where it holds what Acetate does not write into Krita documents."""
        if layer.masks or layer.blend not in (*_OPERATIONS, Blend.PASS_THROUGH):
            raise FileError(f"the layer {layer.name!r} has masks or a mode that is not written", "Insert it plain.")
        name = next(self._ids)
        is_group = isinstance(layer, Group)
        attributes: dict[str, str] = {
            "name": layer.name,
            "nodetype": "grouplayer" if is_group else "paintlayer",
            "filename": name,
            "uuid": f"{{{uuid.uuid4()}}}",
            "visible": str(int(layer.visible)),
            "opacity": str(round(layer.opacity * 255)),
            "compositeop": _OPERATIONS.get(layer.blend, "normal"),
            "channelflags": self._flags(layer),
            "locked": "0",
            "colorlabel": "0",
            "intimeline": "0",
            "collapsed": "0",
            "x": "0",
            "y": "0",
        }
        if isinstance(layer, Group):
            attributes["passthrough"] = str(int(layer.blend is Blend.PASS_THROUGH))
            return f"<layer{_attributes(attributes)}><layers>{self.xml(layer.layers)}</layers></layer>"
        assert isinstance(layer, PixelLayer)
        attributes |= {"colorspacename": self._space_name, "channellockflags": "", "onionskin": "0"}
        self._add(name, layer)
        return f"<layer{_attributes(attributes)}/>"

    def _flags(self, layer: Layer) -> str:
        return "" if layer.clip is Clip.NONE else "1" * self._space.planes + "0"

    def _add(self, name: str, layer: PixelLayer) -> None:
        member = f"{self._folder}/{name}"
        pixels = layer.source.read(layer.bounds)
        stored = self._stored(layer.source.space.converted(pixels[..., :-1], self._space), pixels[..., -1:])
        self.members[member] = _tiles(stored, layer.bounds)
        self.members[f"{member}.defaultpixel"] = bytes(stored.shape[-1])
        if self._space.profile:
            self.members[f"{member}.icc"] = self._space.profile

    def _stored(self, colour: Samples, alpha: Samples) -> NDArray[np.uint8]:
        """(h, w, bytes of a pixel)."""
        values = np.concatenate([unit(colour), unit(alpha)], -1)
        if self._space.model == "CMYK":
            values[..., :-1] = 1.0 - values[..., :-1]
        if self._kind.kind == "u":
            if self._space.model == "RGB":
                values = values[..., [2, 1, 0, 3]]
            values = values * np.iinfo(self._kind).max + 0.5
        data = np.ascontiguousarray(values.astype(self._kind))
        return data.view(np.uint8).reshape(*data.shape[:2], -1)


def _taken(archive: Archive, folder: str) -> set[str]:
    names = (member.removeprefix(f"{folder}/") for member in archive.names)
    listed = {element.get("filename", "") for element in archive.xml("maindoc.xml").iter()}
    return {name.partition(".")[0] for name in names} | listed


def _attributes(values: dict[str, Any]) -> str:
    return "".join(f" {key}={quoted(value)}" for key, value in values.items())


def _tiles(stored: NDArray[np.uint8], bounds: Bounds) -> bytes:
    """Tiles that hold something, uncompressed: the zip file around them compresses."""
    written = list(_each(stored, bounds))
    size = stored.shape[-1]
    head = f"VERSION 2\nTILEWIDTH {_TILE}\nTILEHEIGHT {_TILE}\nPIXELSIZE {size}\nDATA {len(written)}\n"
    parts = [f"{x},{y},LZF,{1 + len(data)}\n".encode() + b"\0" + data for x, y, data in written]
    return head.encode() + b"".join(parts)


def _each(stored: NDArray[np.uint8], bounds: Bounds) -> Iterator[tuple[int, int, bytes]]:
    for y in range(bounds.y // _TILE * _TILE, bounds.bottom, _TILE):
        for x in range(bounds.x // _TILE * _TILE, bounds.right, _TILE):
            part = Bounds(x, y, _TILE, _TILE).intersection(bounds)
            of, to = part.relative_to(bounds), part.relative_to(Bounds(x, y, 0, 0))
            tile = np.zeros((_TILE, _TILE, stored.shape[-1]), np.uint8)
            tile[to.y : to.bottom, to.x : to.right] = stored[of.y : of.bottom, of.x : of.right]
            if tile.any():
                yield x, y, tile.tobytes()
