"""VAEs and text encoders in files of their own: for checkpoints without one, or with one put beside. Torch-free."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from acetate_engine.models.checkpoints.info import NEEDED_PARTS, Family, FileInfo, Kind
from acetate_engine.models.checkpoints.kinds import inspected
from acetate_engine.models.checkpoints.parts import Part
from acetate_engine.models.families.places import Item, Shelf, items


def usable_vaes() -> list[Item]:
    return [item for item in items(Shelf.VAE) if _usable(item, Kind.VAE)]


def parts_beside(checkpoint: Item, info: FileInfo, vaes: list[Item]) -> dict[Part, Path]:
    """What takes the place of parts of a checkpoint: a VAE that has its name, and whatever it lacks and is there."""
    assert info.family is not None
    found: dict[Part, Path] = {}
    same = [item.path for item in vaes if item.stem.lower().removesuffix(".vae") == checkpoint.stem.lower()]
    if same:
        found[Part.VAE] = same[0]
    elif Part.VAE not in info.parts and (fitting := _vae_of(info.family, vaes)):
        found[Part.VAE] = fitting
    lacking = [part for part in NEEDED_PARTS[info.family] if part not in info.parts]
    texts: list[Part] = [part for part in lacking if part in (Part.TEXT, Part.TEXT_2)]
    return found | dict(_texts(info, texts)) if texts else found


def missing_parts(info: FileInfo, beside: Mapping[Part, Path]) -> list[Part]:
    assert info.family is not None
    return [part for part in NEEDED_PARTS[info.family] if part not in info.parts and part not in beside]


def _usable(item: Item, kind: Kind) -> FileInfo | None:
    info = inspected(item.path)
    return info if isinstance(info, FileInfo) and info.kind is kind and not info.problem else None


def _vae_of(family: Family, found: list[Item]) -> Path | None:
    """The two families' have the same shapes and other values: only names tell them apart."""
    fitting = [item for item in found if ("xl" in item.inner.lower()) == (family is Family.SDXL)]
    return fitting[0].path if fitting else None


def _texts(info: FileInfo, wanted: list[Part]) -> Iterator[tuple[Part, Path]]:
    """By their widths: SD1.5's is as wide as what its UNet listens to, SDXL's two are so together."""
    encoders = [
        (item.path, told.width) for item in items(Shelf.TEXT_ENCODERS) if (told := _usable(item, Kind.TEXT_ENCODER))
    ]
    for path, width in encoders:
        if info.family is Family.SD15 and Part.TEXT in wanted and width == info.width:
            yield Part.TEXT, path
            return
    if info.family is not Family.SDXL or info.width is None:
        return
    half = info.width / 2
    for path, width in encoders:
        part = Part.TEXT if width and width < half else Part.TEXT_2
        if part in wanted and width and width < info.width:
            wanted = [other for other in wanted if other is not part]
            yield part, path
