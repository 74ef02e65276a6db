"""Krita's .kra without Krita: maindoc.xml, and the tiles of its paint layers.

Layers of RGB, grey and CMYK of any depth are read one by one. One of another kind (vector, filter, fill, clone, file)
or colour space is there without pixels, and says so; what all layers together show is Krita's merged picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np

from acetate.protocol.errors import FileError
from acetate.protocol.geometry import Bounds, Extent
from acetate_engine.documents.archive import MAX_NESTING, Archive, ArchivePicture, number, number_or, opened
from acetate_engine.documents.colour import NO_PROFILE, SRGB, ColourSpace, Samples, usable_profile
from acetate_engine.documents.kra_tiles import Tiles, tiles_of
from acetate_engine.documents.psd_file import MAX_SIDE
from acetate_engine.documents.tree import (
    Blend,
    Clip,
    Group,
    Layer,
    LayeredDocument,
    LayerMask,
    Memory,
    PixelLayer,
    PixelSource,
)

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
    "erase": Blend.ERASE,
}
SPACES: dict[str, tuple[str, np.dtype[Any]]] = {
    "RGBA": ("RGB", np.dtype("u1")),
    "RGBA16": ("RGB", np.dtype("<u2")),
    "RGBAF16": ("RGB", np.dtype("<f2")),
    "RGBAF32": ("RGB", np.dtype("<f4")),
    "GRAYA": ("GRAY", np.dtype("u1")),
    "GRAYA16": ("GRAY", np.dtype("<u2")),
    "GRAYAU16": ("GRAY", np.dtype("<u2")),
    "GRAYAF16": ("GRAY", np.dtype("<f2")),
    "GRAYAF32": ("GRAY", np.dtype("<f4")),
    "CMYK": ("CMYK", np.dtype("u1")),
    "CMYKA16": ("CMYK", np.dtype("<u2")),
    "CMYKAU16": ("CMYK", np.dtype("<u2")),
}
# As Krita's layer docker calls them
_KINDS = {
    "shapelayer": "Vector Layer",
    "adjustmentlayer": "Filter Layer",
    "generatorlayer": "Fill Layer",
    "clonelayer": "Clone Layer",
    "filelayer": "File Layer",
    "filtermask": "Filter Mask",
    "transformmask": "Transform Mask",
    "colorizemask": "Colorize Mask",
}
_UNPAINTED = {"referenceimages", "selectionmask", "decorationswrapperlayer", "gridlayer"}


def read_kra(path: Path) -> LayeredDocument:
    """Raises FileError where the file is broken."""
    with opened(path) as archive:
        root = image_of(archive)
        extent = Extent(int(number(root, "width", 0)), int(number(root, "height", 0)))
        if not 0 < extent.width <= MAX_SIDE or not 0 < extent.height <= MAX_SIDE:
            raise FileError(f"{path.name} claims {extent} pixels", "Save it again with Krita.")
        merged = (
            ArchivePicture(path, "mergedimage.png", Bounds.of(extent)) if "mergedimage.png" in archive.names else None
        )
        reader = _Reader(archive, root)
        model, kind = SPACES.get(root.get("colorspacename", ""), ("RGB", np.dtype("u1")))
        depth = min(16, 8 * kind.itemsize)
        colour = root.get("colorspacename", "RGBA") if root.get("colorspacename") not in SPACES else model
        profile = usable_profile(reader.profile, model)
        remarks = (NO_PROFILE,) if reader.profile and profile is None else ()
        space = ColourSpace(model, profile) if root.get("colorspacename", "") in SPACES else SRGB
        return LayeredDocument(
            extent, reader.layers(root, 0), depth, colour, merged, path, remarks=remarks, space=space
        )


def image_of(archive: Archive) -> Element:
    image = archive.plain_xml("maindoc.xml").find("IMAGE")
    if image is None:
        raise FileError(f"{archive.path.name} holds no picture", "Save it again with Krita.")
    return image


class _Reader:
    def __init__(self, archive: Archive, root: Element) -> None:
        self._archive, self._folder = archive, layer_folder(archive, root.get("name", ""))
        time = root.find("animation/currentTime")
        self._time = int(number(time, "value", 0)) if time is not None else 0
        icc = f"{self._folder.removesuffix('layers')}annotations/icc"
        self.profile = archive.read(icc) if icc in archive.names else None

    def layers(self, parent: Element, level: int) -> tuple[Layer, ...]:
        if level > MAX_NESTING:
            raise FileError(f"{self._archive.path.name} nests over {MAX_NESTING} groups", "Flatten some of them.")
        elements = [one for one in parent.findall("layers/layer") if one.get("nodetype") not in _UNPAINTED]
        return tuple(self._layer(element, level) for element in reversed(elements))  # stored top to bottom

    def _layer(self, element: Element, level: int) -> Layer:
        common = self._common(element)
        if element.get("nodetype") == "grouplayer":
            if element.get("passthrough") == "1":
                common["blend"] = Blend.PASS_THROUGH
            return Group(**common, layers=self.layers(element, level + 1), open=element.get("collapsed") != "1")
        source, missing = self._readable(element)
        return PixelLayer(**{**common, "notes": (*common["notes"], *missing)}, source=source)

    def _common(self, element: Element) -> dict[str, Any]:
        """Fields that every kind of layer has."""
        operation, flags = element.get("compositeop", "normal"), element.get("channelflags", "")
        masks, missing = self._masks(element)
        notes = [] if operation in BLENDS else [f"blending mode {operation[:60]}"]
        notes += ["layer style"] if element.get("layerstyle") else []
        notes += ["switched-off channels"] if "0" in flags[:-1] else []
        opacity = number_or(element, "opacity", 255, notes)
        return {
            "name": element.get("name", ""),
            "visible": element.get("visible") != "0",
            "opacity": min(1.0, max(0.0, opacity / 255.0)),
            "blend": BLENDS.get(operation, Blend.NORMAL),
            "clip": Clip.BELOW if flags.endswith("0") else Clip.NONE,  # alpha comes last
            "masks": tuple(masks),
            "notes": (*notes, *missing),
        }

    def _readable(self, element: Element) -> tuple[PixelSource, tuple[str, ...]]:
        """Nothing, with a note, where its pixels are missing or no tiles of Krita's: one layer is not the document."""
        try:
            return self._source(element)
        except (FileError, ValueError):
            return Memory(Bounds(0, 0, 0, 0), np.zeros((0, 0, 4), np.uint8)), ("its pixels cannot be read",)

    def _source(self, element: Element) -> tuple[PixelSource, tuple[str, ...]]:
        kind, name = element.get("nodetype", ""), element.get("colorspacename", "")
        nothing = Memory(Bounds(0, 0, 0, 0), np.zeros((0, 0, 4), np.uint8))
        if kind != "paintlayer":
            return nothing, (_KINDS.get(kind, kind[:60] or "unknown layer"),)
        if name not in SPACES:
            return nothing, (f"the colour space {name[:60]}",)
        model, dtype = SPACES[name]
        member, x, y = self._frame(element)
        own = f"{self._folder}/{element.get('filename')}.icc"
        profile = self._archive.read(own) if own in self._archive.names else self.profile
        space = ColourSpace(model, usable_profile(profile, model))
        device = _Device(tiles_of(self._archive, member), x, y, space, dtype)
        if len(device.tiles.default) != (device.space.planes + 1) * dtype.itemsize:
            raise FileError(f"{member} in {self._archive.path.name} is not of {name}", "Save it again with Krita.")
        return device, ("its colour profile",) if profile and space.profile is None else ()

    def _frame(self, element: Element) -> tuple[str, int, int]:
        """The member that holds a layer's pixels, and where they lie: of the current frame where it is animated."""
        member = f"{self._folder}/{element.get('filename')}"
        x, y = _offset(element)
        keyframes = f"{self._folder}/{element.get('keyframes')}"
        if element.get("keyframes") and keyframes in self._archive.names:
            frames = [one for one in self._archive.xml(keyframes).iter() if one.tag.endswith("keyframe")]
            times = sorted((number(one, "time", 0), one.get("frame", ""), one) for one in frames if one.get("frame"))
            shown = [entry for entry in times if entry[0] <= self._time] or times[:1]
            if shown:
                offset = next((one for one in shown[-1][2] if one.tag.endswith("offset")), None)
                x, y = (x, y) if offset is None else _offset(offset)
                member = f"{self._folder}/{shown[-1][1]}"
        return member, x, y

    def _masks(self, element: Element) -> tuple[list[LayerMask], list[str]]:
        """A group's masks lie among its layers, a paint layer's under its own element; and what else hangs there."""
        found, missing = [], []
        for mask in (*element.findall("masks/mask"), *element.findall("layers/mask")):
            kind = mask.get("nodetype", "")
            if mask.get("visible") == "0" or kind in _UNPAINTED:
                continue
            if kind != "transparencymask":
                missing.append(_KINDS.get(kind, kind[:60]))
                continue
            try:
                tiles = tiles_of(self._archive, f"{self._folder}/{mask.get('filename')}.pixelselection")
                found.append(LayerMask(_Selection(tiles, *_offset(mask)), tiles.default[0]))
            except (FileError, ValueError):
                missing.append("a transparency mask that cannot be read")
        return found, missing


def layer_folder(archive: Archive, name: str) -> str:
    """Krita names it after the picture, and keeps the older name when that changes."""
    if any(member.startswith(f"{name}/layers/") for member in archive.names):
        return f"{name}/layers"
    found = [member for member in archive.names if "/layers/" in member]
    return found[0].partition("/layers/")[0] + "/layers" if found else f"{name}/layers"


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
    def bounds(self) -> Bounds:
        if any(self.tiles.default[-self.kind.itemsize :]):  # an opaque fill without end
            return Bounds(-(1 << 20), -(1 << 20), 1 << 21, 1 << 21)
        return self.tiles.bounds.relative_to(Bounds(-self.x, -self.y, 0, 0))

    def read(self, region: Bounds) -> Samples:
        data = self.tiles.read(region.relative_to(Bounds(self.x, self.y, 0, 0)))
        samples = data.view(self.kind).astype(self.kind.newbyteorder("="), copy=False)
        if self.kind.kind == "f":
            return samples.astype(np.float32)
        colour = samples[..., :-1]
        if self.space.model == "RGB":
            colour = colour[..., ::-1]  # stored BGR
        elif self.space.model == "CMYK":
            colour = np.iinfo(samples.dtype).max - colour  # stored as ink
        return np.concatenate([colour, samples[..., -1:]], -1)
