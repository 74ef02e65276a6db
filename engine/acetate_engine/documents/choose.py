"""Some layers of a document, in their order and inside their groups."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from acetate_engine.documents.tree import Clip, Group, Layer, LayeredDocument


def chosen(document: LayeredDocument, paths: Sequence[str]) -> tuple[Layer, ...]:
    """The layers of these paths or names, shown even where they are hidden; groups around them keep their opacity,
    masks and blend mode. What was clipped to a layer that is not chosen stands alone. Raises FileError.
    """
    return _kept(document.layers, [document.find(path) for path in paths])


def topmost(document: LayeredDocument, paths: Sequence[str]) -> str:
    """The path of whichever layer lists show first."""
    return _ordered(document, paths)[0]


def bottommost(document: LayeredDocument, paths: Sequence[str]) -> str:
    return _ordered(document, paths)[-1]


def _ordered(document: LayeredDocument, paths: Sequence[str]) -> list[str]:
    wanted = [document.find(path) for path in paths]
    return [key for key, layer in document.walk() if any(layer is one for one in wanted)]


def _kept(layers: Sequence[Layer], wanted: Collection[Layer]) -> tuple[Layer, ...]:
    kept: list[Layer] = []
    base_is_kept = False
    for layer in layers:
        part = _part(layer, wanted)
        if layer.clip is not Clip.BASE:
            base_is_kept = part is not None
        if part is not None:
            kept.append(part if base_is_kept or part.clip is Clip.NONE else replace(part, clip=Clip.NONE))
    return tuple(kept)


def _part(layer: Layer, wanted: Collection[Layer]) -> Layer | None:
    if any(layer is one for one in wanted):
        return replace(layer, visible=True)
    if isinstance(layer, Group):
        inside = _kept(layer.layers, wanted)
        return replace(layer, visible=True, layers=inside) if inside else None
    return None
