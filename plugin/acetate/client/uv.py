"""Gets uv, which makes environments and installs packages: one program, from a package index or a folder of wheels.

Only a wheel whose SHA-256 stands in the lock that came with the plugin is used.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import sys
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from html.parser import HTMLParser
from http.client import HTTPResponse
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urljoin, urlsplit

from acetate.protocol.errors import InstallationFailed

INDEX: Final = "https://pypi.org/simple"
CHECK_NETWORK = "Check the network and press Install again: what is here already is kept."
_TAGS = {
    ("linux", "x86_64"): "manylinux_2_17_x86_64",
    ("linux", "aarch64"): "manylinux_2_28_aarch64",
    ("win32", "AMD64"): "win_amd64",
    ("darwin", "arm64"): "macosx_11_0_arm64",
}
_ENTRY = re.compile(r"^uv==.*\n(?:    --hash=.*\n?)+", re.MULTILINE)
_TIMEOUT = 60.0  # seconds without a byte
_PIECE = 1 << 16
_PROGRAM = "uv.exe" if sys.platform == "win32" else "uv"


def index_url() -> str:
    """The package index: uv's own variable names another."""
    return os.environ.get("UV_DEFAULT_INDEX", "").strip() or INDEX


def get_uv(folder: Path, lock: str, wheels: Path | None, check: Callable[[], None]) -> Path:
    """The program, in `folder`; fetched where it is not there yet. `check` is called often, and raises to stop it.

    Raises InstallationFailed.
    """
    program = folder / _PROGRAM
    if not program.exists():
        hashes = uv_hashes(lock)
        wheel = _in_folder(wheels, hashes) if wheels else _fetch(folder, hashes, check)
        _unpack(wheel, program)
    return program


def uv_hashes(lock: str) -> set[str]:
    """SHA-256 of every wheel of uv that the lock allows."""
    entry = _ENTRY.search(lock)
    return set(re.findall(r"sha256:([0-9a-f]{64})", entry.group())) if entry else set()


def without_uv(lock: str) -> str:
    """What is to be installed: uv itself does that, and is not part of it."""
    return _ENTRY.sub("", lock)


def _in_folder(folder: Path, hashes: set[str]) -> Path:
    for wheel in folder.glob("uv-*.whl"):
        if _is_for_here(wheel.name) and _digest(wheel) in hashes:
            return wheel
    raise InstallationFailed(
        f"{folder} has no wheel of uv for this system that the plugin's lock allows",
        "Put the wheels into it that the release page lists for your system.",
    )


def _fetch(folder: Path, hashes: set[str], check: Callable[[], None]) -> Path:
    page = f"{index_url().rstrip('/')}/uv/"
    try:
        found = _links(page)
        link = next((url for name, url, sha in found if _is_for_here(name) and sha in hashes), None)
        if link is None:
            raise InstallationFailed(f"{page} has no uv for this system that the plugin's lock allows", CHECK_NETWORK)
        return _download(link, folder / "uv.whl", hashes, check)
    except (OSError, ValueError) as error:
        raise InstallationFailed(f"uv could not be fetched from {page} ({error})", CHECK_NETWORK) from error


def _links(page: str) -> list[tuple[str, str, str]]:
    """File name, address and SHA-256 of each file on a page of the index (PEP 503)."""
    request = urllib.request.Request(page, headers={"Accept": "text/html"})
    with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:
        parser = _Anchors()
        parser.feed(answer.read().decode("utf-8", "replace"))
    found = []
    for link in parser.links:
        url, _, fragment = urljoin(page, link).partition("#")
        found.append((unquote(urlsplit(url).path.rpartition("/")[2]), url, fragment.removeprefix("sha256=")))
    return found


class _Anchors(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value for name, value in attrs if tag == "a" and name == "href" and value]


def _download(url: str, target: Path, hashes: set[str], check: Callable[[], None]) -> Path:
    """Goes on behind what is there already; what does not have one of the digests is deleted."""
    target.parent.mkdir(parents=True, exist_ok=True)
    there = target.stat().st_size if target.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={there}-"} if there else {})
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:
            _save(answer, target, check)
    except urllib.error.HTTPError as error:
        if error.code != 416:  # it is all there
            raise
    if _digest(target) not in hashes:
        size = target.stat().st_size
        if size > there:  # it ended early: the next try goes on here
            raise OSError(f"{url} ended after {size} bytes, or is another file than it should be")
        target.unlink()
        raise OSError(f"{url} is another file than it should be")
    return target


def _save(answer: HTTPResponse, target: Path, check: Callable[[], None]) -> None:
    is_rest = answer.status == 206
    with target.open("ab" if is_rest else "wb") as file:
        while piece := answer.read(_PIECE):
            check()
            file.write(piece)


def _unpack(wheel: Path, program: Path) -> None:
    program.parent.mkdir(parents=True, exist_ok=True)
    fresh = program.with_name(f"{program.name}.new")
    try:
        with zipfile.ZipFile(wheel) as archive:
            (name,) = [name for name in archive.namelist() if name.endswith(f"/scripts/{_PROGRAM}")]
            fresh.write_bytes(archive.read(name))
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise InstallationFailed(f"{wheel} cannot be unpacked ({error})", CHECK_NETWORK) from error
    fresh.chmod(0o755)
    fresh.replace(program)


def _is_for_here(name: str) -> bool:
    tag = _TAGS.get((sys.platform, platform.machine()))
    return tag is not None and name.startswith("uv-") and tag in name


def _digest(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while piece := stream.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()
