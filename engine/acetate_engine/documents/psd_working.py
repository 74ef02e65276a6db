"""The working space of a PSD without a profile: Photoshop mixes soft edges of text and some gradients in its light.

Nothing in the file names it, but the merged picture shows what was computed in it. Four untagged documents of Aspose's
examples are equal to theirs in every pixel in Adobe RGB, where sRGB is up to 8 of 255 off.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from acetate.protocol.errors import FileError
from acetate.protocol.geometry import Bounds
from acetate_engine.documents.colour import ColourSpace, Samples
from acetate_engine.documents.flatten import compose
from acetate_engine.documents.icc import ADOBE_RGB, PROPHOTO_RGB, Shaper
from acetate_engine.documents.planes import unit
from acetate_engine.documents.psd_drawing import Drawing
from acetate_engine.documents.psd_file import PsdFile
from acetate_engine.documents.psd_layers import tree
from acetate_engine.documents.psd_pixels import MergedPixels
from acetate_engine.documents.psd_write import on_white
from acetate_engine.documents.tree import Group, Layer, PixelLayer

_WORKING = (None, ADOBE_RGB, PROPHOTO_RGB)  # sRGB first: of equal ones it is taken
_PIXELS, _TEXTS = 1 << 16, 8  # looked at of one text, at most, and of how many
_SAME = 1.25 / 255.0


@dataclass(frozen=True, eq=False)
class WorkingSpace:
    """Which of Photoshop's working spaces makes the merged picture of the layers; looked for when first needed."""

    file: PsdFile
    space: ColourSpace
    merged: MergedPixels

    def __call__(self) -> Shaper | None:
        return self._found

    @cached_property
    def _found(self) -> Shaper | None:
        try:
            tried = [self._in(working) for working in _WORKING]
            wanted = np.concatenate([self._flat(self.merged.read(part)) for part in self._parts])
        except (FileError, ValueError):
            return None  # nothing to compare: whoever reads the layers says what is broken
        telling = np.any([(one != tried[0]).any(-1) for one in tried[1:]], 0)
        hits = [(np.abs(one - wanted).max(-1) <= _SAME)[telling].sum() for one in tried]
        return _WORKING[int(np.argmax(hits))]

    def _in(self, working: Shaper | None) -> Samples:
        """(pixels, planes) of the texts, composed in this one."""
        space = replace(self.space, working=lambda: working)
        layers = tree(self.file.section.records, space, Drawing(self.file, space))
        depth = self.file.header.depth
        return np.concatenate([self._flat(compose(layers, part, depth=depth, space=space)) for part in self._parts])

    @cached_property
    def _parts(self) -> list[Bounds]:
        layers = tree(self.file.section.records, self.space, Drawing(self.file, self.space))
        canvas = Bounds(0, 0, self.file.header.width, self.file.header.height)
        seen = [layer.bounds.intersection(canvas) for layer in texts(layers)]
        return [_middle(part) for part in seen if not part.is_empty][:_TEXTS]

    def _flat(self, values: Samples) -> Samples:
        return unit(on_white(values, self.space))[..., : self.space.planes].reshape(-1, self.space.planes)


def texts(layers: Sequence[Layer]) -> Iterator[PixelLayer]:
    """Those that show and are mixed in light."""
    for layer in layers:
        if isinstance(layer, Group) and layer.visible:
            yield from texts(layer.layers)
        elif isinstance(layer, PixelLayer) and layer.visible and layer.mixes_in_light:
            yield layer


def _middle(part: Bounds) -> Bounds:
    rows = max(1, min(part.height, _PIXELS // part.width))
    return Bounds(part.x, part.y + (part.height - rows) // 2, part.width, rows)
