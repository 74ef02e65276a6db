"""OpenRaster (.ora), the specification of openraster.org 0.0.6: a zip with stack.xml, PNG layers, mergedimage.png."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from acetate.protocol.errors import FileError
from acetate.protocol.geometry import Bounds, Extent
from acetate_engine.compositing.pixels import eight
from acetate_engine.documents.archive import MAX_NESTING, Archive, Picture, number, opened
from acetate_engine.documents.flatten import flatten
from acetate_engine.documents.in_srgb import in_srgb
from acetate_engine.documents.kra import BLENDS as KRITA_BLENDS
from acetate_engine.documents.raster import MAX_PICTURE, encode_picture
from acetate_engine.documents.tree import Blend, Clip, Document, Group, Layer, PixelLayer

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
}
_BLENDS = {op: blend for blend, op in _OPS.items()} | {"svg:src-atop": Blend.NORMAL}


def read_ora(path: Path) -> Document:
    """Raises FileError where the file is broken."""
    with opened(path) as archive:
        root = archive.xml("stack.xml")
        stack = root.find("stack")
        if root.tag != "image" or stack is None:
            raise FileError(f"{path.name} has no layer stack", "Save it again as OpenRaster.")
        extent = Extent(int(number(root, "w", 0)), int(number(root, "h", 0)))
        merged = Picture(path, "mergedimage.png", Bounds.of(extent)) if "mergedimage.png" in archive.names else None
        return Document(extent, _layers(archive, stack, 0, 0, 0), merged=merged, path=path)


def _layers(archive: Archive, stack: ElementTree.Element, x: int, y: int, level: int) -> tuple[Layer, ...]:
    if level > MAX_NESTING:
        raise FileError(f"{archive.path.name} nests over {MAX_NESTING} groups", "Flatten some of them.")
    found = [_layer(archive, element, x, y, level) for element in stack if element.tag in ("stack", "layer")]
    return tuple(reversed(found))  # stack.xml lists them top to bottom


def _layer(archive: Archive, element: ElementTree.Element, x: int, y: int, level: int) -> Layer:
    name, visible = element.get("name", ""), element.get("visibility", "visible") == "visible"
    opacity = min(1.0, max(0.0, number(element, "opacity", 1.0)))
    op = element.get("composite-op", "svg:src-over")
    blend = _BLENDS.get(op) or KRITA_BLENDS.get(op.removeprefix("krita:"))
    notes = () if blend else (f"blend mode {op[:60]}",)
    blend = blend or Blend.NORMAL
    x, y = x + int(number(element, "x", 0)), y + int(number(element, "y", 0))
    clip = Clip.BELOW if op == "svg:src-atop" or element.get("alpha-preserve") == "true" else Clip.NONE
    if element.tag == "layer":
        return PixelLayer(name, visible, opacity, blend, clip, (), notes, source=_picture(archive, element, x, y))
    if blend is Blend.NORMAL and clip is Clip.NONE and element.get("isolation") == "auto" and opacity == 1.0:
        blend = Blend.PASS_THROUGH
    return Group(name, visible, opacity, blend, clip, (), notes, layers=_layers(archive, element, x, y, level + 1))


def _picture(archive: Archive, element: ElementTree.Element, x: int, y: int) -> Picture:
    member = element.get("src", "")
    with Image.open(io.BytesIO(archive.read(member)), formats=["PNG"]) as image:  # the header only
        if image.width * image.height > MAX_PICTURE:
            raise FileError(f"{member} is {image.width}×{image.height}", f"Use at most {MAX_PICTURE} pixels.")
        return Picture(archive.path, member, Bounds(x, y, image.width, image.height))


def write_ora(document: Document, path: Path) -> None:
    """8 bit. Raises FileError where OpenRaster cannot hold a layer: masks, blend modes without an SVG name."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(zipfile.ZipInfo("mimetype"), "image/openraster", zipfile.ZIP_STORED)
        size = {"w": str(document.extent.width), "h": str(document.extent.height), "version": "0.0.6"}
        root = ElementTree.Element("image", size)
        stack = ElementTree.SubElement(root, "stack")
        _Writer(file, path).write(document.layers, stack)
        merged = eight(flatten(document.layers, Bounds.of(document.extent)))
        file.writestr("mergedimage.png", encode_picture(merged))
        file.writestr("Thumbnails/thumbnail.png", _thumbnail(merged))
        file.writestr("stack.xml", ElementTree.tostring(root, "utf-8", xml_declaration=True))


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
        self._file.writestr(member, encode_picture(eight(pixels)))
        place = {"src": member, "x": str(bounds.x), "y": str(bounds.y)}
        ElementTree.SubElement(stack, "layer", {**attributes, **place})


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
