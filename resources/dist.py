"""`make dist`: wheel, sdist and the zip for Krita, with the wheel in it.

    python resources/dist.py [FOLDER]        into FOLDER, dist where left out

The same sources make the same bytes: every date in the archives is that of SOURCE_DATE_EPOCH, or of the last commit.
"""

from __future__ import annotations

import hashlib
import os
import runpy
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def build(folder: Path) -> list[Path]:
    """The three files, in `folder`. Raises CalledProcessError where a build fails."""
    for old in (*folder.glob("acetate-*.whl"), *folder.glob("acetate-*.tar.gz"), *folder.glob("acetate-*.zip")):
        old.unlink()
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(folder.resolve())]
    dated = {"SOURCE_DATE_EPOCH": date(), **os.environ}
    subprocess.run(command, cwd=ROOT, env=dated, check=True)
    (wheel,), (sdist,) = folder.glob("acetate-*.whl"), folder.glob("acetate-*.tar.gz")
    zip_file = runpy.run_path(str(ROOT / "plugin/package.py"))["package"](folder, wheel)
    return [wheel, sdist, zip_file]


def date() -> str:
    """Seconds since 1970 of the last commit; of 1980, the earliest that a zip knows, where there is no history."""
    command = ["git", "log", "-1", "--format=%ct"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "315532800"


if __name__ == "__main__":
    for file in build(Path(sys.argv[1] if len(sys.argv) > 1 else "dist")):
        print(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file}")  # noqa: T201
