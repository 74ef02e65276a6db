"""Folders and files of this user alone: nobody else may have made them, changes them or reads them, and no link leads
out of them. Standard library only: the plugin and the engine share it.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from pathlib import Path
from typing import IO

from acetate.protocol.errors import EngineStartFailed

_OTHERS = 0o077
_IS_POSIX = sys.platform != "win32"  # Windows keeps a user's folders by itself


def private_folder(path: Path) -> Path:
    """The folder, made where it is missing, and closed to others where it is open to them.

    Raises EngineStartFailed where another user owns it or could put another in its place, OSError as mkdir does.
    """
    missing = [folder for folder in (path, *path.parents) if not os.path.lexists(folder)]
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)
    if _IS_POSIX:
        _check(path)
    return path


def _check(path: Path) -> None:
    """Of a link that is the user's own, what it leads to."""
    for folder in (path, *path.parents):
        if folder == path or folder.parent.stat().st_mode & stat.S_IWOTH:  # e.g. in /tmp, where all make folders
            _check_owner(folder, folder.lstat())
    found = path.stat()
    _check_owner(path, found)
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, "it is no folder", str(path))
    if found.st_mode & _OTHERS:
        path.chmod(stat.S_IMODE(found.st_mode) & ~_OTHERS)


def _check_owner(path: Path, found: os.stat_result) -> None:
    if found.st_uid != os.geteuid():
        raise EngineStartFailed(
            f"{path} belongs to another user",
            "Remove it, or set XDG_RUNTIME_DIR and XDG_DATA_HOME to folders of your own.",
        )


def check_own(path: Path) -> None:
    """Of what others open by its name: raises OSError where it is a link, or another user's. It may be missing."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return  # it will be made, in a folder of this user's alone
    if stat.S_ISLNK(found.st_mode):
        raise OSError(errno.ELOOP, "it is a link", str(path))
    if _IS_POSIX and found.st_uid != os.geteuid():
        raise PermissionError(errno.EPERM, "it belongs to another user", str(path))


def check_own_file(path: Path) -> None:
    """As `check_own`; raises OSError also where it is a folder, or a pipe, which keeps waiting whoever opens it."""
    check_own(path)
    if os.path.lexists(path) and not path.is_file():
        raise OSError(errno.EINVAL, "it is no plain file", str(path))


def open_private(path: Path, mode: str) -> IO[bytes]:
    """A file of this user for the user alone: made 0600, opened without following a link or waiting for a pipe.

    `mode`: rb, wb or ab. Raises OSError, also where it is no plain file, or another user's, or has a second name.
    """
    flags = {"rb": os.O_RDONLY, "wb": os.O_WRONLY | os.O_CREAT, "ab": os.O_WRONLY | os.O_CREAT | os.O_APPEND}[mode]
    extra = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    handle = os.open(path, flags | extra | getattr(os, "O_BINARY", 0), 0o600)
    try:
        _check_file(path, handle)
        if mode == "wb":  # not before it is known to be ours
            os.truncate(handle, 0)
        return os.fdopen(handle, mode)
    except BaseException:
        os.close(handle)
        raise


def _check_file(path: Path, handle: int) -> None:
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is no plain file", str(path))
    if not _IS_POSIX:
        return
    if found.st_uid != os.geteuid():
        raise PermissionError(errno.EPERM, "it belongs to another user", str(path))
    if found.st_nlink > 1:
        raise PermissionError(errno.EPERM, "it has another name, too", str(path))
    if found.st_mode & _OTHERS:
        os.fchmod(handle, stat.S_IMODE(found.st_mode) & ~_OTHERS)
