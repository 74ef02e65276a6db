"""OpenRaster (.ora), the specification of openraster.org 0.0.6: a zip with stack.xml, PNG layers, mergedimage.png."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from acetate.protocol.errors import FileError
from acetate.protocol.geometry import Bounds, Extent
from acetate_engine.compositing.pixels import eight
from acetate_engine.documents.archive import (
    MAX_DOCUMENT,
    MAX_NESTING,
    Archive,
    ArchivePicture,
    number,
    number_or,
    opened,
)
from acetate_engine.documents.broken import MAX_PICTURE
from acetate_engine.documents.flatten import flatten
from acetate_engine.documents.in_srgb import in_srgb
from acetate_engine.documents.kra import BLENDS as KRITA_BLENDS
from acetate_engine.documents.psd_file import MAX_SIDE
from acetate_engine.documents.raster import encode_picture
from acetate_engine.documents.tree import Blend, Clip, Group, Layer, LayeredDocument, Memory, PixelLayer, PixelSource

_OPS = {
    Blend.NORMAL: "svg:src-over",
    Blend.MULTIPLY: "svg:multiply",
    Blend.SCREEN: "svg:screen",
    Blend.OVERLAY: "svg:overlay",
    Blend.DARKEN: "svg:darken",
    Blend.LIGHTEN: "svg:lighten",
    Blend.COLOR_DODGE: "svg:color-dodge",
    Blend.COLOR_BURN: "svg:color-burn",
    Blend.HARD_LIGHT: "svg:hard-light",
    Blend.SOFT_LIGHT_SVG: "svg:soft-light",
    Blend.DIFFERENCE: "svg:difference",
    Blend.ADD: "svg:plus",
    Blend.COLOR: "svg:color",
    Blend.LUMINOSITY: "svg:luminosity",
    Blend.HUE: "svg:hue",
    Blend.SATURATION: "svg:saturation",
    Blend.ERASE: "svg:dst-out",
    Blend.DESTINATION_IN: "svg:dst-in",
    Blend.DESTINATION_ATOP: "svg:dst-atop",
    Blend.XOR: "svg:xor",
}
_BLENDS = {op: blend for blend, op in _OPS.items()} | {"svg:src-atop": Blend.NORMAL}

_DRAWPILE = "http://drawpile.net/"
_CENSORED = f"{{{_DRAWPILE}}}censored"


def read_ora(path: Path) -> LayeredDocument:
    """Raises FileError where the file is broken, or too large as a whole; one odd layer is noted instead."""
    with opened(path) as archive:
        root = archive.plain_xml("stack.xml")
        stack = root.find("stack")
        if root.tag != "image" or stack is None:
            raise FileError(f"{path.name} has no layer stack", "Save it again as OpenRaster.")
        extent = Extent(int(number(root, "w", 0)), int(number(root, "h", 0)))
        if not 0 < extent.width <= MAX_SIDE or not 0 < extent.height <= MAX_SIDE:
            raise FileError(f"{path.name} claims {extent} pixels", "Save it again as OpenRaster.")
        merged = (
            ArchivePicture(path, "mergedimage.png", Bounds.of(extent)) if "mergedimage.png" in archive.names else None
        )
        is_drawpiles = b"xmlns:drawpile=" in archive.read("stack.xml")
        layers = _Reader(archive, is_drawpiles).layers(stack, 0, 0, 0)
        return LayeredDocument(extent, layers, merged=merged, path=path)


class _Reader:
    def __init__(self, archive: Archive, is_drawpiles: bool) -> None:
        self._archive, self._area, self._is_drawpiles = archive, 0, is_drawpiles

    def layers(self, stack: ElementTree.Element, x: int, y: int, level: int) -> tuple[Layer, ...]:
        if level > MAX_NESTING:
            raise FileError(f"{self._archive.path.name} nests over {MAX_NESTING} groups", "Flatten some of them.")
        found: list[Layer] = []
        above: list[str] = []  # what is neither group nor layer is noted at the layer below it
        for element in stack:
            if element.tag in ("stack", "layer"):
                found.append(self._layer(element, x, y, level, above))
                above = []
            elif _is_visible(element):
                above.append(f"the {element.tag[:60]} {element.get('name', '')[:60]!r} above it")
        return tuple(reversed(found))  # stack.xml lists them top to bottom

    def _layer(self, element: ElementTree.Element, x: int, y: int, level: int, above: Sequence[str]) -> Layer:
        op = element.get("composite-op", "svg:src-over")
        blend = _BLENDS.get(op) or KRITA_BLENDS.get(op.removeprefix("krita:"))
        notes = [*above] if blend else [*above, f"blending mode {op[:60]}"]
        notes += ["censored"] if element.get(_CENSORED) == "true" else []
        clips = op == "svg:src-atop" or element.get("alpha-preserve") == "true"
        opacity = number_or(element, "opacity", 1.0, notes)
        common: dict[str, Any] = {
            "name": element.get("name", ""),
            "visible": _is_visible(element),
            "opacity": min(1.0, max(0.0, opacity)),
            "blend": blend or Blend.NORMAL,
            "clip": Clip.BELOW if clips else Clip.NONE,
        }
        x, y = x + int(number_or(element, "x", 0.0, notes)), y + int(number_or(element, "y", 0.0, notes))
        if element.tag == "layer":
            source = self._source(element, x, y, notes)
            return PixelLayer(**common, notes=tuple(notes), source=source)
        if not clips and blend is Blend.NORMAL and self._lets_through(element, opacity):
            common["blend"] = Blend.PASS_THROUGH
        return Group(**common, notes=tuple(notes), layers=self.layers(element, x, y, level + 1))

    def _lets_through(self, element: ElementTree.Element, opacity: float) -> bool:
        """A group without `isolation` is isolated in the specification, and not in Drawpile."""
        isolation = element.get("isolation")
        return isolation != "isolate" if self._is_drawpiles else isolation == "auto" and opacity == 1.0

    def _source(self, element: ElementTree.Element, x: int, y: int, notes: list[str]) -> PixelSource:
        """Nothing, with a note, where its picture is missing or no PNG."""
        member = element.get("src", "").replace("\\", "/").removeprefix("./").lstrip("/")
        try:
            with Image.open(io.BytesIO(self._archive.read(member)), formats=["PNG"]) as image:  # the header only
                size = image.size
        except (FileError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            notes.append(f"its picture {member[:100]!r} cannot be read")
            return Memory(Bounds(x, y, 0, 0), np.zeros((0, 0, 4), np.uint8))
        self._check(member, *size)
        return ArchivePicture(self._archive.path, member, Bounds(x, y, *size))

    def _check(self, member: str, width: int, height: int) -> None:
        """Raises FileError where a picture, or all of them together, are beyond measure."""
        self._area += width * height
        if width * height > MAX_PICTURE:
            raise FileError(
                f"{member} in {self._archive.path.name} is {width}×{height}", f"Use at most {MAX_PICTURE} pixels."
            )
        if self._area > MAX_DOCUMENT:
            raise FileError(
                f"the layers of {self._archive.path.name} have over {MAX_DOCUMENT} pixels", "Use a smaller document."
            )


def _is_visible(element: ElementTree.Element) -> bool:
    return element.get("visibility", "visible").strip().lower() != "hidden"


def offset_of(attributes: Mapping[str, str]) -> tuple[int, int]:
    """Of a group or layer within the group around it."""
    element = ElementTree.Element("stack", dict(attributes))
    return int(number_or(element, "x", 0.0, [])), int(number_or(element, "y", 0.0, []))


def write_ora(document: LayeredDocument, path: Path) -> None:
    """8 bit. Raises FileError where OpenRaster cannot hold a layer: masks, blend modes without an SVG name."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        _add(file, "mimetype", b"image/openraster", zipfile.ZIP_STORED)
        size = {"w": str(document.extent.width), "h": str(document.extent.height), "version": "0.0.6"}
        root = ElementTree.Element("image", size)
        stack = ElementTree.SubElement(root, "stack")
        _Writer(file, path).write(document.layers, stack)
        merged = eight(flatten(document.layers, Bounds.of(document.extent)))
        _add(file, "mergedimage.png", encode_picture(merged, xmp=document.xmp))
        _add(file, "Thumbnails/thumbnail.png", _thumbnail(merged))
        _add(file, "stack.xml", ElementTree.tostring(root, "utf-8", xml_declaration=True))


def _add(file: zipfile.ZipFile, member: str, data: bytes, method: int = zipfile.ZIP_DEFLATED) -> None:
    """With a fixed date: equal pictures make equal files."""
    file.writestr(zipfile.ZipInfo(member, (2026, 1, 1, 0, 0, 0)), data, method)


class _Writer:
    def __init__(self, file: zipfile.ZipFile, path: Path) -> None:
        self._file, self._path, self._count = file, path, 0

    def write(self, layers: tuple[Layer, ...], stack: ElementTree.Element) -> None:
        for layer in reversed(layers):
            self._layer(layer, stack)

    def _layer(self, layer: Layer, stack: ElementTree.Element) -> None:
        attributes = _attributes(layer, self._path)
        if isinstance(layer, Group):
            isolation = "auto" if layer.blend is Blend.PASS_THROUGH else "isolate"
            self.write(layer.layers, ElementTree.SubElement(stack, "stack", {**attributes, "isolation": isolation}))
            return
        assert isinstance(layer, PixelLayer)
        member = f"data/layer{self._count:03}.png"
        self._count += 1
        bounds = layer.bounds if not layer.bounds.is_empty else Bounds(layer.bounds.x, layer.bounds.y, 1, 1)
        pixels = in_srgb(layer.source, bounds, 8) if not layer.bounds.is_empty else np.zeros((1, 1, 4), np.uint8)
        _add(self._file, member, encode_picture(eight(pixels)))
        place = {"src": member, "x": str(bounds.x), "y": str(bounds.y)}
        ElementTree.SubElement(stack, "layer", {**attributes, **place})


class OraLayers:
    """Layers of the tree → those of an existing document; `members` are filled while the XML is made."""

    def __init__(self, archive: Archive, document: LayeredDocument) -> None:
        self._archive = archive
        self._names = (f"data/layer{number:03}.png" for number in count() if not self._is_taken(number))
        self.members: dict[str, bytes] = {}

    def xml(self, layers: Sequence[Layer], x: int, y: int) -> str:
        """`x`, `y`: the corner of the group that they come into, on the canvas."""
        return "".join(self._layer(layer, x, y) for layer in reversed(layers))

    def _is_taken(self, number: int) -> bool:
        return f"data/layer{number:03}.png" in self._archive.names

    def _layer(self, layer: Layer, x: int, y: int) -> str:
        attributes = _attributes(layer, self._archive.path)
        if isinstance(layer, Group):
            attributes["isolation"] = "auto" if layer.blend is Blend.PASS_THROUGH else "isolate"
            return f"<stack{_written(attributes)}>{self.xml(layer.layers, x, y)}</stack>"
        assert isinstance(layer, PixelLayer)
        member = next(self._names)
        self.members[member] = encode_picture(eight(in_srgb(layer.source, layer.bounds, 8)))
        place = {"src": member, "x": str(layer.bounds.x - x), "y": str(layer.bounds.y - y)}
        return f"<layer{_written({**attributes, **place})}/>"


def _written(attributes: dict[str, str]) -> str:
    legal = {key: "".join(char for char in value if char.isprintable()) for key, value in attributes.items()}
    return "".join(f" {key}={quoteattr(value)}" for key, value in legal.items())


def _attributes(layer: Layer, path: Path) -> dict[str, str]:
    blend = Blend.NORMAL if layer.blend is Blend.PASS_THROUGH else layer.blend
    if blend not in _OPS or layer.masks or (layer.clip is not Clip.NONE and blend is not Blend.NORMAL):
        what = "a mask" if layer.masks else f"the blend mode {blend.value}"
        raise FileError(f"{path.name}: OpenRaster cannot hold {what} of layer {layer.name!r}", "Write a PSD.")
    return {
        "name": layer.name,
        "opacity": f"{layer.opacity:.6g}",
        "visibility": "visible" if layer.visible else "hidden",
        "composite-op": "svg:src-atop" if layer.clip is not Clip.NONE else _OPS[blend],
    }


def _thumbnail(pixels: NDArray[np.uint8]) -> bytes:
    image = Image.fromarray(pixels)
    image.thumbnail((256, 256))
    return encode_picture(np.asarray(image))
