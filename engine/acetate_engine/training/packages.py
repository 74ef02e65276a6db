"""Debian and npm packages: fetched by their own clients, checked against a known digest, unpacked.

Nothing of a package is run.
"""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

_NAME = re.compile(r"(deb|npm):(@?\w[\w./-]*?)[=@]([\w.:+~-]+)")


@dataclass(frozen=True)
class Package:
    """`kind` is "deb" or "npm"."""

    kind: str
    name: str
    version: str

    @staticmethod
    def parse(text: str) -> Package:
        """From `deb:NAME=VERSION` or `npm:NAME@VERSION`. Raises ValueError."""
        found = _NAME.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} names no package: write deb:NAME=VERSION or npm:NAME@VERSION")
        return Package(*found.groups())

    def __str__(self) -> str:
        return f"{self.kind}-{self.name}-{self.version}".replace("/", "-").replace(":", "-")


def fetch(package: Package, digest: str, folder: Path) -> Path:
    """The package's files, unpacked in a folder of its own below `folder`; one that is there is not fetched again.

    Args:
        digest: `sha256:HEX` as apt states it, or `sha512-BASE64` as npm does.

    Raises:
        ValueError: what was fetched has another digest.
        subprocess.CalledProcessError: the client failed; it has said why.
    """
    target = folder / str(package)
    if target.is_dir():
        return target
    downloads = folder / f"{package}.download"
    downloads.mkdir(parents=True, exist_ok=True)
    archive = _archive(downloads) or _download(package, downloads)
    check(archive, digest)
    partial = folder / f"{package}.partial"
    partial.mkdir(exist_ok=True)
    _unpack(package, archive, partial)
    return partial.rename(target)


def _archive(downloads: Path) -> Path | None:
    return next(iter(sorted(downloads.iterdir())), None)


def _download(package: Package, downloads: Path) -> Path:
    commands = {
        "deb": ["apt-get", "download", f"{package.name}={package.version}"],
        "npm": ["npm", "pack", f"{package.name}@{package.version}", "--silent"],
    }
    subprocess.run(commands[package.kind], cwd=downloads, check=True)
    archive = _archive(downloads)
    assert archive is not None  # the client succeeded
    return archive


def check(archive: Path, digest: str) -> None:
    """Raises ValueError where the file is another one."""
    algorithm, mark, value = re.split(r"([:-])", digest, maxsplit=1)
    found = hashlib.new(algorithm, archive.read_bytes())
    ours = found.hexdigest() if mark == ":" else base64.b64encode(found.digest()).decode()
    if ours != value:
        raise ValueError(f"{archive.name} is {algorithm}{mark}{ours}, not {digest}: look at what changed, then say so")


def _unpack(package: Package, archive: Path, target: Path) -> None:
    if package.kind == "deb":
        subprocess.run(["dpkg-deb", "--extract", archive, target], check=True)
        return
    with tarfile.open(archive) as tar:
        _extract_files(tar, target.resolve())


def _extract_files(tar: tarfile.TarFile, target: Path) -> None:
    """Regular files only; by hand, for tarfile's own filters came with Python 3.11.4."""
    for member in tar:
        content = tar.extractfile(member) if member.isreg() else None
        if content is None:
            continue
        place = (target / member.name).resolve()
        if target not in place.parents:
            raise ValueError(f"{member.name} of the archive would lie outside of {target}")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.read())
