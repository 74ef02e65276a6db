"""Zip files that hold a document (OpenRaster, Krita): members read within limits, XML parsed."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from xml.etree import ElementTree

from acetate.protocol.errors import FileError
from acetate.protocol.geometry import Bounds
from acetate_engine.documents.colour import SRGB, ColourSpace, Samples
from acetate_engine.documents.raster import broken_file, decode_picture

_MAX_MEMBER = 1 << 29  # bytes of one unpacked member
_MAX_XML = 1 << 24
MAX_NESTING = 100


@dataclass(frozen=True)
class Archive:
    path: Path
    zip: zipfile.ZipFile

    def read(self, member: str, limit: int = _MAX_MEMBER) -> bytes:
        """Raises FileError where it is missing, broken, or would unpack to more than `limit` bytes."""
        with broken_file(f"{member} in {self.path.name}"):
            if member not in self.names:
                raise FileError(f"{self.path.name} lacks {member[:200]!r}", "Save it again in its program.")
            with self.zip.open(member) as stream:
                data = stream.read(limit + 1)  # the size in the directory may lie
            if len(data) > limit:
                raise FileError(f"{member} in {self.path.name} is over {limit} bytes", "Use a smaller document.")
            return data

    def xml(self, member: str) -> ElementTree.Element:
        """expat itself stops entities that expand without end."""
        data = self.read(member, _MAX_XML)
        try:
            return ElementTree.fromstring(data)
        except (ElementTree.ParseError, ValueError, LookupError) as error:
            raise FileError(f"{member} in {self.path.name} is not XML: {error}", "Save it again.") from error

    @cached_property
    def names(self) -> frozenset[str]:
        return frozenset(self.zip.namelist())


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture in an archive that may be closed by now; decoded once, when first read."""

    path: Path
    member: str
    bounds: Bounds  # canvas pixels
    space: ColourSpace = SRGB

    def read(self, region: Bounds) -> Samples:
        part = region.relative_to(self.bounds)
        return self._pixels[part.window]

    @cached_property
    def _pixels(self) -> Samples:
        name = f"{self.member} in {self.path.name}"
        with opened(self.path) as archive:
            pixels = decode_picture(archive.read(self.member), name)
        if pixels.shape[:2] != (self.bounds.height, self.bounds.width):
            size = f"{pixels.shape[1]}×{pixels.shape[0]}"
            raise FileError(f"{name} is {size} and should be {self.bounds.extent}", "Save it again in its program.")
        return pixels


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    with broken_file(path.name), zipfile.ZipFile(path) as file:
        yield Archive(path, file)


def number(element: ElementTree.Element, name: str, default: float) -> float:
    """A finite attribute. Raises ValueError otherwise."""
    value = float(element.get(name, default))
    if not -1e9 < value < 1e9:
        raise ValueError(f"{element.tag} has {name}={value}")
    return value
