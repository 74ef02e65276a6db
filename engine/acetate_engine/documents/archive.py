"""Zip files that hold a document (OpenRaster, Krita): members read within limits, XML parsed, pictures decoded."""

from __future__ import annotations

import zipfile
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from xml.etree import ElementTree

from acetate.protocol.errors import FileError
from acetate.protocol.geometry import Bounds
from acetate_engine.documents.broken import broken_file
from acetate_engine.documents.colour import SRGB, ColourSpace, Encoded, Samples
from acetate_engine.documents.formats import printable
from acetate_engine.documents.raster import decode_picture

_MAX_MEMBER = 1 << 29  # bytes of one unpacked member
_MAX_XML = 1 << 24
MAX_NESTING = 100
MAX_DOCUMENT = 1 << 29  # pixels of all pictures of one document
_UTF8 = 1 << 11  # general purpose bit 11 (APPNOTE.TXT 4.4.4)


@dataclass(frozen=True)
class Archive:
    path: Path
    zip: zipfile.ZipFile

    def read(self, member: str, limit: int = _MAX_MEMBER) -> bytes:
        """Raises FileError where it is missing, broken, or would unpack to more than `limit` bytes."""
        name = f"{printable(member)} in {printable(self.path.name)}"
        with broken_file(name):
            if member not in self.names:
                raise FileError(f"{printable(self.path.name)} lacks {member[:200]!r}", "Save it again in its program.")
            with self.zip.open(self.names[member]) as stream:
                data = stream.read(limit + 1)  # the size in the directory may lie
            if len(data) > limit:
                raise FileError(f"{name} is over {limit} bytes", "Use a smaller document.")
            return data

    def plain_xml(self, member: str) -> ElementTree.Element:
        """Without namespaces, which differ between versions and programs."""
        root = self.xml(member)
        for element in root.iter():
            element.tag = element.tag.rpartition("}")[2]
        return root

    def xml(self, member: str) -> ElementTree.Element:
        """expat itself stops entities that expand without end."""
        data = self.read(member, _MAX_XML)
        try:
            return ElementTree.fromstring(data)
        except (ElementTree.ParseError, ValueError, LookupError) as error:
            name = f"{member} in {printable(self.path.name)}"
            raise FileError(f"{name} is not XML: {printable(str(error))}", "Save it again.") from error

    @cached_property
    def names(self) -> dict[str, zipfile.ZipInfo]:
        return {member_name(info): info for info in self.zip.infolist()}


def member_name(info: zipfile.ZipInfo) -> str:
    """Krita writes UTF-8 without the bit that says so."""
    if info.flag_bits & _UTF8:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename  # not UTF-8 in disguise


@dataclass(frozen=True, eq=False)
class ArchivePicture:
    """A picture in an archive that may be closed by now; decoded when it is read."""

    path: Path
    member: str
    bounds: Bounds  # canvas pixels
    space: ColourSpace = SRGB

    def read(self, region: Bounds) -> Samples:
        part = region.relative_to(self.bounds)
        return self._pixels()[part.window]

    def _pixels(self) -> Encoded:
        pixels = _DECODED.get(self)
        if pixels is None:
            pixels = self._decoded()
            _DECODED.put(self, pixels)
        return pixels

    def _decoded(self) -> Encoded:
        name = f"{printable(self.member)} in {printable(self.path.name)}"
        with opened(self.path) as archive:
            pixels = decode_picture(archive.read(self.member), name, ["PNG"])
        if pixels.shape[:2] != (self.bounds.height, self.bounds.width):
            size = f"{pixels.shape[1]}×{pixels.shape[0]}"
            raise FileError(f"{name} is {size} and should be {self.bounds.extent}", "Save it again in its program.")
        return pixels


class _Recent:
    """The pictures that were read last, as many as fit into some bytes."""

    def __init__(self, limit: int) -> None:
        self._limit, self._kept = limit, OrderedDict[ArchivePicture, Encoded]()

    def get(self, picture: ArchivePicture) -> Encoded | None:
        if picture in self._kept:
            self._kept.move_to_end(picture)
        return self._kept.get(picture)

    def put(self, picture: ArchivePicture, pixels: Encoded) -> None:
        self._kept[picture] = pixels
        while len(self._kept) > 1 and sum(one.nbytes for one in self._kept.values()) > self._limit:
            self._kept.popitem(last=False)


_DECODED = _Recent(1 << 28)


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    with broken_file(printable(path.name)), zipfile.ZipFile(path) as file:
        yield Archive(path, file)


def number(element: ElementTree.Element, name: str, default: float) -> float:
    """A finite attribute. Raises ValueError otherwise."""
    value = float(element.get(name, default))
    if not -1e9 < value < 1e9:
        raise ValueError(f"{element.tag} has {name}={value}")
    return value


def number_or(element: ElementTree.Element, name: str, default: float, notes: list[str]) -> float:
    """A finite attribute, or the default with a note. Some programs write a decimal comma."""
    text = element.get(name)
    if text is None:
        return default
    try:
        return number(ElementTree.Element(element.tag, {name: text.replace(",", ".")}), name, default)
    except ValueError:
        notes.append(f"{name} {text[:20]!r}")
        return default
