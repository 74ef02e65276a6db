"""What `make setup` says where it cannot work."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.krita.harness.home import REPOSITORY


def set_up(folder: Path, **variables: str) -> str:
    """In a folder with nothing but the script; its complaints."""
    (folder / "resources").mkdir(parents=True)
    shutil.copy(REPOSITORY / "resources" / "setup.sh", folder / "resources")
    programs = folder / "programs"
    programs.mkdir()
    (programs / "dpkg-query").write_text("#!/bin/sh\necho installed\n")
    (programs / "dpkg-query").chmod(0o755)
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", **variables}
    done = subprocess.run(
        [folder / "resources" / "setup.sh"], env=environment, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 1, done.stdout
    return done.stderr


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "a checkout, größer"
    folder.mkdir()
    (folder / "build").touch()  # in the way, for root too
    said = set_up(folder)
    assert f"{folder} cannot be written" in said and "a folder of yours" in said
    assert len(said.splitlines()) == 2


def test_a_python_that_is_too_old_is_named(tmp_path: Path) -> None:
    said = set_up(tmp_path / "checkout", PYTHON="/bin/false")
    assert "No Python 3.11 or newer" in said and "/bin/false" in said and "PYTHON=" in said
