"""Where the pixels of a PSD layer, a mask and the merged image come from: read from the file region by region."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from acetate.protocol.geometry import Bounds
from acetate_engine.documents.colour import SRGB, ColourSpace, Plane, Samples
from acetate_engine.documents.psd_channels import Channel
from acetate_engine.documents.psd_file import PsdFile

_OPAQUE = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535, np.dtype(np.float32): 1.0}


@dataclass(frozen=True, eq=False)
class LayerPixels:
    bounds: Bounds
    colour: tuple[Channel, ...]
    alpha: Channel | None  # opaque where None
    space: ColourSpace

    def read(self, region: Bounds) -> Samples:
        rows, columns = window(region, self.bounds)
        planes = [channel.read(rows, columns) for channel in self.colour]
        alpha = self.alpha.read(rows, columns) if self.alpha is not None else _opaque(planes[0])
        return np.asarray(cv2.merge([*planes, alpha]))


@dataclass(frozen=True, eq=False)
class MergedPixels:
    """The flattened picture at the end of the file. Photoshop keeps its colours on white, Krita as they are."""

    file: PsdFile
    space: ColourSpace
    has_alpha: bool

    @property
    def bounds(self) -> Bounds:
        return Bounds(0, 0, self.file.header.width, self.file.header.height)

    def read(self, region: Bounds) -> Samples:
        rows, columns = window(region, self.bounds)
        channels = self.file.merged_channels()
        planes = [channel.read(rows, columns) for channel in channels[: self.space.planes]]
        if not self.has_alpha:
            return np.stack([*planes, _opaque(planes[0])], -1)
        alpha = channels[self.space.planes].read(rows, columns)
        if self.file.is_kritas:
            return np.stack([*planes, alpha], -1)
        return np.concatenate(
            [_off_white(np.stack(planes, -1), alpha[..., None], self.space.white), alpha[..., None]], -1
        )


@dataclass(frozen=True, eq=False)
class PalettePixels:
    """The merged image of an indexed document."""

    file: PsdFile
    transparent: int | None  # index
    space: ColourSpace

    @property
    def bounds(self) -> Bounds:
        return Bounds(0, 0, self.file.header.width, self.file.header.height)

    def read(self, region: Bounds) -> Samples:
        index = self.file.merged_channels()[0].read(*window(region, self.bounds))
        colours = np.frombuffer(self.file.palette[:768], np.uint8).reshape(3, -1).T
        alpha = np.where(index == self.transparent, 0, 255).astype(np.uint8)
        return np.concatenate([colours[index], alpha[..., None]], -1)


@dataclass(frozen=True, eq=False)
class MaskPixels:
    """A mask with its density and feather; `outside`, 0..255, is what surrounds it."""

    bounds: Bounds
    channel: Channel | None
    stored: Bounds
    outside: int
    density: float  # 0..1: a mask of density 0 hides nothing
    feather: float  # pixels
    space: ColourSpace = field(default=SRGB)

    def read(self, region: Bounds) -> Samples:
        margin = reach_of(self.feather)
        wide = Bounds(region.x - margin, region.y - margin, region.width + 2 * margin, region.height + 2 * margin)
        values = feathered(self._stored(wide), self.feather)
        values = values[margin : margin + region.height, margin : margin + region.width]
        return np.float32(1.0) - (np.float32(1.0) - values) * np.float32(self.density)

    def _stored(self, region: Bounds) -> Samples:
        values = np.full((region.height, region.width), self.outside / 255.0, np.float32)
        part = self.stored.intersection(region)
        if self.channel is not None and not part.is_empty:
            samples = self.channel.read(*window(part, self.stored))
            place = part.relative_to(region)
            values[place.window] = samples / np.float32(_OPAQUE[samples.dtype])
        return values


def reach_of(feather: float) -> int:
    return int(np.ceil(feather * 3.0)) if feather > 0.0 else 0


def feathered(coverage: Samples, feather: float) -> Samples:
    """Photoshop's feather is a Gaussian of that radius."""
    return coverage if feather <= 0.0 else cv2.GaussianBlur(coverage, (0, 0), feather, borderType=cv2.BORDER_REPLICATE)


def window(region: Bounds, bounds: Bounds) -> tuple[range, range]:
    part = region.relative_to(bounds)
    return range(part.y, part.bottom), range(part.x, part.right)


def _opaque(plane: Samples) -> Samples:
    return np.full(plane.shape, _OPAQUE[plane.dtype], plane.dtype)


def _off_white(colour: Samples, alpha: Samples, white: Plane) -> Samples:
    """On white → straight; what is clear keeps its values."""
    top = np.float32(_OPAQUE[colour.dtype])
    part = np.maximum(alpha.astype(np.float32) / top, np.float32(1e-6))
    straight = (colour.astype(np.float32) - white * top * (1.0 - part)) / part
    if colour.dtype == np.float32:
        return np.where(alpha > 0, straight, colour)
    rounded = (np.clip(straight, 0.0, top) + 0.5).astype(colour.dtype)
    return np.where(alpha > 0, rounded, colour)
