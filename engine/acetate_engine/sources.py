"""Pictures as people have them → arrays; what size a request is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from acetate.protocol.errors import InvalidRequest
from acetate.protocol.geometry import Extent
from acetate_engine.compositing.pixels import Pixels, eight
from acetate_engine.documents.reader import read_document
from acetate_engine.documents.shown import Shown, shown

PictureLike = Pixels | Image.Image | Path | str | Shown
"""(h, w, 4) straight sRGB uint8 or uint16, a Pillow image, or the path of any document that Acetate reads."""


@overload
def seen(source: PictureLike) -> Shown: ...
@overload
def seen(source: None) -> None: ...
@overload
def seen(source: PictureLike | None) -> Shown | None: ...
def seen(source: PictureLike | None) -> Shown | None:
    """(h, w, 4) straight sRGB, as a painter sees it, and what is not as they do. Raises FileError, InvalidRequest."""
    if source is None or isinstance(source, Shown):
        return source
    if isinstance(source, Image.Image):
        return Shown(np.asarray(source.convert("RGBA")))
    if isinstance(source, (str, Path)):
        return shown(read_document(Path(source)), depth=8)
    if source.ndim != 3 or source.shape[2] != 4:
        raise InvalidRequest(f"a picture has the shape {source.shape}", "Give it as (height, width, 4), RGBA.")
    return Shown(source)


@overload
def picture(source: PictureLike) -> Pixels: ...
@overload
def picture(source: None) -> None: ...
@overload
def picture(source: PictureLike | None) -> Pixels | None: ...
def picture(source: PictureLike | None) -> Pixels | None:
    """The pixels of `seen`. Raises FileError, InvalidRequest."""
    found = seen(source)
    return None if found is None else found.pixels


def coverage_of(pixels: Pixels | None) -> NDArray[np.uint8] | None:
    """A mask picture → (h, w) coverage: its alpha where it has any transparency, its brightness otherwise."""
    if pixels is None:
        return None
    shown = eight(pixels)
    if (shown[..., 3] < 255).any():
        return np.ascontiguousarray(shown[..., 3])
    return np.asarray(Image.fromarray(shown).convert("L"))


def extent_of(pixels: Pixels) -> Extent:
    return Extent(pixels.shape[1], pixels.shape[0])


def common_extent(pictures: Sequence[Pixels | None], size: tuple[int, int] | None, model: str) -> Extent:
    """Raises InvalidRequest where the pictures differ in size from each other, or from `size`."""
    found = [extent_of(given) for given in pictures if given is not None]
    found += [Extent(*size)] if size else []
    if len(set(found)) > 1:
        listed = ", ".join(str(extent) for extent in found)
        raise InvalidRequest(f"the pictures and the size differ: {listed}", "Bring them to one size first.")
    return found[0] if found else native_extent(model)


def native_extent(model: str) -> Extent:
    """The square that the model works best at; 512×512 where there is no such model, which the task will say."""
    from acetate_engine.models.families import describe_models

    side = next((info.native for info in describe_models() if info.name == model), 512)
    return Extent(side, side)
