"""Debian's machine-readable copyright files (DEP-5): which licence holds for one picture, as an SPDX name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

_SPDX = {
    "GPL-1+": "GPL-1.0-or-later",
    "GPL-2": "GPL-2.0-only",
    "GPL-2+": "GPL-2.0-or-later",
    "GPL-3": "GPL-3.0-only",
    "GPL-3+": "GPL-3.0-or-later",
    "LGPL-2+": "LGPL-2.0-or-later",
    "LGPL-2.1+": "LGPL-2.1-or-later",
    "LGPL-3": "LGPL-3.0-only",
    "LGPL-3+": "LGPL-3.0-or-later",
    "CC0": "CC0-1.0",
    "CC0-1.0": "CC0-1.0",
    "public-domain": "CC-PDDC",
    "Expat": "MIT",
    "MIT": "MIT",
    "Apache-2.0": "Apache-2.0",
}
_CREATIVE_COMMONS = re.compile(r"CC-BY(-SA)?-[1-4]\.[0-9]")


@dataclass(frozen=True)
class Stanza:
    """Glob patterns of the source package, and the licence's short name in Debian."""

    patterns: tuple[str, ...]
    licence: str


def read_stanzas(copyright_file: Path) -> list[Stanza]:
    """Those of `Files`, in the order of the file."""
    text = copyright_file.read_text(encoding="utf-8")
    return [stanza for block in re.split(r"\n\s*\n", text) if (stanza := _stanza(block))]


def _stanza(block: str) -> Stanza | None:
    fields = dict(re.findall(r"^([\w-]+):[ \t]*((?:.*(?:\n[ \t].*)*))", block, re.MULTILINE))
    if "Files" not in fields or "License" not in fields:
        return None
    return Stanza(tuple(fields["Files"].split()), fields["License"].splitlines()[0].strip())


def spdx_of(picture: str, stanzas: list[Stanza]) -> str | None:
    """The licence that names this installed file; None where none does, or where it gives alternatives.

    Source and package have different folders, so patterns are matched against the end of the path; a pattern for
    everything says too little of a picture.
    """
    named = [s.licence for s in stanzas if any(_names(pattern, picture) for pattern in s.patterns)]
    return spdx(named[-1]) if named else None


def _names(pattern: str, picture: str) -> bool:
    last = PurePosixPath(pattern).name
    if not last.strip("*?."):
        return False
    return fnmatch(picture, f"*/{pattern}") or last == PurePosixPath(picture).name


def spdx(short_name: str) -> str | None:
    """Debian's short name -> SPDX name; None for names of no single known licence."""
    return short_name if _CREATIVE_COMMONS.fullmatch(short_name) else _SPDX.get(short_name)
