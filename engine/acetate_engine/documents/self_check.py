"""Whether a document's layers, as Acetate composes them, make the picture that its program saved beside them.

Where only some layers are asked for they have to be composed, and no note of a layer tells what nobody knows to be
drawn otherwise: the working space of a file without a profile, say, or an edit by another program.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from acetate.protocol.errors import FileError
from acetate.protocol.geometry import Bounds
from acetate_engine.documents.colour import Samples
from acetate_engine.documents.flatten import flatten
from acetate_engine.documents.in_srgb import in_srgb
from acetate_engine.documents.planes import unit
from acetate_engine.documents.tree import LayeredDocument

UNLIKE = "its layers make another picture than the one that its program saved; what is used is drawn from the layers"
FOREIGN = "its merged picture, which another program saved, is not what its layers make; the merged picture is used"
_OFF = 2.5 / 255.0
_PART = 1e-3  # of the pixels
_PIXELS, _BANDS = 1 << 18, 8  # looked at, at most, and in how many places


def is_unlike(document: LayeredDocument, region: Bounds) -> bool:
    """By a few bands of rows of `region`. A saved picture that is broken says nothing."""
    merged, area = document.merged, region.intersection(Bounds.of(document.extent))
    if merged is None or not document.merged_is_current or area.is_empty:
        return False
    depth, space = document.depth, document.space
    try:
        pairs = [(flatten(document.layers, band, depth=depth, space=space), in_srgb(merged, band, depth))
                 for band in _bands(area)]  # fmt: skip
    except FileError:
        return False  # whoever reads the layers says what is broken
    return bool(np.concatenate([_off(*pair) for pair in pairs]).mean() > _PART)


def _bands(area: Bounds) -> Iterator[Bounds]:
    rows = max(1, min(-(-area.height // _BANDS), _PIXELS // (_BANDS * area.width)))
    for top in np.unique(np.linspace(area.y, area.bottom - rows, _BANDS).astype(int)):
        yield Bounds(area.x, int(top), area.width, rows)


def _off(ours: Samples, theirs: Samples) -> Samples:
    """Which pixels differ; where the saved picture knows no transparency, on white."""
    first, second = unit(ours), unit(theirs)
    ground = 1.0 if (second[..., 3] >= 1.0).all() else 0.0
    seen = [one[..., :3] * one[..., 3:] + ground * (1.0 - one[..., 3:]) for one in (first, second)]
    return (np.abs(seen[0] - seen[1]).max(-1) > _OFF).ravel()
