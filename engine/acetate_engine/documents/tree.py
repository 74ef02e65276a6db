"""What a layered document is, whatever file it came from. Frozen; pixels are read when asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from acetate.protocol.errors import FileError
from acetate.protocol.geometry import Bounds, Extent
from acetate_engine.compositing.regions import bounds_of
from acetate_engine.documents.colour import SRGB, ColourSpace, Plane, Samples

T = TypeVar("T")


class Blend(str, Enum):
    """Blend modes that `blending` can compute; PASS_THROUGH is for groups only."""

    PASS_THROUGH = "pass through"
    NORMAL = "normal"
    DARKEN = "darken"
    MULTIPLY = "multiply"
    COLOR_BURN = "color burn"
    LINEAR_BURN = "linear burn"
    LIGHTEN = "lighten"
    SCREEN = "screen"
    COLOR_DODGE = "color dodge"
    ADD = "add"  # Photoshop's linear dodge
    OVERLAY = "overlay"
    SOFT_LIGHT = "soft light"  # Krita's default
    SOFT_LIGHT_SVG = "soft light svg"  # the W3C's, and Photoshop's
    HARD_LIGHT = "hard light"
    VIVID_LIGHT = "vivid light"
    LINEAR_LIGHT = "linear light"
    PIN_LIGHT = "pin light"
    HARD_MIX = "hard mix"
    DIFFERENCE = "difference"
    EXCLUSION = "exclusion"
    SUBTRACT = "subtract"
    DIVIDE = "divide"
    DARKER_COLOR = "darker color"
    LIGHTER_COLOR = "lighter color"
    HUE = "hue"
    SATURATION = "saturation"
    COLOR = "color"
    LUMINOSITY = "luminosity"
    ERASE = "erase"  # Porter and Duff's destination out
    DESTINATION_IN = "destination in"
    DESTINATION_ATOP = "destination atop"
    XOR = "xor"


class Formulas(str, Enum):
    """Whose arithmetic a layer is blended by."""

    KRITA = "Krita's"
    PHOTOSHOP = "Photoshop's"


class Clip(str, Enum):
    """Whose alpha a layer is kept inside."""

    NONE = "none"
    BASE = "base"  # the nearest layer below that is not clipped: Photoshop's clipping group
    BELOW = "below"  # everything below in the group: Krita's "inherit alpha", SVG's src-atop


class Knockout(IntEnum):
    """How deep a layer punches through what lies below it."""

    NONE = 0
    SHALLOW = 1  # to the bottom of its group
    DEEP = 2  # to the document's background


class PixelSource(Protocol):
    """Pixels that stay in their file until a region is asked for."""

    @property
    def bounds(self) -> Bounds:
        """Canvas pixels."""

    @property
    def space(self) -> ColourSpace:
        """What the values mean."""

    def read(self, region: Bounds) -> Samples:
        """Of `region`, which `bounds` contains: (h, w, planes + 1) straight values in `space`, alpha last; (h, w) for
        a mask. uint8, uint16, or float32 of linear light.

        Raises FileError where the file is broken there.
        """


@dataclass(frozen=True, eq=False)
class Memory:
    """Pixels that are already here; `bounds` on the canvas, `pixels` as large."""

    bounds: Bounds
    pixels: Samples
    space: ColourSpace = SRGB

    def __post_init__(self) -> None:
        if self.pixels.shape[:2] != (self.bounds.height, self.bounds.width):
            raise ValueError(f"pixels of shape {self.pixels.shape} do not fill {self.bounds}")

    def read(self, region: Bounds) -> Samples:
        part = region.relative_to(self.bounds)
        return self.pixels[part.window]

    @staticmethod
    def at(x: int, y: int, pixels: Samples, space: ColourSpace = SRGB) -> Memory:
        return Memory(Bounds(x, y, pixels.shape[1], pixels.shape[0]), pixels, space)


@dataclass(frozen=True, eq=False)
class LayerMask:
    source: PixelSource  # (h, w) coverage
    outside: int = 0  # coverage outside its bounds, 0..255


@dataclass(frozen=True)
class BlendIf:
    """Where a layer shows, by how light it or what lies below is: (black, black, white, white) thresholds, 0..255,
    between whose pairs it fades. `channel` None: the lightness of both.
    """

    channel: int | None
    own: tuple[int, int, int, int]
    below: tuple[int, int, int, int]


class Effect(Protocol):
    """A layer style, drawn from the coverage of its layer."""

    @property
    def blend(self) -> Blend: ...

    @property
    def opacity(self) -> float:
        """0..1."""

    @property
    def inside(self) -> bool:
        """Over the layer's own pixels, rather than below and beside them."""

    @property
    def reach(self) -> int:
        """Pixels beside those it paints that it has to know the coverage of."""

    def paint(self, coverage: Plane, region: Bounds, layer: Bounds) -> tuple[Plane, Plane]:
        """Of the layer's coverage (h, w, 1) in `region`, of its `layer` bounds: colour (h, w, planes) and coverage."""


@dataclass(frozen=True, eq=False)
class Layer:
    name: str
    visible: bool = True
    opacity: float = 1.0  # 0..1
    blend: Blend = Blend.NORMAL
    clip: Clip = Clip.NONE
    masks: tuple[LayerMask, ...] = ()
    notes: tuple[str, ...] = ()  # what flattening leaves out of this layer, as its program calls it: "Bevel & Emboss"
    formulas: Formulas = Formulas.KRITA
    fill: float = 1.0  # 0..1: opacity of its pixels, but not of its effects
    mixes_in_light: bool = False  # its edges are mixed at gamma 1.45 of linear light: text in Photoshop
    knockout: Knockout = Knockout.NONE
    blend_if: tuple[BlendIf, ...] = ()
    effects: tuple[Effect, ...] = ()  # in the order in which they are painted
    clips_as_group: bool = True  # what is clipped to it takes its blend mode


@dataclass(frozen=True, eq=False)
class PixelLayer(Layer):
    source: PixelSource = Memory(Bounds(0, 0, 0, 0), np.zeros((0, 0, 4), np.uint8))
    is_background: bool = False  # Photoshop's locked bottom layer

    @property
    def bounds(self) -> Bounds:
        return self.source.bounds


@dataclass(frozen=True, eq=False)
class AdjustmentLayer(Layer):
    """Changes the colours of what lies below it."""

    adjust: Callable[[Plane], Plane] = lambda colour: colour  # (h, w, planes) straight 0..1 in the document's space


@dataclass(frozen=True, eq=False)
class Group(Layer):
    layers: tuple[Layer, ...] = ()  # bottom to top
    open: bool = True  # unfolded in the layer list


@dataclass(frozen=True, eq=False)
class LayeredDocument:
    extent: Extent
    layers: tuple[Layer, ...]  # bottom to top
    depth: int = 8  # bits a channel
    colour: str = "RGB"  # the file's own colour model, as its program calls it
    merged: PixelSource | None = None  # the flattened picture that the file carries
    path: Path | None = None
    merged_is_current: bool = True  # the program says that the merged picture shows the layers
    remarks: tuple[str, ...] = ()  # what is not as its program shows it, whatever layers are asked for
    space: ColourSpace = SRGB
    xmp: bytes = b""  # a packet to be written with it
    merged_is_own: bool = True  # the program whose layers these are saved the merged picture, and no other since

    def walk(self) -> Iterator[tuple[str, Layer]]:
        """Every layer with its path ("Group/Layer"), top to bottom as layer lists show them."""
        yield from _walk(self.layers, "")

    def find(self, path: str) -> Layer:
        """The layer of this path, or of this name where only one has it. Raises FileError otherwise."""
        named = [(key, layer.name, layer) for key, layer in self.walk()]
        return resolve(path, named, self.path.name if self.path else "the document")

    def notes(self) -> tuple[str, ...]:
        """What flattening all layers leaves out: of those that show."""
        return (*self.remarks, *notes_of(self.layers))


def notes_of(layers: Sequence[Layer], prefix: str = "", *, below: bool = False) -> tuple[str, ...]:
    """What flattening leaves out of these layers, top to bottom; not of hidden ones, nor of adjustments of nothing.
    `below`: something lies below them.
    """
    found: list[str] = []
    shows = True
    for layer in layers:
        if layer.clip is not Clip.BASE:
            shows = layer.visible and layer.opacity > 0.0
        if not shows or not layer.visible or layer.opacity == 0.0:
            continue
        inside: tuple[str, ...] = ()
        if isinstance(layer, Group):
            reaches = below and layer.blend is Blend.PASS_THROUGH
            inside = notes_of(layer.layers, f"{prefix}{layer.name}/", below=reaches)
        if below or not isinstance(layer, AdjustmentLayer):
            found = [*(f"{prefix}{layer.name}: {note}" for note in layer.notes), *inside, *found]
        below = below or has_pixels([layer])
    return tuple(found)


def has_pixels(layers: Sequence[Layer]) -> bool:
    """Whether any that is visible may show something by itself."""
    return any(
        layer.visible
        and (
            has_pixels(layer.layers)
            if isinstance(layer, Group)
            else isinstance(layer, PixelLayer) and not layer.bounds.is_empty
        )
        for layer in layers
    )


def _walk(layers: tuple[Layer, ...], prefix: str) -> Iterator[tuple[str, Layer]]:
    for layer in reversed(layers):
        yield prefix + layer.name, layer
        if isinstance(layer, Group):
            yield from _walk(layer.layers, f"{prefix}{layer.name}/")


def resolve(path: str, named: Sequence[tuple[str, str, T]], where: str) -> T:
    """The item of this path among (path, name, item), or of this name where only one has it. Raises FileError."""
    found = [(key, item) for key, _, item in named if key == path]
    found = found or [(key, item) for key, name, item in named if name == path]
    if len(found) == 1:
        return found[0][1]
    if not found:
        names = ", ".join(repr(key) for key, _, _ in named)
        raise FileError(f"{where} has no layer {path!r}", f"Choose one of: {names[:500] or 'it has none'}.")
    raise FileError(f"{where} has {len(found)} layers {path!r}", "Give the one you mean another name.")


def extent_of(layers: Sequence[Layer]) -> Bounds:
    """The smallest rectangle around the pixels of all layers, hidden ones too."""
    own = [layer.bounds for layer in layers if isinstance(layer, PixelLayer)]
    return Bounds.around([*own, *(extent_of(layer.layers) for layer in layers if isinstance(layer, Group))])


def tight(pixels: Samples) -> Bounds:
    """The smallest rectangle around alpha > 0, the last of the planes; 0×0 where there is none."""
    return bounds_of(pixels[..., -1] > 0)


def cropped(x: int, y: int, pixels: Samples, space: ColourSpace = SRGB) -> Memory:
    """Pixels whose corner lies at x, y on the canvas, cut to their tight bounds."""
    part = tight(pixels)
    inside = pixels[part.window]
    return Memory.at(x + part.x, y + part.y, inside, space)
