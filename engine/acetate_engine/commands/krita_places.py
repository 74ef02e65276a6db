"""Where Kritas of this user keep their resources, however they were installed: the one table of these places.

What a Krita can start decides what may be put there: one in a sandbox sees no program outside of it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Packaging:
    """Of one way to install Krita."""

    name: str  # for a person
    system: str  # as sys.platform calls it
    base: str  # a variable, or a folder in the home folder
    otherwise: str  # in the home folder, where `base` is a variable that is not set
    resources: str  # below the base
    mark: str = ""  # below the base, may be a pattern: there where Krita was installed so; always where empty
    is_sandboxed: bool = False


PLACES = (
    Packaging("a package, the AppImage or Steam", "linux", "XDG_DATA_HOME", ".local/share", "krita"),
    Packaging("Flatpak", "linux", ".var/app", "", "data/krita", "org.kde.krita", is_sandboxed=True),
    Packaging("Snap", "linux", "snap", "", "current/.local/share/krita", "krita", is_sandboxed=True),
    Packaging("the installer, the zip or Steam", "win32", "APPDATA", "AppData/Roaming", "krita"),
    Packaging(
        "the Microsoft Store",
        "win32",
        "LOCALAPPDATA",
        "AppData/Local",
        "LocalCache/Roaming/krita",
        "Packages/49800Krita*",
    ),
    Packaging("the app", "darwin", "Library/Application Support", "", "krita"),
)
"""The first of each system is where Krita looks by itself: there the plugin goes also before Krita has run.

Linux, Windows, macOS and the Store's `%LOCALAPPDATA%\\Packages\\49800Krita_{RANDOM STRING}\\LocalCache\\Roaming\\krita`
are those of Krita's manual, "Where are my resources stored?" (https://docs.krita.org/en/KritaFAQ.html).
"""


@dataclass(frozen=True)
class Found:
    packaging: Packaging
    resources: Path


def kritas(
    system: str = sys.platform, home: Path | None = None, environment: Mapping[str, str] = os.environ
) -> list[Found]:
    """Those of this user, Krita's usual place first."""
    return [
        Found(packaging, folder / packaging.resources)
        for packaging in PLACES
        if packaging.system == system
        for folder in _folders(packaging, home or Path.home(), environment)
    ]


def _folders(packaging: Packaging, home: Path, environment: Mapping[str, str]) -> Iterator[Path]:
    """A variable that is no absolute path counts as not set (XDG Base Directory Specification)."""
    named = Path(environment.get(packaging.base, "").strip())
    base = named if named.is_absolute() else home / (packaging.otherwise or packaging.base)
    if packaging.mark:
        yield from sorted(found for found in base.glob(packaging.mark) if found.is_dir())
    else:
        yield base
