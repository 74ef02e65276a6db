"""What is wrong with the disk or the job store, as a person can read it, and whether it may pass by itself."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

from acetate.protocol.errors import AcetateError, FileError, NoSpace, StoreUnusable

_CORRUPT = ("file is not a database", "malformed", "file is encrypted", "unsupported file format")
_FULL = {errno.ENOSPC, errno.EDQUOT}
_NO_MORE = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN}


def is_full(error: OSError) -> bool:
    """Whether the disk has no room for what was written, or the user's share of it."""
    return error.errno in _FULL


def of_store(error: sqlite3.Error, path: Path | str = "") -> AcetateError:
    """Only a store that is really broken is to be moved away: whatever else there is passes, and the jobs with it."""
    said = str(error)
    if any(words in said for words in _CORRUPT):
        return FileError(f"the job store {path} cannot be read: {said}", "Move it away; jobs in it are lost.")
    if "full" in said:
        return NoSpace("the disk that holds the jobs is full", "Free some space: jobs wait until then, none is lost.")
    if "locked" in said:
        return StoreUnusable(
            "another program holds the job store", "Try again; should it last, close what has opened jobs.sqlite."
        )
    return StoreUnusable(
        f"the job store{f' {path}' if path else ''} cannot be used: {said}",
        "Check the disk, and whether the data folder can be written.",
    )


def of_system(error: OSError) -> AcetateError:
    """Of a file that cannot be written or read, or a machine that is out of something."""
    if is_full(error):
        return NoSpace("the disk is full", "Free some space, then try again.")
    if error.errno in _NO_MORE:
        return StoreUnusable(f"the engine has run out of something: {error.strerror}", "Try again in a moment.")
    return StoreUnusable(f"{error.filename or 'a file'}: {error.strerror}", "Check the disk, then try again.")
