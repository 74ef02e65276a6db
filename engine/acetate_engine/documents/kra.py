"""Krita's .kra without Krita: maindoc.xml, and the tiles of its paint layers.

Layers of RGB, grey and CMYK in 8 or 16 bit are read one by one. Where a layer is of another kind (vector, filter,
fill, clone, file) or colour space, the document is its merged picture, and its only layer says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np

from acetate.protocol.errors import FileError
from acetate.protocol.geometry import Bounds, Extent
from acetate_engine.documents.archive import MAX_NESTING, Archive, Picture, number, opened
from acetate_engine.documents.colour import SRGB, ColourSpace, Samples
from acetate_engine.documents.kra_tiles import Tiles, tiles_of
from acetate_engine.documents.tree import Blend, Clip, Document, Group, Layer, LayerMask, PixelLayer

BLENDS = {
    "normal": Blend.NORMAL,
    "multiply": Blend.MULTIPLY,
    "screen": Blend.SCREEN,
    "overlay": Blend.OVERLAY,
    "darken": Blend.DARKEN,
    "lighten": Blend.LIGHTEN,
    "dodge": Blend.COLOR_DODGE,
    "burn": Blend.COLOR_BURN,
    "hard_light": Blend.HARD_LIGHT,
    "soft_light": Blend.SOFT_LIGHT,
    "soft_light_svg": Blend.SOFT_LIGHT_SVG,
    "diff": Blend.DIFFERENCE,
    "exclusion": Blend.EXCLUSION,
    "linear_dodge": Blend.ADD,
    "add": Blend.ADD,
    "linear_burn": Blend.LINEAR_BURN,
    "vivid_light": Blend.VIVID_LIGHT,
    "linear light": Blend.LINEAR_LIGHT,
    "linear_light": Blend.LINEAR_LIGHT,
    "pin_light": Blend.PIN_LIGHT,
    "hard_mix_photoshop": Blend.HARD_MIX,
    "subtract": Blend.SUBTRACT,
    "divide": Blend.DIVIDE,
    "hue": Blend.HUE,
    "saturation": Blend.SATURATION,
    "color": Blend.COLOR,
    "luminize": Blend.LUMINOSITY,
    "darker color": Blend.DARKER_COLOR,
    "lighter color": Blend.LIGHTER_COLOR,
}
_SPACES: dict[str, tuple[str, np.dtype[Any]]] = {
    "RGBA": ("RGB", np.dtype("u1")),
    "RGBA16": ("RGB", np.dtype("<u2")),
    "GRAYA": ("GRAY", np.dtype("u1")),
    "GRAYA16": ("GRAY", np.dtype("<u2")),
    "CMYK": ("CMYK", np.dtype("u1")),
    "CMYKA16": ("CMYK", np.dtype("<u2")),
}


class _OnlyMerged(Exception):
    """A layer that only Krita can draw."""


def read_kra(path: Path) -> Document:
    """Raises FileError where the file is broken."""
    with opened(path) as archive:
        root = _image(archive)
        extent = Extent(int(number(root, "width", 0)), int(number(root, "height", 0)))
        merged = Picture(path, "mergedimage.png", Bounds.of(extent)) if "mergedimage.png" in archive.names else None
        space = root.get("colorspacename", "")
        try:
            layers = _Reader(archive, root.get("name", "")).layers(root, 0)
        except _OnlyMerged as reason:
            if merged is None:
                raise FileError(
                    f"{path.name} has {reason} and no merged picture", "Save it again with Krita."
                ) from None
            layers = (PixelLayer(path.stem, notes=(f"merged, because of {reason}",), source=merged),)
        model, kind = _SPACES.get(space, (space or "RGB", _SPACES["RGBA"][1]))
        return Document(extent, layers, 8 * kind.itemsize, model, merged, path)


def _image(archive: Archive) -> Element:
    root = archive.xml("maindoc.xml")
    for element in root.iter():  # the namespace differs between versions
        element.tag = element.tag.rpartition("}")[2]
    image = root.find("IMAGE")
    if image is None:
        raise FileError(f"{archive.path.name} holds no picture", "Save it again with Krita.")
    return image


class _Reader:
    def __init__(self, archive: Archive, name: str) -> None:
        self._archive, self._folder = archive, f"{name}/layers"

    def layers(self, parent: Element, level: int) -> tuple[Layer, ...]:
        if level > MAX_NESTING:
            raise FileError(f"{self._archive.path.name} nests over {MAX_NESTING} groups", "Flatten some of them.")
        elements = parent.findall("layers/layer")
        return tuple(self._layer(element, level) for element in reversed(elements))  # stored top to bottom

    def _layer(self, element: Element, level: int) -> Layer:
        kind = element.get("nodetype")
        name, visible = element.get("name", ""), element.get("visible") != "0"
        opacity = min(1.0, max(0.0, number(element, "opacity", 255) / 255.0))
        operation = element.get("compositeop", "normal")
        blend = BLENDS.get(operation, Blend.NORMAL)
        notes = () if operation in BLENDS else (f"blend mode {operation[:60]}",)
        clip = Clip.BELOW if element.get("channelflags", "").endswith("0") else Clip.NONE  # alpha comes last
        masks = tuple(self._masks(element))
        if kind == "grouplayer":
            blend = Blend.PASS_THROUGH if element.get("passthrough") == "1" else blend
            children = self.layers(element, level + 1)
            is_open = element.get("collapsed") != "1"
            return Group(name, visible, opacity, blend, clip, masks, notes, layers=children, open=is_open)
        if kind != "paintlayer":
            raise _OnlyMerged(f"the {kind} {name!r}")
        return PixelLayer(name, visible, opacity, blend, clip, masks, notes, source=self._source(element))

    def _source(self, element: Element) -> _Device:
        space = element.get("colorspacename", "")
        if space not in _SPACES:
            raise _OnlyMerged(f"the colour space {space!r} of {element.get('name')!r}")
        model, kind = _SPACES[space]
        member = f"{self._folder}/{element.get('filename')}"
        profile = self._archive.read(f"{member}.icc") if f"{member}.icc" in self._archive.names else None
        tiles = tiles_of(self._archive, member)
        device = _Device(tiles, *_offset(element), ColourSpace(model, profile), kind)
        if len(tiles.default) != device.planes * kind.itemsize:
            raise FileError(f"{member} in {self._archive.path.name} is not of {space}", "Save it again with Krita.")
        return device

    def _masks(self, element: Element) -> list[LayerMask]:
        """A group's masks lie among its layers, a paint layer's under its own element."""
        found = []
        for mask in (*element.findall("masks/mask"), *element.findall("layers/mask")):
            if mask.get("visible") == "0" or mask.get("nodetype") in ("selectionmask", "colorizemask"):
                continue
            if mask.get("nodetype") != "transparencymask":
                raise _OnlyMerged(f"the {mask.get('nodetype')} of {element.get('name')!r}")
            tiles = tiles_of(self._archive, f"{self._folder}/{mask.get('filename')}.pixelselection")
            found.append(LayerMask(_Selection(tiles, *_offset(mask)), tiles.default[0]))
        return found


def _offset(element: Element) -> tuple[int, int]:
    return int(number(element, "x", 0)), int(number(element, "y", 0))


@dataclass(frozen=True, eq=False)
class _Selection:
    tiles: Tiles
    x: int
    y: int

    @property
    def bounds(self) -> Bounds:
        return self.tiles.bounds.relative_to(Bounds(-self.x, -self.y, 0, 0))

    def read(self, region: Bounds) -> Samples:
        return self.tiles.read(region.relative_to(Bounds(self.x, self.y, 0, 0)))[..., 0]

    @property
    def space(self) -> ColourSpace:
        return SRGB


@dataclass(frozen=True, eq=False)
class _Device:
    """A paint device: what lies outside its tiles is transparent, unless its default pixel says otherwise."""

    tiles: Tiles
    x: int
    y: int
    space: ColourSpace
    kind: np.dtype[Any]

    @property
    def planes(self) -> int:
        return {"RGB": 4, "GRAY": 2, "CMYK": 5}[self.space.model]

    @property
    def bounds(self) -> Bounds:
        if any(self.tiles.default[-self.kind.itemsize :]):  # an opaque fill without end
            return Bounds(-(1 << 20), -(1 << 20), 1 << 21, 1 << 21)
        return self.tiles.bounds.relative_to(Bounds(-self.x, -self.y, 0, 0))

    def read(self, region: Bounds) -> Samples:
        data = self.tiles.read(region.relative_to(Bounds(self.x, self.y, 0, 0)))
        samples = data.view(self.kind).astype(self.kind.newbyteorder("="), copy=False)
        colour = samples[..., :-1]
        if self.space.model == "RGB" and self.kind.kind == "u":
            colour = colour[..., ::-1]  # stored BGR
        elif self.space.model == "CMYK":
            colour = np.iinfo(samples.dtype).max - colour  # stored as ink
        return np.concatenate([colour, samples[..., -1:]], -1)
