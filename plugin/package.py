"""Makes the release zip for Krita's Tools → Scripts → Import Python Plugin from File…

    python plugin/package.py [FOLDER]        writes FOLDER/acetate-VERSION.zip, FOLDER is dist where left out

The same sources make the same bytes.
"""

from __future__ import annotations

import runpy
import sys
import zipfile
from pathlib import Path

PLUGIN = Path(__file__).parent
_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip knows
_READABLE = 0o644 << 16


def package(folder: Path) -> Path:
    """The zip that was written: the package, its .desktop and its .action."""
    version = runpy.run_path(str(PLUGIN / "acetate/protocol/version.py"))["__version__"]
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"acetate-{version}.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files():
            entry = zipfile.ZipInfo(file.relative_to(PLUGIN).as_posix(), _DATE)
            entry.external_attr, entry.compress_type = _READABLE, zipfile.ZIP_DEFLATED
            archive.writestr(entry, file.read_bytes())
    return target


def files() -> list[Path]:
    package_files = (file for file in (PLUGIN / "acetate").rglob("*") if file.is_file())
    kept = [file for file in package_files if "__pycache__" not in file.parts]
    return sorted([PLUGIN / "acetate.desktop", PLUGIN / "acetate.action", *kept])


if __name__ == "__main__":
    print(package(Path(sys.argv[1] if len(sys.argv) > 1 else "dist")))  # noqa: T201
