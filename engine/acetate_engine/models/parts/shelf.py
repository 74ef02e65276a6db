"""What parts there are (`parts` of resources/models.json), and those that lie on the shelf in the data directory."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from acetate.protocol.codec import from_json
from acetate.protocol.errors import PartMissing
from acetate_engine.paths import models_dir, resources_dir


@dataclass(frozen=True)
class PackageFile:
    """One file of a package."""

    file: str  # its name on the shelf
    inside: str  # its path in the package
    sha256: str


@dataclass(frozen=True)
class PackagedPart:
    """A network that other people's package carries; only its files are taken, nothing of it is run."""

    name: str
    title: str
    serves: str  # what it is for, in the painter's words
    package: str
    version: str
    licence: str  # SPDX, of the files
    members: tuple[PackageFile, ...]
    at_once: bool = False  # fetched with the installation

    @property
    def folder(self) -> Path:
        return models_dir() / "parts" / self.name

    @property
    def is_there(self) -> bool:
        """All its files; whether they are whole is looked at when they are read."""
        return all((self.folder / member.file).is_file() for member in self.members)


def all_parts() -> tuple[PackagedPart, ...]:
    listed = json.loads((resources_dir() / "models.json").read_text(encoding="utf-8"))["parts"]
    return tuple(from_json(PackagedPart, row, "models.json") for row in listed)


def find_part(name: str) -> PackagedPart:
    """Raises PartMissing where there is none of that name."""
    parts = {part.name: part for part in all_parts()}
    if name not in parts:
        raise PartMissing(f"there is no part {name[:80]!r}", f"Choose one of these: {', '.join(parts)}.")
    return parts[name]


def read_part(name: str) -> dict[str, bytes]:
    """Its files by their names on the shelf, as they were published.

    Raises PartMissing where one is missing, cannot be read, or has another SHA-256.
    """
    part = find_part(name)
    return {member.file: _read(part, member) for member in part.members}


def is_published(member: PackageFile, content: bytes) -> bool:
    return hashlib.sha256(content).hexdigest() == member.sha256


def _read(part: PackagedPart, member: PackageFile) -> bytes:
    path = part.folder / member.file
    remedy = f"Run `acetate models get {part.name}`."
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise PartMissing(f"{part.title}, for {part.serves}, is not on this machine", remedy) from None
    except OSError as error:
        raise PartMissing(f"{path} cannot be read: {error.strerror}", "Give yourself the right to read it.") from error
    if not is_published(member, content):
        raise PartMissing(f"{path} is not the file that was published: its SHA-256 differs", remedy)
    return content
