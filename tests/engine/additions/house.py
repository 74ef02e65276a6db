"""A copy of the sources in which what CONTRIBUTING.md says is done, file by file, and a Python that runs it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


class House:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for part in ("plugin/acetate", "engine/acetate_engine"):
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "resources").symlink_to(ROOT / "resources")

    def add(self, path: str, text: str) -> None:
        """A file that is new."""
        target = self.folder / path
        assert not target.exists()
        target.write_text(text, encoding="utf-8")

    def insert(self, path: str, before: str, line: str) -> None:
        """A line into a file, above the only one that begins with `before`, indentation aside."""
        lines = (self.folder / path).read_text(encoding="utf-8").splitlines(keepends=True)
        (place,) = [index for index, text in enumerate(lines) if text.strip().startswith(before)]
        lines.insert(place, line)
        (self.folder / path).write_text("".join(lines), encoding="utf-8")

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A Python that sees this copy in place of the sources."""
        seen = os.pathsep.join(str(self.folder / part) for part in ("plugin", "engine"))
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": seen},
            capture_output=True,
            text=True,
            encoding="utf-8",
        )
