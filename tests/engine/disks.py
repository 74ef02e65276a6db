"""Disks that are full."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def fill(folder: Path, free: int) -> Path:
    """Takes all but `free` bytes of the disk, while others write to it, too: what was free may not be any more.

    Returns the file that takes them.
    """
    filler = folder / "filler"
    with filler.open("ab") as file:
        while True:
            space = os.statvfs(folder)
            wanted = space.f_bavail * space.f_frsize - free
            if wanted <= 0:
                return filler
            with suppress(OSError):
                os.posix_fallocate(file.fileno(), 0, os.fstat(file.fileno()).st_size + wanted)
                return filler
