"""Files that are there whole, or as they were before: standard library only, the plugin and the engine share it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from acetate.protocol.private import open_private


def write_whole(file: Path, content: bytes, *, is_private: bool = False, synced: bool = False) -> None:
    """In place of what was there; an interruption leaves the old content. Folders above it are made.

    Args:
        is_private: for this user alone, 0600.
        synced: is on the disk when this returns.

    Raises:
        OSError: it could not be written; what was there is as it was.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f"{file.name}.new")
    try:
        with open_private(fresh, "wb") if is_private else fresh.open("wb") as stream:
            stream.write(content)
            if synced:
                stream.flush()
                os.fsync(stream.fileno())
        fresh.replace(file)
    except OSError:
        with suppress(OSError):  # the next writing makes it anew
            fresh.unlink(missing_ok=True)
        raise
