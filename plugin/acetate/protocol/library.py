"""Model files: what is there, what could be, and what is under way. GET /v1/library."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Origin(str, Enum):
    """How far it is known that a file is what was published."""

    PUBLISHED = "published"  # its SHA-256 is that of resources/models.json
    HUB = "hub"  # its SHA-256 is what the hub said when it was fetched, and holds from then on
    UNVERIFIED = "unverified"  # nobody has said what it should be
    CHANGED = "changed"  # it was checked, and is another file by now


@dataclass(frozen=True)
class ModelFile:
    """A file, or folder in diffusers' layout, that is there."""

    name: str
    what: str  # for a person: kind and family
    folder: str  # where it lies
    size: int  # bytes; 0 of a folder
    origin: Origin = Origin.UNVERIFIED
    licence: str = ""  # SPDX, where known
    problem: str = ""  # why it cannot be used, and what to do


@dataclass(frozen=True)
class MissingFile:
    """One that is published and not there."""

    name: str
    source: str  # repository of the hub, or package of the index
    serves: str  # for a person
    licence: str = ""
    size: int = 0  # bytes, about; 0 where that is not known


class DownloadState(str, Enum):
    RUNNING = "running"
    CHECKING = "checking"  # its SHA-256
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self in (DownloadState.DONE, DownloadState.FAILED, DownloadState.CANCELLED)


@dataclass(frozen=True)
class Download:
    """A file on its way: from the hub, from the index, or from another folder of this machine."""

    name: str
    state: DownloadState
    done: int = 0  # bytes
    total: int = 0  # bytes; 0 where that is not known yet
    reason: str = ""  # why it failed, and what to do


@dataclass(frozen=True)
class Library:
    files: tuple[ModelFile, ...]
    missing: tuple[MissingFile, ...]
    downloads: tuple[Download, ...]
    folders: tuple[str, ...]  # of other programs, used where they lie
    home: str  # the folder that files are put into
    free: int  # bytes on its disk
