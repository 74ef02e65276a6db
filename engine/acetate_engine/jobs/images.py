"""Images on disk, named by the SHA-256 of their body. No name that is not a digest ever becomes a path."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import tempfile
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import BinaryIO

from acetate.protocol.errors import InvalidRequest, LayerDamaged, MalformedMessage, UnknownImage
from acetate.protocol.pixels import is_digest
from acetate.protocol.private import check_own, private_folder

_PARTIAL = ".partial-"
Buffer = bytes | memoryview

log = logging.getLogger("images")


class ImageStore:
    """Bodies (protocol pixels or PNG) under `root`; written whole and synced to the disk, or not at all.

    Raises EngineStartFailed, OSError where the folder or one in it is not this user's.
    """

    def __init__(self, root: Path) -> None:
        self.root = private_folder(root)
        for folder in root.glob("??"):
            check_own(folder)

    def path(self, digest: str) -> Path:
        """Where the body lies, or would lie. Raises InvalidRequest where `digest` is not one."""
        if not is_digest(digest):
            raise InvalidRequest(
                f"{digest[:80]!r} does not name an image", "Use the SHA-256 of its body, in lower case."
            )
        return self.root / digest[:2] / digest

    def __contains__(self, digest: str) -> bool:
        return self.path(digest).is_file()

    def found(self, digest: str) -> Path:
        """The file of a stored image, which counts as used now. Raises UnknownImage."""
        path = self.path(digest)
        try:
            os.utime(path)
        except FileNotFoundError:
            raise UnknownImage(f"image {digest[:12]}… is not there", "Upload it, then try again.") from None
        return path

    def read(self, digest: str) -> bytes:
        """The body. Raises UnknownImage, also where the file is damaged."""
        body = self.found(digest).read_bytes()
        if hashlib.sha256(body).hexdigest() != digest:
            raise UnknownImage(f"image {digest[:12]}… is damaged on the disk", "Upload it, then try again.")
        return body

    def verified(self, digest: str) -> Path:
        """The file of a stored image whose bytes are those that its name says. Raises UnknownImage, LayerDamaged."""
        path = self.found(digest)
        if _digest_of(path) != digest:
            raise LayerDamaged(
                f"the file {path} is not what was made", "Generate it again: the same seed makes the same."
            )
        return path

    def add(self, *pieces: Buffer) -> str:
        """Stores a body and gives its digest."""
        with self.incoming() as upload:
            for piece in pieces:
                upload.write(piece)
            digest = upload.digest
            upload.keep(digest)
        return digest

    @contextlib.contextmanager
    def incoming(self) -> Iterator[Upload]:
        """A body on its way to the disk; it leaves nothing behind unless it is kept."""
        handle, name = tempfile.mkstemp(dir=self.root, prefix=_PARTIAL)
        try:
            with os.fdopen(handle, "wb") as file:
                yield Upload(self, file, Path(name))
        finally:
            Path(name).unlink(missing_ok=True)

    def size(self) -> int:
        """Bytes of all images together."""
        return sum(map(_size_of, self._files()))

    def sweep(self, used: Collection[str], older_than: float, now: float | None = None) -> int:
        """Deletes images that are not in `used` and were not touched for `older_than` seconds; how many.

        One that cannot be looked at or deleted stops nothing: it is left, and logged.
        """
        deadline = (time.time() if now is None else now) - older_than
        return sum(path.name not in used and _delete_older(path, deadline) for path in self._files())

    def _files(self) -> list[Path]:
        partial = [path for path in self.root.iterdir() if path.name.startswith(_PARTIAL)]
        return partial + [path for path in self.root.glob("??/*") if is_digest(path.name)]


class Upload:
    """One body being written; `digest` is that of the bytes so far."""

    def __init__(self, store: ImageStore, file: BinaryIO, path: Path) -> None:
        self._store = store
        self._file = file
        self._hash = hashlib.sha256()
        self.path = path

    def write(self, data: Buffer) -> None:
        self._hash.update(data)
        self._file.write(data)

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    def flush(self) -> None:
        """Makes every byte so far readable at `path`."""
        self._file.flush()

    def keep(self, name: str) -> bool:
        """Puts the body in its place; whether it is new there. Raises MalformedMessage on another digest."""
        if name != self.digest:
            raise MalformedMessage(
                f"the body's SHA-256 is {self.digest}, and it was sent as {name}", "Send the image again."
            )
        self._file.flush()
        os.fsync(self._file.fileno())
        target = self._store.path(name)
        target.parent.mkdir(mode=0o700, exist_ok=True)
        is_new = not target.exists()
        self.path.replace(target)
        _sync_folder(target.parent)
        return is_new


def _digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _size_of(path: Path) -> int:
    """0 of one that is gone meanwhile."""
    try:
        return path.lstat().st_size
    except OSError:
        return 0  # gone meanwhile: it takes no room


def _delete_older(path: Path, deadline: float) -> bool:
    try:
        if path.lstat().st_mtime >= deadline:
            return False
        path.unlink()
    except OSError as error:
        log.warning("%s cannot be swept: %s", path, error)
        return False
    return True


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # Windows cannot open folders
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
