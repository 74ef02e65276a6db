"""Makes the release zip for Krita's Tools → Scripts → Import Python Plugin from File…

    python plugin/package.py [FOLDER] [--engine WHEEL]

Writes FOLDER/acetate-VERSION.zip (FOLDER is dist where left out). With the engine's wheel in it, the docker can install
the engine. The same sources make the same bytes.
"""

from __future__ import annotations

import argparse
import runpy
import zipfile
from pathlib import Path

PLUGIN = Path(__file__).parent
PACKAGE = "acetate"
ENGINE = "acetate/engine"  # where acetate.client.installer looks
LOCK = PLUGIN.parent / "resources" / "engine.lock"
_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip knows
_READABLE, _FOLDER = 0o100644 << 16, (0o40755 << 16) | 0x10


def package(folder: Path, engine: Path | None = None, lock: Path = LOCK) -> Path:
    """The zip that was written: the package, its .desktop and its .action; the wheel `engine`, where one is given, with
    the lock of what it stands on, as engine.lock.
    """
    version = runpy.run_path(str(PLUGIN / "acetate/protocol/version.py"))["__version__"]
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"acetate-{version}.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in folders():
            archive.writestr(_entry(f"{name}/", _FOLDER), b"")
        for file in files():
            archive.writestr(_entry(file.relative_to(PLUGIN).as_posix(), _READABLE), file.read_bytes())
        if engine:
            archive.writestr(_entry(f"{ENGINE}/{engine.name}", _READABLE), engine.read_bytes())
            archive.writestr(_entry(f"{ENGINE}/engine.lock", _READABLE), lock.read_bytes())
    return target


def _entry(name: str, attributes: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _DATE)
    entry.create_system = 3  # Unix, wherever it is made
    entry.external_attr, entry.compress_type = attributes, zipfile.ZIP_DEFLATED
    return entry


def files() -> list[Path]:
    package_files = (file for file in (PLUGIN / PACKAGE).rglob("*") if file.is_file())
    kept = [file for file in package_files if "__pycache__" not in file.parts]
    return sorted([PLUGIN / "acetate.desktop", PLUGIN / "acetate.action", *kept])


def folders() -> list[str]:
    """Krita's importer knows a plugin by the entry of its folder."""
    parents = {folder for file in files() for folder in file.relative_to(PLUGIN).parents}
    return sorted(folder.as_posix() for folder in parents if folder.name)


def _main() -> None:
    parser = argparse.ArgumentParser(description="Makes the zip that Krita imports.")
    parser.add_argument("folder", nargs="?", type=Path, default=Path("dist"))
    parser.add_argument("--engine", type=Path, help="the engine's wheel, to go into it")
    arguments = parser.parse_args()
    print(package(arguments.folder, arguments.engine))  # noqa: T201


if __name__ == "__main__":
    _main()
