"""The plugin in every Python that a Krita may bring along, where every warning is an error."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import uv

import acetate

PLUGIN = Path(acetate.__file__).parents[1]

CODE = """
import pathlib, sys
plugin = pathlib.Path(sys.argv[1])
files = sorted((plugin / "acetate").rglob("*.py"))
for file in files:
    compile(file.read_bytes(), str(file), "exec")
sys.path.insert(0, str(plugin))
parts = [file for file in files if file.parent.name in ("protocol", "client", "session")]
for file in parts:
    module = ".".join(file.relative_to(plugin).with_suffix("").parts)
    try:
        __import__(module)
    except ImportError as error:
        if (error.name or "").split(".")[0] not in ("krita", "PyQt5", "PyQt6"):
            raise
print(len(files), len(parts))
"""


def check(python: str) -> None:
    command = [python, "-I", "-B", "-W", "error", "-c", CODE, str(PLUGIN)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    compiled, imported = map(int, done.stdout.split())
    assert compiled > 80 and imported > 25


@pytest.mark.parametrize("version", ["3.10", "3.11", "3.12", "3.13", "3.14"])
def test_it_compiles_and_imports_without_a_warning(version: str) -> None:
    check(find(version) or pytest.skip(f"there is no Python {version} on this machine"))


def find(version: str) -> str:
    """Empty where there is none: neither one that uv knows, nor one of pyenv."""
    for pyenv in sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python")):
        return str(pyenv)
    command = [uv.find_uv_bin(), "python", "find", "--no-project", "--no-python-downloads", version]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=False).stdout.strip()
