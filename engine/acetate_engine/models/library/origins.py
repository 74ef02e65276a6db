"""What was said of a file when it came, kept beside it: its SHA-256 holds from then on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from acetate.protocol.errors import CheckpointError, MalformedMessage
from acetate.protocol.kept import from_record, read_text, to_record
from acetate.protocol.library import Origin
from acetate.protocol.whole import write_whole
from acetate_engine.models.library.published import published

_BLOCK = 1 << 20  # bytes


@dataclass(frozen=True)
class Kept:
    sha256: str
    size: int  # bytes
    modified: int  # ns
    origin: Origin
    source: str = ""  # repository and revision


def kept_beside(file: Path) -> Path:
    return file.with_name(f"{file.name}.origin.json")


def read_kept(file: Path) -> Kept | None:
    """None where nothing is kept, or it cannot be read."""
    try:
        return from_record(Kept, read_text(kept_beside(file).read_bytes()))
    except (OSError, UnicodeDecodeError, MalformedMessage):
        return None  # as the docstring says: an unknown origin


def origin_of(file: Path) -> Origin:
    """Quick: the file is not read again as long as its size and time are those of the day when it was."""
    kept = read_kept(file)
    if kept is None:
        return Origin.UNVERIFIED
    state = file.stat()
    is_same = (kept.size, kept.modified) == (state.st_size, state.st_mtime_ns)
    return kept.origin if is_same else Origin.CHANGED


def keep(file: Path, sha256: str, origin: Origin, source: str) -> None:
    state = file.stat()
    record = to_record(Kept(sha256, state.st_size, state.st_mtime_ns, origin, source))
    write_whole(kept_beside(file), (json.dumps(record, indent=1) + "\n").encode())


def check(name: str, found: str, held: Kept | None, said: str) -> Origin:
    """Of a file whose SHA-256 is `found`. `held`: kept when it came before; `said`: by the hub now, or empty.

    Raises CheckpointError where it is not what it should be.
    """
    known = published()[name].sha256 if name in published() else ""
    wanted, origin = next(
        (
            (digest, origin)
            for digest, origin in (
                (known, Origin.PUBLISHED),
                (held.sha256 if held and held.origin is not Origin.UNVERIFIED else "", Origin.HUB),
                (said, Origin.HUB),
            )
            if digest
        ),
        ("", Origin.UNVERIFIED),
    )
    if wanted and wanted != found:
        raise CheckpointError(
            f"{name} is not the file that was published: its SHA-256 differs",
            "Nothing of it was kept. Try again; if it stays so, ask where the file comes from",
        )
    return origin


def sha256_of(file: Path, go_on: Callable[[], None] = lambda: None) -> str:
    """`go_on` is called between blocks, and may raise."""
    digest = hashlib.sha256()
    with file.open("rb") as content:
        while block := content.read(_BLOCK):
            go_on()
            digest.update(block)
    return digest.hexdigest()
