"""What must hold of the files in the repository, whatever the code does."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from acetate.protocol.geometry import Extent
from acetate.protocol.version import __version__
from acetate_engine.documents.openraster import read_ora

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT / "resources" / "samples"
PICTURES = {".png", ".ora", ".kra", ".psd", ".jpg", ".webp"}
LARGEST = 2_000_000  # bytes
LARGEST_WEIGHTS = 50_000_000  # bytes; embedded models, which a clone must be able to use offline


def committed_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in listed.split("\0") if (ROOT / name).is_file()]


def test_every_sample_picture_has_a_recorded_licence() -> None:
    recorded = re.findall(r"^\| `([^`]+)` .* CC0-1\.0 \|$", (SAMPLES / "LICENCES.md").read_text(), re.MULTILINE)
    assert sorted(recorded) == sorted(path.name for path in SAMPLES.iterdir() if path.suffix in PICTURES)


def test_every_embedded_model_has_a_card_and_every_copied_config_a_licence() -> None:
    folders = [path.parent for path in committed_files() if path.name == "model_index.json"]
    without = [
        str(folder.relative_to(ROOT))
        for folder in folders
        if not ((folder / "README.md").exists() or (folder.parent / "LICENCES.md").exists())
    ]
    assert without == []


def test_files_are_small_enough_for_a_repository() -> None:
    weights = ROOT / "resources" / "models"
    too_large = {
        str(path.relative_to(ROOT)): path.stat().st_size
        for path in committed_files()
        if path.stat().st_size > (LARGEST_WEIGHTS if path.is_relative_to(weights) else LARGEST)
    }
    assert too_large == {}


def test_the_changelog_names_this_version() -> None:
    headings = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == __version__


def test_the_readme_names_only_make_targets_that_exist() -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^|`|')make ([\w-]+)", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert {"demo", "test", "check"} <= named <= targets


def test_the_readme_links_to_files_that_exist() -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", (ROOT / "README.md").read_text())
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.timeout(600)
def test_a_sample_picture_is_what_its_code_paints() -> None:
    command = [sys.executable, str(SAMPLES / "paint.py"), "--check", "window_table"]
    finished = subprocess.run(command, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr


def test_the_layered_sample_has_a_transparent_layer_over_an_opaque_one() -> None:
    document = read_ora(SAMPLES / "dawn_lake.ora")
    assert document.extent == Extent(640, 480)
    lake, bank = document.layers
    assert (lake.name, bank.name) == ("lake at dawn", "near bank")
    below, above = (layer.source.read(layer.bounds)[..., 3] for layer in (lake, bank))
    assert below.min() == 255
    assert 0 < (above > 0).mean() < 0.3
    assert above.max() == 255


def test_the_tests_that_the_readme_names_are_there() -> None:
    """In the table of what painters look for: each row that is there names one."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text.partition("### What painters look for")[2].partition("\n## ")[0]
    rows = [row.split("|") for row in table.splitlines() if row.startswith("| ") and "tested by" not in row]
    assert len(rows) >= 26
    for row in rows:
        named = re.findall(r"`([\w/]+(?:\.py)?)(?:::(\w+))?`", row[3])
        assert named or not row[2].strip().startswith("there"), row
        for file, test in named:
            path = ROOT / "tests" / file
            assert path.exists(), file
            assert not test or f"def {test}(" in path.read_text(encoding="utf-8"), f"{file}::{test}"
