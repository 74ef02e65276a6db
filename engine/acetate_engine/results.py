"""What comes back: layers with their places on the canvas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from acetate.protocol.geometry import Bounds, Extent
from acetate.protocol.pixels import PixelFormat
from acetate.protocol.requests import GenerateRequest
from acetate.protocol.tasks import LayerRole
from acetate_engine.compositing.pixels import Pixels, eight
from acetate_engine.documents.masking import with_mask
from acetate_engine.documents.tree import Clip, Layer, LayeredDocument, PixelLayer, cropped
from acetate_engine.documents.writer import write_document
from acetate_engine.pipelines.contract import Generated, GeneratedLayer
from acetate_engine.provenance import packet


@dataclass(frozen=True, eq=False)
class ResultLayer:
    """One generated layer: (h, w, 4) straight sRGB `pixels`, as large as `bounds` on the canvas."""

    name: str
    role: LayerRole
    bounds: Bounds
    pixels: Pixels
    seed: int

    @property
    def image(self) -> Image.Image:
        """RGBA, 8 bit."""
        return Image.fromarray(eight(self.pixels))


@dataclass(frozen=True, eq=False)
class Result:
    """What a request gave."""

    request: GenerateRequest
    layers: tuple[ResultLayer, ...]  # bottom to top
    notes: tuple[str, ...] = ()  # what was done otherwise than asked

    @staticmethod
    def of(request: GenerateRequest, generated: Generated) -> Result:
        return Result(request, tuple(map(_result, generated.layers)), generated.notes)

    def noting(self, notes: Sequence[str]) -> Result:
        """With what its conditions lack."""
        return replace(self, notes=(*notes, *self.notes))

    def document(
        self, below: Sequence[Layer] = (), *, provenance: bool = True, alpha_as_mask: bool = False
    ) -> LayeredDocument:
        """The layers above `below`, on the canvas of the request; each cut to its alpha.

        `provenance`: with XMP that says how they were made. `alpha_as_mask`: each is opaque, and a mask hides the rest.
        """
        depth = 16 if self.request.pixel_format is PixelFormat.RGBA16 else 8
        canvas = Bounds.around((self.request.covered, *(layer.bounds for layer in self.layers)))
        extent = Extent(max(canvas.right, 0), max(canvas.bottom, 0))
        layers = pixel_layers(self.layers)
        if alpha_as_mask:
            layers = tuple(map(with_mask, layers))
        xmp = packet(self.request, has_others=bool(below)) if provenance else b""
        return LayeredDocument(extent, (*below, *layers), depth, xmp=xmp)

    def save(
        self, path: Path | str, below: Sequence[Layer] = (), *, provenance: bool = True, alpha_as_mask: bool = False
    ) -> None:
        """PSD, PSB, ORA, PNG, WebP or, without a suffix, a folder of PNGs; as `document`. Raises FileError."""
        write_document(self.document(below, provenance=provenance, alpha_as_mask=alpha_as_mask), Path(path))


def pixel_layers(layers: Sequence[ResultLayer]) -> tuple[PixelLayer, ...]:
    return tuple(
        PixelLayer(
            layer.name,
            clip=Clip.BASE if layer.role is LayerRole.LIGHT else Clip.NONE,
            source=cropped(layer.bounds.x, layer.bounds.y, layer.pixels),
        )
        for layer in layers
    )


def _result(layer: GeneratedLayer) -> ResultLayer:
    own = np.require(layer.pixels, requirements=("O", "W"))  # never a view of a picture that was handed in
    return ResultLayer(layer.name, layer.role, layer.bounds, own, layer.seed)
